"""A fresh environment with the LLM clients: seconds and megabytes, and what imports then."""

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
        install = [python, "-m", "pip", "install", "--quiet", "--no-cache-dir"]
        subprocess.run([*install, "--disable-pip-version-check", f"{CHECKOUT}[llm]"], check=True)
        seconds = time.monotonic() - started
        megabytes = _size(venv) / 1e6
        start_s = min(_version_s(venv) for _ in range(5))
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
            f"{megabytes:.0f} MB, pip included",
            COMMAND,
            at_most(650, megabytes),
        ),
        Figure("command line start (--help)", "-", f"{start_s:.2f} s, best of 5", COMMAND),
    ]


def _size(folder: Path) -> int:
    return sum(p.lstat().st_blocks * 512 for p in folder.rglob("*"))


def _version_s(venv: Path) -> float:
    started = time.monotonic()
    subprocess.run([venv / "bin" / "aspire-tui", "--help"], check=True, capture_output=True)
    return time.monotonic() - started
