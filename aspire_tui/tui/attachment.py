"""Is a person's terminal really there? A pty that hung up is not, nor is a multiplexer's screen
that goes on living without a client."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

ASK_WITHIN_S: Final = 1.0

Run = Callable[[Sequence[str]], str]
"""Runs a command and returns what it printed; raises OSError or SubprocessError."""


class Attached(NamedTuple):
    """What was found, and how, in words."""

    there: bool
    how: str


def run_command(command: Sequence[str]) -> str:
    return subprocess.run(
        command, capture_output=True, text=True, timeout=ASK_WITHIN_S, check=True
    ).stdout


def terminal_answers(fd: int) -> bool:
    """Whether the terminal behind a descriptor still exists: a hung-up one answers EIO."""
    try:
        os.get_terminal_size(fd)
    except OSError:
        return False
    return os.isatty(fd)


class Attachment:
    """Looks at the terminal of this process. Everything it asks is injected."""

    def __init__(
        self,
        environment: Mapping[str, str],
        run: Run = run_command,
        answers: Callable[[], bool] = lambda: terminal_answers(0),
    ) -> None:
        self._tmux_pane = environment.get("TMUX_PANE", "") if environment.get("TMUX") else ""
        self._in_tmux = bool(environment.get("TMUX"))
        self._screen = environment.get("STY", "")
        self._run = run
        self._answers = answers

    def look(self) -> Attached:
        """Whether somebody could be looking now. What cannot be asked counts as nobody."""
        if not self._answers():
            return Attached(False, "the terminal has hung up")
        try:
            if self._in_tmux:
                return self._tmux()
            if self._screen:
                return self._gnu_screen()
        except (OSError, subprocess.SubprocessError) as error:
            return Attached(False, f"the multiplexer does not answer: {type(error).__name__}")
        return Attached(True, "terminal")

    def _tmux(self) -> Attached:
        target = ["-t", self._tmux_pane] if self._tmux_pane else []
        said = self._run(["tmux", "display-message", "-p", *target, "#{session_attached}"])
        count = said.strip()
        there = count.isdigit() and int(count) > 0
        return Attached(there, f"tmux: {count} attached" if there else "tmux: no client")

    def _gnu_screen(self) -> Attached:
        # It ends with 1 when it lists anything in some releases, so only its words count.
        said = self._run(["sh", "-c", 'screen -ls "$0"; true', self._screen])
        lines = [line for line in said.splitlines() if self._screen in line]
        there = any("(Attached)" in line or "(Multi, attached)" in line for line in lines)
        return Attached(there, "screen: attached" if there else "screen: no client")
