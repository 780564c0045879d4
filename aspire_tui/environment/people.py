"""Whoever is at the cell, as a program can reach them: one question, one answer or none."""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol


class Heard(NamedTuple):
    """What came of a question. STOPPED: the trial was aborted while it stood."""

    status: Literal["OK", "TIMEOUT", "STOPPED"]
    text: str
    """The answer, or why there is none."""


class Operator(Protocol):
    """A person, asked through whatever reaches them."""

    def ask(self, text: str) -> Heard:
        """Wait for the answer. Returns at once when nobody could give one."""
        ...


class Nobody:
    """Workers, headless runs and stand-ins: there is no person to ask."""

    def ask(self, text: str) -> Heard:
        return Heard("TIMEOUT", "nobody is at the cell")
