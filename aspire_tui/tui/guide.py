"""A guided first session: one thing to do at a time, ticked off by what the session says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from aspire_tui.session.snapshot import Snapshot
from aspire_tui.tui.screen.text import Line, fit, line, spread

Done = Callable[[Snapshot], bool]


@dataclass(frozen=True)
class Step:
    """What to do, why, and how the session tells that it was done."""

    title: str
    words: str
    done: Done


def _acted(*verbs: str) -> Done:
    return lambda now: any(act.accepted and act.verb in verbs for act in now.acts)


def _ruled(now: Snapshot) -> bool:
    promotion = now.promotion
    return promotion is not None and promotion.standing != "draft"


LIVE: Final = (
    Step("hold", "press space: HOLD. Only ever holds, from any screen.", _acted("hold")),
    Step("resume", "press R, then enter: the arm goes on from where it stands.", _acted("resume")),
    Step("step", "press s: one call runs, then the program stands.", _acted("step")),
    Step(
        "run on", "press R, then enter: it runs on; 2 shows the call.", _acted("resume", "run_call")
    ),
    Step("fork", "press 5, then f, and type an idea: a new line for the agent.", _acted("fork")),
    Step(
        "promote",
        "once a hypothesis is kept (●): 5, cursor on it, P; read the gate; admit by its name.",
        _ruled,
    ),
    Step("replay", "press q, then enter: you leave, and replay what was done.", lambda _: False),
)
REPLAY: Final = (
    Step("replay", "{ goes to a failure, p plays, ( ) by trial, q leaves.", lambda _: False),
)


class Guide:
    """Which step one is at. A step once done stays done.

    Attributes:
        at: Index of the step that is asked for now.
    """

    def __init__(self, steps: tuple[Step, ...]) -> None:
        self.steps = steps
        self.at = 0
        self._since = 0

    def saw(self, now: Snapshot) -> bool:
        """The session went on. Whether another step is asked for now."""
        step = self.steps[self.at]
        recent = tuple(act for act in now.acts if act.seq > self._since)
        if self.at + 1 < len(self.steps) and step.done(msgspec.structs.replace(now, acts=recent)):
            self.at += 1
            self._since = now.seq
            return True
        return False

    def row(self, columns: int) -> Line:
        step = self.steps[self.at]
        place = f" {self.at + 1} of {len(self.steps)} "
        left = line((" GUIDE ", "badge_sim"), (f" {step.title}: ", "strong"), step.words)
        return spread(fit(left, columns - len(place)), line((place, "dim")), columns)
