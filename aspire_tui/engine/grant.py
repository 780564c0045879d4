"""The unattended grant: one typed sentence, read strictly, and what it allows while it stands.

Pure. It reads like this:

``anna leaves yam on cube_stack until 18:30 at 30 % inside x 0.15..0.55 y -0.30..0.30 z 0.00..0.40;
needs operator: hold; heat: hold; 3 failed resets: hold``
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, get_args

from aspire_tui.domain import Grant, Unattended
from drivers.types import Workspace

LONGEST_S: Final = 24 * 3600.0

Trouble = Literal["needs_operator", "heat", "failed_resets"]

_NUMBER = r"(-?\d+(?:\.\d+)?)"
_SENTENCE = re.compile(
    r"(?P<who>\S+) leaves (?P<cell>\S+) on (?P<task>\S+) until (?P<until>\S+)"
    r" at (?P<speed>\d+(?:\.\d+)?) ?%"
    rf" inside x {_NUMBER}\.\.{_NUMBER} y {_NUMBER}\.\.{_NUMBER} z {_NUMBER}\.\.{_NUMBER}"
    r" ?; ?needs operator: (?P<needs>\w+)"
    r" ?; ?heat: (?P<heat>\w+)"
    r" ?; ?(?P<n>\d+) failed resets: (?P<resets>\w+)\.?",
    re.IGNORECASE,
)


class GrantError(ValueError):
    """The sentence grants nothing; one line says what is wrong and what would be right."""


@dataclass(frozen=True)
class Asked:
    """What a grant must be about."""

    who: str
    cell: str
    task: str
    workspace: Workspace
    now: datetime.datetime
    """Local time, aware."""
    can_park: bool = False
    """The cell has a park pose it can go to by itself."""


def template(asked: Asked) -> str:
    """The sentence for this run with the widest bounds there are; to be read, and then typed."""
    lo, hi = asked.workspace.lo_m, asked.workspace.hi_m
    box = " ".join(f"{n} {a:.2f}..{b:.2f}" for n, a, b in zip("xyz", lo, hi, strict=True))
    until = (asked.now + datetime.timedelta(hours=1)).strftime("%H:%M")
    return (
        f"{asked.who} leaves {asked.cell} on {asked.task} until {until} at 30 % inside {box}; "
        "needs operator: hold; heat: hold; 3 failed resets: hold"
    )


def read_grant(sentence: str, asked: Asked) -> Grant:
    """Read a typed sentence.

    Raises:
        GrantError: It is not a grant for this person, cell and task, or goes beyond the cell's own
            bounds; says what would be right.
    """
    text = " ".join(sentence.split())
    m = _SENTENCE.fullmatch(text)
    if m is None:
        raise GrantError(f"not a grant; it reads like this: {template(asked)}")
    for name, said, wanted in (
        ("name", m["who"], asked.who),
        ("cell", m["cell"], asked.cell),
        ("task", m["task"], asked.task),
    ):
        if said != wanted:
            raise GrantError(f"the {name} is {wanted}, not {said}")
    speed = float(m["speed"]) / 100.0
    if not 0.0 < speed <= 1.0:
        raise GrantError(f"a speed of {m['speed']} % is outside 1 to 100")
    numbers = [float(m.group(i)) for i in range(6, 12)]
    lo = (numbers[0], numbers[2], numbers[4])
    hi = (numbers[1], numbers[3], numbers[5])
    for axis, a, b, least, most in zip(
        "xyz", lo, hi, asked.workspace.lo_m, asked.workspace.hi_m, strict=True
    ):
        if not least - 1e-9 <= a < b <= most + 1e-9:
            raise GrantError(f"{axis} {a:g}..{b:g} is not within the cell's {least:g}..{most:g} m")
    if int(m["n"]) < 1:
        raise GrantError("at least 1 failed reset")
    return Grant(
        who=asked.who,
        cell=asked.cell,
        task=asked.task,
        until_s=_until(m["until"], asked.now),
        speed=speed,
        lo_m=lo,
        hi_m=hi,
        failed_resets=int(m["n"]),
        on_needs_operator=_reaction(m["needs"], asked),
        on_heat=_reaction(m["heat"], asked),
        on_failed_resets=_reaction(m["resets"], asked),
        sentence=text,
    )


def granted_by(sentence: str) -> str:
    """Who says a sentence; its first word."""
    return next(iter(sentence.split()), "")


def _reaction(word: str, asked: Asked) -> Unattended:
    for known in get_args(Unattended):
        if word.lower() == known:
            if known == "park" and not asked.can_park:
                raise GrantError("this cell cannot park by itself; write hold")
            return known  # type: ignore[no-any-return]
    raise GrantError(f"{word!r}: expected hold or park")


def _until(word: str, now: datetime.datetime) -> float:
    """``18:30`` is the next 18:30; else a date and time with ``T``."""
    try:
        if "T" in word:
            until = datetime.datetime.fromisoformat(word)
            until = until if until.tzinfo else until.replace(tzinfo=now.tzinfo)
        else:
            clock = datetime.time.fromisoformat(word)
            until = datetime.datetime.combine(now.date(), clock, now.tzinfo)
            if until <= now:
                until += datetime.timedelta(days=1)
    except ValueError:
        raise GrantError(f"until {word!r}: expected 18:30 or 2026-11-21T18:30") from None
    if not 0.0 < (until - now).total_seconds() <= LONGEST_S:
        raise GrantError(f"until {word}: must lie ahead, at most {LONGEST_S / 3600:g} h")
    return until.timestamp()


class Unattendance:
    """Whether a grant stands, and what it says to do when something is wrong."""

    def __init__(self, wall_s: Callable[[], float]) -> None:
        self._wall_s = wall_s
        self.grant: Grant | None = None
        self._failed_resets = 0

    def give(self, grant: Grant) -> None:
        self.grant, self._failed_resets = grant, 0

    def end(self) -> Grant | None:
        """No grant any more; returns the one that stood."""
        ended, self.grant = self.grant, None
        return ended

    @property
    def stands(self) -> bool:
        return self.grant is not None and self._wall_s() < self.grant.until_s

    def over(self) -> str:
        """Why a grant that was given stands no longer; empty while it does or when none was."""
        if self.grant is None or self.stands:
            return ""
        return "its time is over"

    def reset_ended(self, ok: bool) -> bool:
        """A reset ended. Whether the granted number in a row has now failed."""
        self._failed_resets = 0 if ok else self._failed_resets + 1
        return self.grant is not None and self._failed_resets >= self.grant.failed_resets

    def reaction(self, trouble: Trouble) -> Unattended:
        """What to do; HOLD where nobody granted anything else."""
        if self.grant is None or not self.stands:
            return "hold"
        match trouble:
            case "needs_operator":
                return self.grant.on_needs_operator
            case "heat":
                return self.grant.on_heat
            case "failed_resets":
                return self.grant.on_failed_resets
