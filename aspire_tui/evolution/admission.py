"""The gate before the library: what must hold of a skill, and in words what is missing. Pure.

Simulation and hardware never share a count. In simulation a skill is *admitted* on an exact test
over paired selection scenes. On a bench it may be *provisional*: k of n recalled failing scenes
fixed, none broken, its mechanism seen in the trace; always told as k/n of that cell.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from aspire_tui.domain import SeedSet, Struct
from aspire_tui.evolution.selection import ALPHA
from aspire_tui.evolution.statistics import paired, rate
from aspire_tui.library.draft import own_names
from aspire_tui.library.program_text import Edit, apply_edits
from aspire_tui.library.scene_constants import scene_constants
from aspire_tui.library.sketch import read_sketch
from aspire_tui.library.skill import Skill
from aspire_tui.rollout.policy import check

LEAST_PAIRS = 20
"""Selection scenes of one task, each run with and without the skill."""
LEAST_SECOND = 10
"""Scenes of a second task."""
BETTER_BY = 0.10
"""What a skill must gain over one it replaces."""
LEAST_RECALLED = 3
"""Failing bench scenes set up again, of which a provisional skill must fix one and break none."""
PROBATION = 5
"""Uses on a new cell before its own counts speak for it."""

CellKind = Literal["sim", "emulated", "hardware"]
TASK_SPECIFIC = "task-specific"
"""Key of SKILL.md's ``metadata`` under which a skill names the one task it is for."""


class Paired(Struct, frozen=True):
    """The same scenes with and without the skill: PASS by seed, from recordings."""

    task: str
    cell: str
    kind: CellKind
    seed_set: SeedSet
    without: dict[int, bool]
    with_it: dict[int, bool]
    digest: str
    """Of the skill that ran."""
    sessions: tuple[str, ...] = ()
    against: str = ""
    """Name of the skill that ``without`` had instead; empty: none."""
    left_out: tuple[int, ...] = ()
    """Seeds that were run on both sides and count on neither: not judged, or not counted."""
    held_out: tuple[int, int] | None = None
    """k of n with the skill on held-out scenes: nothing is decided by it, a claim is held to it."""

    def seeds(self) -> tuple[int, ...]:
        return tuple(sorted(self.without.keys() & self.with_it.keys()))

    def outcomes(self) -> tuple[list[bool], list[bool]]:
        """Without and with, by the same seeds."""
        seeds = self.seeds()
        return [self.without[s] for s in seeds], [self.with_it[s] for s in seeds]


class Recalled(Struct, frozen=True):
    """Failing scenes of a bench that were set up again, and run with the skill."""

    task: str
    cell: str
    fixed: int
    n: int
    broken: int
    mechanism_seen: bool
    """In the trace of a fixed scene the spliced calls ran, and the implicated one ended OK."""


class Case(Struct, frozen=True):
    """Everything there is to say for a skill."""

    skill: Skill
    primitives: frozenset[str]
    pairs: tuple[Paired, ...] = ()
    recalled: tuple[Recalled, ...] = ()
    world_holds: bool | None = None
    """What the last canary said; None: there was none."""


class Ruling(Struct, frozen=True):
    """What the gate says. ``missing`` is empty exactly when the skill comes in."""

    standing: Literal["admitted", "provisional", "refused"]
    missing: tuple[str, ...]
    proofs: tuple[str, ...]
    """What counted, in lines."""
    constants: tuple[str, ...] = ()


def rule(case: Case) -> Ruling:
    """Decide over a skill. Held-out scenes are not looked at."""
    constants = tuple(str(c) for c in scene_constants(case.skill))
    unsound = [*unsound_lines(case.skill, case.primitives)]
    unsound += [f"scene constant: {c}" for c in constants]
    if case.world_holds is False:
        unsound.append("the last canary failed: the world has changed, nothing is promoted")
    lacking, proofs = _simulation(case)
    if not lacking and not unsound:
        return Ruling("admitted", (), tuple(proofs))
    bench, counts = _bench(case.recalled)
    if case.recalled and not bench and not unsound:
        return Ruling("provisional", (), (*proofs, *counts))
    missing = [*unsound, *lacking, *(bench if case.recalled else [])]
    return Ruling("refused", tuple(dict.fromkeys(missing)), (*proofs, *counts), constants)


