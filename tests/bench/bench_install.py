"""A fresh environment with the LLM clients, as `make` makes one: seconds, megabytes, starts."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.figure import Figure, at_most

CHECKOUT = Path(__file__).parent.parent.parent
COMMAND = "python -m tests.bench install"


def figures() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="bench-install-") as folder:
        venv = Path(folder) / "venv"
        python = venv / "bin" / "python"
        started = time.monotonic()
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        install = [python, "-m", "pip", "install", "--quiet", "--no-cache-dir", "--no-compile"]
        subprocess.run([*install, "--disable-pip-version-check", f"{CHECKOUT}[llm]"], check=True)
        seconds = time.monotonic() - started
        megabytes = _size(venv) / 1e6
        first_s = _start_s(venv)
        start_s = min(_start_s(venv) for _ in range(5))
        started_megabytes = _size(venv) / 1e6
    return [
        Figure(
            "fresh install with the LLM clients, time",
            "≤ 60 s",
            f"{seconds:.0f} s, n 1, no cache",
            COMMAND,
            at_most(60, seconds),
        ),
        Figure(
            "fresh install with the LLM clients, size",
            "≤ 650 MB",
            f"{megabytes:.0f} MB, pip included; {started_megabytes:.0f} MB when started once",
            COMMAND,
            at_most(650, megabytes),
        ),
        Figure(
            "command line start (--help)",
            "-",
            f"{start_s:.2f} s, best of 5; the very first, which compiles, {first_s:.1f} s",
            COMMAND,
        ),
    ]


def _size(folder: Path) -> int:
    return sum(p.lstat().st_blocks * 512 for p in folder.rglob("*"))


def _start_s(venv: Path) -> float:
    started = time.monotonic()
    subprocess.run([venv / "bin" / "aspire-tui", "--help"], check=True, capture_output=True)
    return time.monotonic() - started
