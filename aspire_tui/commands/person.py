"""The person at the bench, through a terminal: told things, asked things, never rushed."""

from __future__ import annotations

import select
import sys
from typing import TextIO

from drivers.errors import CellRefused


class Person:
    """Lines out, lines in. The end of input is a no to everything."""

    def __init__(self, lines: TextIO | None = None, screen: TextIO | None = None) -> None:
        self._in = lines or sys.stdin
        self._out = screen or sys.stdout

    def say(self, text: str = "") -> None:
        self._out.write(text + "\n")
        self._out.flush()

    def show(self, text: str) -> None:
        """One line that takes the place of the one before; for terminals only."""
        if self._out.isatty():
            self._out.write(f"\r{text} ")
            self._out.flush()

    def ask(self, text: str) -> str:
        """One line. Raises CellRefused when nobody is there any more."""
        self._out.write(f"{text}: ")
        self._out.flush()
        line = self._in.readline()
        if not line:
            self.say()
            raise CellRefused("not_confirmed", "nobody answers; what was finished is kept")
        return line.strip()

    def confirm(self, text: str, word: str) -> None:
        """Have one word typed before something happens. Raises CellRefused for anything else."""
        if self.ask(f"{text}, then type {word}").lower() != word.lower():
            raise CellRefused("not_confirmed", "not confirmed: nothing was done")

    def yes(self, text: str) -> bool:
        """Only y or yes is a yes."""
        return self.ask(f"{text} [y/n]").lower() in ("y", "yes")

    def number(self, text: str, lo: float, hi: float) -> float:
        """A number in a range; asked again until it is one."""
        while True:
            typed = self.ask(text)
            try:
                value = float(typed)
            except ValueError:
                value = float("nan")
            if lo <= value <= hi:
                return value
            self.say(f"   a number from {lo:g} to {hi:g}")

    def pressed_enter(self, within_s: float) -> bool:
        """Whether a line came meanwhile. Only for terminals and pipes.

        Raises:
            CellRefused: Nobody is there any more.
        """
        if not select.select([self._in], [], [], within_s)[0]:
            return False
        if not self._in.readline():
            raise CellRefused("not_confirmed", "nobody answers; what was finished is kept")
        return True