def unsound_lines(skill: Skill, primitives: Collection[str]) -> list[str]:
    """What forbids a skill whatever it proves: its sketch against the policy for programs."""
    out = [f"{name} is not a primitive here" for name in skill.uses if name not in primitives]
    repair = skill.definition.repair
    sketch = read_sketch(skill.sketch, repair.splice, repair.parameters)
    out += own_names(sketch.text, tuple(primitives))
    plain = apply_edits(sketch.text, [Edit.placed(p, "None") for p in sketch.placeholders])
    for finding in check(plain, primitives):
        if finding.severity == "error" or finding.code in ("endless", "rebound"):
            out.append(f"sketch line {finding.line}: {finding.text}")
    return list(dict.fromkeys(out))


def _simulation(case: Case) -> tuple[list[str], list[str]]:
    """What the paired runs lack, and what they show."""
    lacking: list[str] = []
    proofs: list[str] = []
    usable: list[Paired] = []
    for p in case.pairs:
        told = f"{p.task} on {p.cell}"
        if p.kind == "hardware":
            continue  # a bench's scenes are counted as recalled ones, never pooled with these
        if p.seed_set != "selection":
            lacking.append(f"{told}: {p.seed_set} scenes never decide; run selection scenes")
        elif p.digest != case.skill.digest:
            lacking.append(f"{told}: measured with another text of this skill; run it again")
        else:
            usable.append(p)
    plain = [p for p in usable if not p.against]
    judged = [(p, _helps(p)) for p in plain]
    proven = {p.task for p, why_not in judged if why_not is None}
    proofs += [_told(p) for p in usable]
    if not plain:
        lacking.append(
            f"no paired runs on selection scenes: at least {LEAST_PAIRS} with and without it"
        )
    if proven:
        lacking += _second_task(case.skill, plain, proven)
    else:
        lacking += [why_not for _, why_not in judged if why_not]
    lacking += _claims(case.skill, case.pairs)
    lacking += _replaces(case.skill, usable)
    return lacking, proofs


def _helps(p: Paired) -> str | None:
    """None when proven; else why not."""
    before, after = p.outcomes()
    n, told = len(before), f"{p.task} on {p.cell}"
    if n < LEAST_PAIRS:
        return f"{told}: {n} paired scenes, at least {LEAST_PAIRS}"
    c = paired(before, after)
    if c.fixed <= c.broken:
        return f"{told}: does not help: fixed {c.fixed}, broken {c.broken} of {n}"
    if c.p_value > ALPHA:
        return (
            f"{told}: not proven: fixed {c.fixed}, broken {c.broken} of {n}, "
            f"p = {c.p_value:.3f}, at most {ALPHA}"
        )
    return None


def _second_task(skill: Skill, plain: Sequence[Paired], proven: set[str]) -> list[str]:
    marked = skill.metadata.get(TASK_SPECIFIC, "")
    if marked:
        if marked in proven:
            return []
        return [f"marked {TASK_SPECIFIC}: {marked}, but proven on {', '.join(sorted(proven))}"]
    second = False
    for p in plain:
        before, after = p.outcomes()
        c = paired(before, after)
        if c.broken > c.fixed:
            told = f"fixed {c.fixed}, broken {c.broken} of {len(before)}"
            return [f"harms {p.task} on {p.cell}: {told}; mark the one task it is for"]
        elsewhere = p.task not in proven or len(proven) > 1
        second |= elsewhere and len(before) >= LEAST_SECOND and c.fixed > c.broken
    if second:
        return []
    return [
        f"helps {', '.join(sorted(proven))} alone: run at least {LEAST_SECOND} selection scenes of "
        f'a second task, or mark it in SKILL.md: metadata {TASK_SPECIFIC}: "TASK"'
    ]


