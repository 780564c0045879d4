"""Control: many may watch and HOLD, one may do more. Pure.

Taking over is a typed act that names who loses it. A holder whose screen is gone loses it too.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

ANYBODY_MAY: frozenset[str] = frozenset(
    {"hello", "hold", "present", "leave", "take_control", "job"}
)
"""Verbs that need no control. HOLD outranks everything."""


@dataclass(frozen=True)
class Holder:
    """One screen with one person, or a person without a screen (a single command)."""

    console: str
    who: str


@dataclass
class Control:
    """Who holds control of one engine; None when nobody does."""

    holder: Holder | None = None

    def arrive(self, console: str, who: str) -> bool:
        """An operator's screen came: it gets control when nobody has it. Whether that changed."""
        if self.holder is not None or not console:
            return False
        self.holder = Holder(console, who)
        return True

    def refusal(self, verb: str, console: str, who: str) -> str:
        """Why this client may not do this now; empty when it may."""
        if verb in ANYBODY_MAY or self.holder is None:
            return ""
        same = self.holder.console == console if console else self.holder.who == who
        if same:
            return ""
        return (
            f"{self.holder.who} has control; you may watch and HOLD, "
            f"or take over by typing: {self.sentence()}"
        )

    def sentence(self) -> str:
        """What must be typed to take over: it names who loses control."""
        return f"take control from {self.holder.who}" if self.holder is not None else "take control"

    def take(self, console: str, who: str, typed: str) -> str:
        """Take over. Returns why not; empty when control is now theirs."""
        if typed.strip().casefold() != self.sentence().casefold():
            return f"type exactly: {self.sentence()}"
        self.holder = Holder(console, who) if console else None
        return ""

    def rename(self, console: str, who: str) -> bool:
        """The holder's person changed name (a shared account). Whether that changed anything."""
        if self.holder is None or self.holder.console != console or self.holder.who == who:
            return False
        self.holder = Holder(console, who)
        return True

    def left(self, console: str) -> bool:
        """A screen is gone; control is free if it was theirs."""
        if self.holder is None or self.holder.console != console:
            return False
        self.holder = None
        return True

    def lapse(self, alive: Collection[str]) -> Holder | None:
        """Free control whose screen is not heard any more; returns who lost it."""
        lost = self.holder
        if lost is None or lost.console in alive:
            return None
        self.holder = None
        return lost
