from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from sts_process import Command, EmulatedBus


@pytest.fixture
def aspire(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Command:
    """The command line in this process: starting one takes longer than what is tested."""
    from aspire_tui.cli import main

    def run(*arguments: str, typed: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["aspire-tui", "--workspace", str(tmp_path), *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        with pytest.raises(SystemExit) as end:
            main()
        told = capsys.readouterr()
        return int(str(end.value.code)), told.out, told.err

    return run


@pytest.fixture
def emulated(tmp_path: Path) -> Iterator[EmulatedBus]:
    bus = EmulatedBus(tmp_path)
    try:
        yield bus
    finally:
        bus.close()