def _claims(skill: Skill, pairs: Sequence[Paired]) -> list[str]:
    """Evidence a skill brings along has to be what the recordings say, every line of it."""
    out = []
    for proof in skill.evidence.proofs:
        scenes = (proof.task, proof.cell, proof.seeds)
        counted = [p for p in pairs if (p.task, p.cell, p.seeds()) == scenes and not p.against]
        claimed = (proof.rate_without.k, proof.rate_with.k)
        if not counted:
            out.append(
                f"evidence.json claims {claimed[1]} with and {claimed[0]} without of "
                f"{len(proof.seeds)} on {proof.task}, and no recording of those scenes is here: "
                "bring it, or take the claim out"
            )
        for p in counted:
            before, after = p.outcomes()
            if claimed != (sum(before), sum(after)):
                out.append(
                    f"evidence.json claims {claimed[1]} with and {claimed[0]} without of "
                    f"{len(before)} on {p.task}; the recording counts {sum(after)} and "
                    f"{sum(before)}"
                )
            told = proof.held_out
            if told is not None and (told.k, told.n) != p.held_out:
                k, n = p.held_out or (0, 0)
                out.append(
                    f"evidence.json claims {told.k}/{told.n} held-out on {p.task}; the recording "
                    f"counts {k}/{n}"
                )
    return out


def _replaces(skill: Skill, usable: Sequence[Paired]) -> list[str]:
    out = []
    for old in skill.definition.supersedes:
        runs = [p for p in usable if p.against == old]
        if not runs:
            out.append(f"replaces {old}: run both on the same selection scenes")
        for p in runs:
            before, after = p.outcomes()
            n = len(before)
            gain = (sum(after) - sum(before)) / n if n else 0.0
            c = paired(before, after)
            if n < LEAST_PAIRS:
                out.append(f"replaces {old}: {n} paired scenes, at least {LEAST_PAIRS}")
            elif gain < BETTER_BY - 1e-9:
                out.append(
                    f"replaces {old}: {100 * gain:+.0f} points on {p.task}, at least "
                    f"{100 * BETTER_BY:+.0f}"
                )
            elif c.p_value > ALPHA:
                out.append(f"replaces {old}: not proven, p = {c.p_value:.3f}, at most {ALPHA}")
    return out


def _bench(recalled: Sequence[Recalled]) -> tuple[list[str], list[str]]:
    lacking: list[str] = []
    for r in recalled:
        told = f"{r.task} on {r.cell}"
        if r.n < LEAST_RECALLED:
            lacking.append(f"{told}: {r.n} recalled failing scenes, at least {LEAST_RECALLED}")
        if r.broken:
            lacking.append(f"{told}: broke {r.broken} scenes; a provisional skill breaks none")
        if r.fixed < 1:
            lacking.append(f"{told}: fixed none of {r.n} recalled scenes")
        if not r.mechanism_seen:
            lacking.append(f"{told}: its mechanism is not in the trace of a fixed scene")
    return lacking, [f"{r.task} on {r.cell}: fixed {r.fixed}/{r.n}, provisional" for r in recalled]


def _told(p: Paired) -> str:
    before, after = p.outcomes()
    n, c = len(before), paired(before, after)
    r = rate(sum(after), n)
    versus = f"with {p.against} instead" if p.against else "without"
    return (
        f"{p.task} on {p.cell}: {sum(after)}/{n} with [{r.lo:.2f}–{r.hi:.2f}], {sum(before)}/{n} "
        f"{versus}, fixed {c.fixed}, broken {c.broken}, p = {c.p_value:.3f}"
        + (f"; {len(p.left_out)} scenes left out, not judged or not counted" if p.left_out else "")
    )


# -- on a cell -----------------------------------------------------------------------------------


class CellCount(Struct, frozen=True):
    """How a skill did on one cell: used n times, fixed k, broke some. Never added across cells."""

    cell: str
    k: int
    n: int
    broken: int = 0

    def __str__(self) -> str:
        return f"{self.k}/{self.n} on {self.cell}"


class Use(Struct, frozen=True):
    """How a skill may be used on a cell."""

    previewed: bool
    slow: bool
    why: str


def use_on(cell: str, proven_cells: Collection[str], counts: Mapping[str, CellCount]) -> Use:
    """On a cell it was not proven on a skill is on probation: shown first, and slow."""
    own = counts.get(cell, CellCount(cell, 0, 0))
    if cell in proven_cells:
        return Use(False, False, f"proven on {cell}")
    if own.broken:
        return Use(True, True, f"probation: broke {own.broken} on {cell}; {own}")
    if own.n < PROBATION:
        return Use(True, True, f"probation: {own}, {PROBATION} uses needed")
    if own.k == 0:
        return Use(True, True, f"probation: fixed nothing yet; {own}")
    return Use(False, False, f"its own counts: {own}")
