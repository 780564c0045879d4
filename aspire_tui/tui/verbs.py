"""Verbs of the command line that a screen starts, each in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aspire_tui.config import Workspace

WITHIN_S: Final = 120.0
COLUMNS: Final = 80
BEHIND: Final = 5
"""How nice the process is that reads verbs ahead: the screen comes first."""


class VerbFailed(ValueError):
    """It did not do what was asked; the text is the line it left."""


def run_verb(
    workspace: Path | None,
    *arguments: str,
    within_s: float = WITHIN_S,
    columns: int = COLUMNS,
    fine: tuple[int, ...] = (0,),
) -> str:
    """What one verb printed, drawn for so many ``columns``; ``fine`` are its good exit codes.

    Raises:
        VerbFailed: It was refused, failed, or took too long.
    """
    command = [sys.executable, "-m", "aspire_tui.cli", *in_workspace(workspace), *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=within_s, stdin=subprocess.DEVNULL,
            env={**os.environ, "COLUMNS": str(columns)},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise VerbFailed(f"{arguments[0]} took longer than {within_s:.0f} s") from None
    return _said(arguments[0], done.returncode, done.stdout, done.stderr, fine)


class WarmVerbs:
    """Runs verbs as :func:`run_verb` does, in a process that has read them ahead of time."""

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def warm(self) -> None:
        """Start to read ahead; answers at once."""
        with self._one_at_a_time:
            self._started()

    def __call__(
        self,
        workspace: Path | None,
        *arguments: str,
        within_s: float = WITHIN_S,
        columns: int = COLUMNS,
        fine: tuple[int, ...] = (0,),
    ) -> str:
        """What one verb printed; see :func:`run_verb`.

        Raises:
            VerbFailed: It was refused, failed, or took too long.
        """
        asked = json.dumps(
            {"arguments": [*in_workspace(workspace), *arguments], "columns": columns}
        )
        with self._one_at_a_time:
            process = self._started()
            try:
                answer = json.loads(_ask(process, asked, within_s))
            except (OSError, ValueError):
                self._end()
                raise VerbFailed(f"{arguments[0]} gave no answer in {within_s:.0f} s") from None
        return _said(arguments[0], answer["code"], answer["out"], answer["err"], fine)

    def close(self) -> None:
        """End the process; a verb that still runs is not waited for."""
        process = self._process
        if process is not None:
            process.terminate()

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "aspire_tui.commands.warm"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                text=True, start_new_session=True,
            )  # fmt: skip
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, self._process.pid, BEHIND)
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _ask(process: subprocess.Popen[str], request: str, within_s: float) -> str:
    """One line there, one line back; an empty one when none came in time."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(request + "\n")
    process.stdin.flush()
    answer, end = b"", time.monotonic() + within_s
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ)
        while not answer.endswith(b"\n"):
            if not ready.select(max(0.0, end - time.monotonic())):
                return ""
            got = os.read(process.stdout.fileno(), 1 << 16)
            if not got:
                return ""
            answer += got
    return answer.decode("utf-8", "replace")


def _said(verb: str, code: int, out: str, err: str, fine: tuple[int, ...]) -> str:
    if code not in fine:
        said = [row for row in (err or out).splitlines() if row.strip()]
        raise VerbFailed(said[-1] if said else f"{verb} ended with {code}")
    return out


def in_workspace(workspace: Path | None) -> Sequence[str]:
    return () if workspace is None else ("--workspace", str(workspace))


def run_here(workspace: Workspace | None, ascii_only: bool, *arguments: str) -> None:
    """A verb of the command line, in this terminal."""
    command = [sys.executable, "-m", "aspire_tui.cli"]
    command += in_workspace(workspace.root if workspace is not None else None)
    command += ["--ascii"] if ascii_only else []
    subprocess.run([*command, *arguments], check=False)
