"""Whole runs through the real binary: engine, workers, sandbox, cell, session file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.processes import end_all


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self):  # type: ignore[no-untyped-def]
        return json.loads(self.out)


@dataclass(frozen=True)
class Bench:
    """A workspace and a runtime folder of its own, so that tests share no cell and no engine."""

    home: Path
    runtime: Path

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: os.environ[k] for k in ("PATH", "HOME", "LANG") if k in os.environ}
        return {
            **kept,
            "ASPIRE_TUI_HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.runtime),
            "TERM": "dumb",
        }

    def command(self, *args: str) -> list[str]:
        return [sys.executable, "-m", "aspire_tui.cli", *args]

    def run(self, *args: str, timeout: float = 150) -> Answer:
        done = subprocess.run(
            self.command(*args),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def start(self, *args: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*args),
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            stdin=subprocess.DEVNULL,
        )

    def program(self, text: str) -> str:
        path = self.home / "program.py"
        path.write_text(text)
        return str(path)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    home = tmp_path / "home"
    home.mkdir()
    with tempfile.TemporaryDirectory(
        prefix="rt-", dir="/tmp", ignore_cleanup_errors=True
    ) as runtime:
        Path(runtime).chmod(0o700)
        yield Bench(home, Path(runtime))
        end_all(Path(runtime), home)
