"""Verbs of the command line that a screen starts, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

WITHIN_S = 120.0


class VerbFailed(ValueError):
    """It did not do what was asked; the text is the line it left."""


def run_verb(workspace: Path | None, *arguments: str, within_s: float = WITHIN_S) -> str:
    """What one verb printed.

    Raises:
        VerbFailed: It was refused, failed, or took too long.
    """
    command = [sys.executable, "-m", "aspire_tui.cli", *in_workspace(workspace), *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=within_s, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        raise VerbFailed(f"{arguments[0]} took longer than {within_s:.0f} s") from None
    if done.returncode:
        said = [row for row in (done.stderr or done.stdout).splitlines() if row.strip()]
        raise VerbFailed(said[-1] if said else f"{arguments[0]} ended with {done.returncode}")
    return done.stdout


def in_workspace(workspace: Path | None) -> Sequence[str]:
    return () if workspace is None else ("--workspace", str(workspace))
