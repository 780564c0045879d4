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


def _kept(now: Snapshot) -> bool:
    return any(h.parent is not None and h.status != "pruned" and h.status != "open"
               for h in now.live_hypotheses)  # fmt: skip


def _drafted(now: Snapshot) -> bool:
    return now.promotion is not None


def _ruled(now: Snapshot) -> bool:
    return now.promotion is not None and now.promotion.standing in ("admitted", "provisional")


def _wanted(now: Snapshot) -> bool:
    """The gate would let it in as it is."""
    return now.promotion is not None and now.promotion.would_be != "refused"


def _over(now: Snapshot) -> bool:
    return now.ended is not None


LIVE: Final = (
    Step("hold", "press space. HOLD: the arm stops, and only ever stops.", _acted("hold")),
    Step("resume", "press R, then y: it goes on from where it is.", _acted("resume")),
    Step("step", "press s: one call runs, then the program stands.", _acted("step")),
    Step("run on", "press R, then y: it runs on.", _acted("resume", "run_call")),
    Step("fork", "press 5, then f; type an idea, enter: a new line.", _acted("fork")),
    Step("search", "wait: the search tries repairs until one is kept (●).", _kept),
    Step("pause", "one is kept. Press p: the agent waits for you.", _acted("pause_agent")),
    Step("draft", "press 5, j down to the ●, P, y: a skill is drafted.", _drafted),
    Step("mark", "the gate misses a task. Tab to: one task only, enter.", _wanted),
    Step("admit", "tab to: admit, enter; then type the skill's name.", _ruled),
    Step("end", "esc closes. Press E, then y: the run ends.", _over),
    Step("replay", "press q: you leave, and see it all again.", lambda _: False),
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
        if now.ended is not None and self.at + 1 < len(self.steps):
            self.at = len(self.steps) - 1  # nothing before it can be done any more
            return True
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
