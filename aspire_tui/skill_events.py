"""Events about what becomes of skills, and about the canary that watches the world."""

from __future__ import annotations

from typing import Literal

from aspire_tui.domain import Struct
from aspire_tui.event_base import Event

SkillStanding = Literal["draft", "admitted", "provisional", "refused", "abandoned"]


class SkillDrafted(Event, frozen=True, tag="skill_drafted"):
    """A SKILL.md was drafted from a repair; it waits in quarantine for whoever edits it."""

    skill: str
    hypothesis: int
    trial: int
    call: int
    folder: str
    """Where its files are, for an editor."""
    author: str
    """Who wrote the repair: an agent's name, ``rules`` or ``operator``."""
    leftovers: tuple[str, ...] = ()
    """What a person has to mend in it, one line each."""
    id: str = ""
    """Of the command."""


class SkillRuled(Event, frozen=True, tag="skill_ruled"):
    """What the gate said of a skill: of a draft for information, else its admission or refusal."""

    skill: str
    standing: SkillStanding
    missing: tuple[str, ...] = ()
    """What it lacks, one line each. Empty when it would come in, or did."""
    shown: tuple[str, ...] = ()
    """What counted, one line each."""
    who: str = ""
    hypothesis: int | None = None
    would_be: SkillStanding = "refused"
    """Of a draft: what the gate would say now."""
    id: str = ""


class SkillOnProbation(Event, frozen=True, tag="skill_on_probation"):
    """A trial at the bench uses a skill that was not proven on this cell."""

    skill: str
    cell: str
    why: str
    k: int
    n: int
    """Its own counts on this cell so far; with no other cell's."""
    speed: float
    """Override in force for the trial."""
    previewed: bool
    """The program stands before the skill's calls and shows them; nobody is there otherwise."""


class CanaryCheck(Struct, frozen=True):
    """One thing the canary looks at: measured, and the range in which the world is the same."""

    name: str
    value: float
    lo: float
    hi: float
    unit: str = ""
    camera: str = ""

    @property
    def holds(self) -> bool:
        return self.lo <= self.value <= self.hi


class CanaryReported(Event, frozen=True, tag="canary"):
    """A known-good program, camera pose and lighting, looked at again.

    When it does not hold, the world has changed: trials ``doubtful`` were closed since the last
    canary that held, and count for nothing until somebody looked.
    """

    holds: bool
    where: str
    """``bench`` or ``worker``."""
    checks: tuple[CanaryCheck, ...]
    reference: bool = False
    """This one is what later ones are compared with."""
    reason: str = ""
    why: str = ""
    """What it was run for: ``start``, ``every N trials``, ``promotion of NAME``."""
    doubtful: tuple[int, ...] = ()
    cell_s: float = 0.0
