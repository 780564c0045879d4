"""Presence: is a person at this cell? The last key pressed, at a terminal that is really attached.

Operator to engine. Not the watchdog, which is the cell host's word for a silent engine. Pure: the
clock is injected, consoles report, the engine looks.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

PresencePolicy = Literal["hold", "goes-on"]
"""What a cell does when presence lapses: finish the primitive and HOLD, or go on."""

HEARD_S: Final = 6.0
"""A console that was not heard for so long is not there: suspended, dropped, or killed."""
KEY_LIMIT_S: Final = 180.0
"""Default for how old the last key may be."""
STARTED_GRACE_S: Final = 20.0
"""Who started a run at a terminal was there; the screen has so long to appear."""


def presence_policy(kind: str, wanted: PresencePolicy | None = None) -> PresencePolicy:
    """By kind of cell: hardware always holds; what moves nothing real goes on unless told to hold.

    An emulated or simulated cell may be run as hardware would be, never the other way round.
    """
    if kind == "hardware":
        return "hold"
    return wanted or "goes-on"


class Beat(NamedTuple):
    """What one console says of its operator, every other second."""

    console: str
    who: str
    key_age_s: float
    attached: bool
    """The terminal is there: not hung up, and under a multiplexer a client looks at it."""
    how: str = ""
    """How that was found out, in words: ``tmux: no client``."""


class Seen(NamedTuple):
    """Presence now."""

    present: bool
    age_s: float
    """Seconds since the last key anybody pressed here; infinite when nobody ever did."""
    cause: str
    who: str


@dataclass
class _Console:
    who: str
    heard_s: float
    key_s: float
    attached: bool
    how: str


class Presence:
    """Who is there, from what consoles report."""

    def __init__(
        self,
        now_s: Callable[[], float],
        key_limit_s: float = KEY_LIMIT_S,
        started_by: str = "",
    ) -> None:
        """``started_by`` names the person whose terminal started the engine; empty for none."""
        self._now_s = now_s
        self._key_limit_s = key_limit_s
        self._consoles: dict[str, _Console] = {}
        self._started_by = started_by
        self._started_s = now_s()
        self._last: tuple[float, str] = (now_s() if started_by else -math.inf, started_by)

    def beat(self, beat: Beat) -> None:
        """A console reports. What it says of the future or of nothing counts as no key at all."""
        now = self._now_s()
        age = beat.key_age_s
        key_s = now - age if math.isfinite(age) and age >= 0.0 else -math.inf
        self._consoles[beat.console] = _Console(beat.who, now, key_s, beat.attached, beat.how)
        if beat.attached and key_s > self._last[0]:
            self._last = (key_s, beat.who)

    def left(self, console: str) -> None:
        """A console says that it leaves."""
        self._consoles.pop(console, None)

    def alive(self) -> tuple[str, ...]:
        """Consoles that were heard lately, attached or not."""
        now = self._now_s()
        return tuple(n for n, c in self._consoles.items() if now - c.heard_s <= HEARD_S)

    def look(self) -> Seen:
        """Is anybody there? At least one heard console, attached, with a key that is not old."""
        now = self._now_s()
        key_s, who = self._last
        age_s = now - key_s
        heard = [c for c in self._consoles.values() if now - c.heard_s <= HEARD_S]
        attached = [c for c in heard if c.attached]
        if not attached:
            if self._started_by and now - self._started_s <= STARTED_GRACE_S:
                return Seen(True, age_s, "just started", self._started_by)
            return Seen(False, age_s, self._why_nobody(heard), who)
        newest = max(attached, key=lambda c: c.key_s)
        if now - newest.key_s > self._key_limit_s:
            cause = f"no key for {self._key_limit_s:g} s"
            return Seen(False, age_s, cause, newest.who)
        return Seen(True, now - newest.key_s, "at a terminal", newest.who)

    def _why_nobody(self, heard: list[_Console]) -> str:
        if heard:
            return heard[0].how or "the terminal is not attached"
        if self._consoles:
            silent = max(self._consoles.values(), key=lambda c: c.heard_s)
            return f"{silent.who}'s screen has fallen silent"
        return "no screen is attached"
