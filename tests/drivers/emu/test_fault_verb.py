"""``aspire-tui cell fault`` against a running emulator, as typed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import pytest
from emulator import Running, Sdk

from aspire_tui.cli import main
from drivers.emu.faults import CATALOGUE


def typed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str
) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["aspire-tui", "cell", "fault", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_a_fault_is_typed_and_felt(
    start: Callable[..., Running],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    running = start()
    sdk = Sdk(running.link)
    assert sdk.ping(2) == 777
    cell = str(running.folder)
    code, out, _ = typed(capsys, monkeypatch, cell, "missing", "servo=2")
    assert code == 0 and "servo 2 no longer answers" in out
    assert sdk.ping(2, tries=2) is None
    code, out, _ = typed(capsys, monkeypatch, cell, "mend", "--json")
    assert code == 0 and json.loads(out)["fault"] == "mend"
    assert sdk.ping(2) == 777
    sdk.write(3, 42, 2100)
    code, out, _ = typed(capsys, monkeypatch, cell, "--goals")
    assert code == 0 and "id 3: 1 goals, 2100 to 2100; 0 outside 0 to 4095" in out
    code, out, _ = typed(capsys, monkeypatch, cell, "--state", "--json")
    assert json.loads(out)["arms"]["arm"]["servos"][2]["torque"] == 1
    sdk.close()


def test_what_is_wrong_is_said_in_one_line(
    start: Callable[..., Running],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cell = str(start().folder)
    for words, status, said in (
        ((cell, "unplgu"), 2, "did you mean 'unplug'"),
        ((cell, "jam", "servo=8"), 2, "there are servos 1 to 6"),
        ((cell, "jam", "servo"), 2, "expected KEY=VALUE"),
        (("/nowhere", "jam", "servo=1"), 5, "no emulator answers there"),
    ):
        code, out, err = typed(capsys, monkeypatch, *words)
        assert (code, out) == (status, "") and said in err and err.count("\n") == 1


def test_help_and_list_name_every_fault(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, listed, _ = typed(capsys, monkeypatch, "so101-emulated")
    _, helped, _ = typed(capsys, monkeypatch, "--help")
    for name in CATALOGUE:
        assert f"\n{name}" in f"\n{listed}" and f"\n  {name}" in helped
