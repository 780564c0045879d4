"""A skill: the failures it answers, the repair, and what proves it. Data only, never executed."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from aspire_tui.domain import JSON, SeedSet, Status, Struct

API_VERSION = 1
"""Version of ``skill.toml`` and of the sketch language that this release reads."""

KINDS = (
    "localisation heuristic",
    "perception prompt",
    "grasp constraint",
    "motion primitive",
    "navigation recovery",
    "debugging workflow",
)
"""What a skill may say it is, under ``kind`` in SKILL.md's metadata."""

Splice = Literal["before", "replace", "after", "wrap"]
"""Where a sketch goes, seen from the implicated call."""


class Between(Struct, frozen=True):
    """Matches a number in this range, or one element of a vector when ``index`` is given."""

    lo: float = -math.inf
    hi: float = math.inf
    index: int | None = None

    def fits(self, value: JSON) -> bool:
        if self.index is not None:
            if not isinstance(value, list | tuple) or not 0 <= self.index < len(value):
                return False
            value = value[self.index]
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return self.lo <= value <= self.hi

    def __str__(self) -> str:
        element = "" if self.index is None else f"[{self.index}] "
        return f"{element}in [{self.lo:g}, {self.hi:g}]"


Pattern = str | bool | Between
"""A text pattern (``*`` and ``?``, case ignored), a truth value, or a range."""


class Signature(Struct, frozen=True):
    """What a failure looks like. Everything given here must hold.

    Attributes:
        primitives: The implicated call is one of these.
        statuses: It ended in one of these; empty: any.
        checks: One of these checks of the verdict (``*``, ``?``) did not pass; empty: any.
        after: These primitives were called before it, in this order, others between allowed.
        args: Patterns on arguments of the implicated call.
        scene: Patterns on measured facts, e.g. ``error_m``; a fact nobody measured does not fit.
    """

    primitives: tuple[str, ...]
    statuses: tuple[Status, ...] = ()
    checks: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    args: dict[str, Pattern] = {}
    scene: dict[str, Pattern] = {}


class Applies(Struct, frozen=True):
    """When to use it, for people, and for which kinds of cell (empty: any)."""

    when: str
    kinds: tuple[str, ...] = ()


class Parameter(Struct, frozen=True):
    """One number of the repair that is searched, from ``lo`` to ``hi`` in steps."""

    default: float
    lo: float
    hi: float
    step: float
    unit: str = ""
    what: str = ""
    whole: bool = False
    """A whole number, such as a count of tries."""

    def values(self) -> tuple[float, ...]:
        """Every value the search may try, ascending."""
        count = math.floor((self.hi - self.lo) / self.step + 1e-9) + 1
        return tuple(round(self.lo + i * self.step, 9) for i in range(count))

    def literal(self, value: float) -> str:
        """The value as it stands in a program."""
        return str(round(value)) if self.whole else repr(float(value))


class Repair(Struct, frozen=True):
    """How the program is changed: where the sketch goes and what in it may be searched."""

    splice: Splice
    sketch: str
    """File of the sketch, below ``scripts/``."""
    parameters: dict[str, Parameter] = {}


class Provenance(Struct, frozen=True):
    """Where the skill comes from. Foreign skills are untrusted, as all skills are."""

    author: str
    date: str
    origin: str = ""
    derived_from: tuple[str, ...] = ()


class SkillFile(Struct, frozen=True):
    """What ``skill.toml`` holds."""

    api_version: int
    signature: Signature
    applies: Applies
    repair: Repair
    provenance: Provenance
    supersedes: tuple[str, ...] = ()


class Rate(Struct, frozen=True):
    """``k`` of ``n`` trials passed, with the Wilson interval."""

    k: int
    n: int
    lo: float
    hi: float


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One paired measurement: the same seeds with and without the skill.

    ``sessions`` are the recordings it was counted from; ``hashes`` say what was measured (skill,
    program, reset, verifier).
    """

    task: str
    seed_set: SeedSet
    seeds: tuple[int, ...]
    rate_with: Rate = msgspec.field(name="with")
    rate_without: Rate = msgspec.field(name="without")
    sessions: tuple[str, ...] = ()
    hashes: dict[str, str] = {}
    cell: str = ""
    left_out: int = 0
    """Seeds run on both sides that count on neither: not judged, or not counted."""
    held_out: Rate | None = None
    """With the skill, on scenes run once at the end: recorded, and nothing is decided by it."""


class Evidence(Struct, frozen=True):
    """What ``evidence.json`` holds. A skill without proofs is allowed, and said to have none."""

    proofs: tuple[Proof, ...] = ()


class Skill(Struct, frozen=True):
    """One skill as it was read from its folder."""

    name: str
    description: str
    metadata: dict[str, str]
    text: str
    """What SKILL.md says below its front matter, for people and models: untrusted prose."""
    folder: str
    definition: SkillFile
    sketch: str
    uses: tuple[str, ...]
    """Primitives the sketch calls, sorted."""
    evidence: Evidence
    digest: str
    """sha256 over what the skill does: all files but its evidence and its prose."""

    @property
    def kind(self) -> str:
        """What it says it is; empty when it does not say."""
        return self.metadata.get("kind", "")

    def evidence_tasks(self) -> tuple[str, ...]:
        """Tasks its evidence was measured on, sorted."""
        return tuple(sorted({p.task for p in self.evidence.proofs}))

    def proven_on(self, task: str) -> bool:
        """Its evidence comes from this very task: using it there is no sign of learning."""
        return task in self.evidence_tasks()

    def defaults(self) -> dict[str, float]:
        """The parameter values to start from."""
        return {name: p.default for name, p in self.definition.repair.parameters.items()}
