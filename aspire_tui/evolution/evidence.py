"""What a session proves about a skill: the same seeds with and without it, counted from events.

A trial counts when it was judged: PASS for the skill, FAIL and UNSURE alike against it, since a
verdict that is in doubt proves nothing. A trial that was not judged (its reset failed, it was
stopped, the cell had a fault) or that the engine took out of every count (nobody answered what its
program asked) counts on neither side: its seed is left out with and without the skill, and told.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from aspire_tui.domain import SeedSet
from aspire_tui.events import CanaryReported, TrialClosed
from aspire_tui.evolution.admission import CellKind, Paired
from aspire_tui.evolution.growing import STANDING
from aspire_tui.evolution.statistics import rate
from aspire_tui.library.load import digest_of
from aspire_tui.library.skill import Evidence, Proof, Rate, Skill
from aspire_tui.session.errors import SessionFileError
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.rows import HypothesisRow
from aspire_tui.session.views import SessionView

SEED_SETS: tuple[SeedSet, ...] = ("selection", "dev")
"""Which comparisons are looked for: held-out scenes never speak for a skill."""


class NoEvidence(Exception):
    """The session does not compare a program with and without this skill."""


def proof_of(reader: SessionReader, skill: Skill, seed_set: SeedSet = "selection") -> Proof:
    """The paired counts of a repair that used this skill alone, against its parent.

    Of several parameter values the ones that were kept count, else the first that were judged.

    Raises:
        NoEvidence: No hypothesis of the session was judged that way.
    """
    first = reader.snapshot().session
    if first is None:
        raise NoEvidence(f"{reader.path.name} says nothing about a run")
    nodes = {h.hypothesis: h for h in reader.hypotheses()}
    for node in sorted(nodes.values(), key=lambda h: (h.status not in STANDING, h.hypothesis)):
        if node.parent is None or not _used_alone(node, nodes[node.parent], skill.name):
            continue
        after = _outcomes(reader, node.hypothesis, seed_set)
        before = _outcomes(reader, node.parent, seed_set)
        seeds = tuple(sorted(after.passed.keys() & before.passed.keys()))
        held_out = held_out_of(reader, node.hypothesis)
        if seeds:
            return Proof(
                task=first.spec.tasks[0],
                seed_set=seed_set,
                seeds=seeds,
                rate_with=rate_of([after.passed[s] for s in seeds]),
                rate_without=rate_of([before.passed[s] for s in seeds]),
                sessions=(reader.session_id(),),
                hashes={
                    "skill": skill.digest,
                    "program": node.program,
                    **{k: first.hashes[k] for k in ("reset", "verifier") if k in first.hashes},
                },
                cell=Path(first.spec.cell).stem,
                left_out=len(_left_out(before, after)),
                held_out=rate_of(held_out) if held_out else None,
            )
    raise NoEvidence(
        f"no program of {reader.path.name} was judged with {skill.name} against one without it: "
        "the skill matched no failure there, or fixed none on the dev scenes"
    )


def paired_of(reader: SessionReader, skill: Skill) -> tuple[Paired, ...]:
    """Every comparison of a program with this skill alone against its parent, by seed set.

    Of several hypotheses with it the kept one counts, else the first. What the session kept of the
    skill's files says which text ran; a session that kept none proves no text in particular.
    """
    first = reader.snapshot().session
    if first is None:
        return ()
    nodes = {h.hypothesis: h for h in reader.hypotheses()}
    digest = _digest_that_ran(reader, skill.name)
    found: dict[SeedSet, Paired] = {}
    for node in sorted(nodes.values(), key=lambda h: (h.status not in STANDING, h.hypothesis)):
        parent = nodes.get(node.parent) if node.parent is not None else None
        if parent is None or not _used_alone(node, parent, skill.name):
            continue
        for seed_set in SEED_SETS:
            after = _outcomes(reader, node.hypothesis, seed_set)
            before = _outcomes(reader, parent.hypothesis, seed_set)
            both = before.passed.keys() & after.passed.keys()
            if seed_set not in found and both:
                found[seed_set] = Paired(
                    task=first.spec.tasks[0],
                    cell=Path(first.spec.cell).stem,
                    kind=kind_of(first),
                    seed_set=seed_set,
                    without=before.passed,
                    with_it=after.passed,
                    left_out=_left_out(before, after),
                    digest=digest,
                    sessions=(reader.session_id(),),
                    held_out=counts(held_out_of(reader, node.hypothesis)),
                )
    return tuple(found.values())


def kind_of(opened: SessionView) -> CellKind:
    """What kind of cell a session ran on."""
    match opened.cell:
        case {"kind": "emulated"}:
            return "emulated"
        case {"kind": "hardware"}:
            return "hardware"
        case _:
            return "sim"


def held_out_of(reader: SessionReader, hypothesis: int) -> list[bool]:
    """PASS of every scene that was run once at the end with a hypothesis; no seeds."""
    return list(_outcomes(reader, hypothesis, "held_out").passed.values())


def counts(outcomes: list[bool]) -> tuple[int, int] | None:
    """k of n; None when nothing was run."""
    return (sum(outcomes), len(outcomes)) if outcomes else None


def _digest_that_ran(reader: SessionReader, name: str) -> str:
    files: dict[str, bytes] = {}
    for row in reader.attachments("skill"):
        skill, _, path = row.name.partition("/")
        data = reader.blob(row.blob)
        if skill == name and data is not None:
            files[path] = data
    return digest_of(files) if files else ""


def digests_used(reader: SessionReader, name: str) -> frozenset[str]:
    """Texts of this skill that a program of the session was made with."""
    return frozenset({_digest_that_ran(reader, name)} - {""})


def with_proof(evidence: Evidence, proof: Proof) -> Evidence:
    """Evidence with a proof added; an older one for the same task and cell gives way."""
    kept = [p for p in evidence.proofs if (p.task, p.cell) != (proof.task, proof.cell)]
    return Evidence(proofs=(*kept, proof))


def recorded_in(folder: Path) -> frozenset[str]:
    """Ids of the sessions whose recordings lie in a folder."""
    return frozenset(map(session_id_of, folder.glob("*.db"))) - {""}


def session_id_of(path: Path) -> str:
    """Empty for a file that is no session."""
    try:
        with SessionReader(path) as reader:
            return reader.session_id()
    except SessionFileError:
        return ""


def _used_alone(node: HypothesisRow, parent: HypothesisRow, skill: str) -> bool:
    return [r.skill for r in node.repairs] == [*(r.skill for r in parent.repairs), skill]


def outcomes_of(reader: SessionReader, hypothesis: int, seed_set: SeedSet) -> dict[int, bool]:
    """PASS by seed, of a hypothesis on one seed set: trials that were judged and count."""
    return _outcomes(reader, hypothesis, seed_set).passed


class _Outcomes(NamedTuple):
    """Of one program on one set of scenes, by seed."""

    passed: dict[int, bool]
    not_counted: frozenset[int]


def _outcomes(reader: SessionReader, hypothesis: int, seed_set: SeedSet) -> _Outcomes:
    uncounted = {
        closed.event.trial
        for closed in reader.events(kinds=("trial_closed",))
        if isinstance(closed.event, TrialClosed) and not closed.event.counted
    } | doubtful_trials(reader)
    passed: dict[int, bool] = {}
    ran: set[int] = set()
    for t in reader.trials(hypothesis=hypothesis):
        if t.seed_set != seed_set or t.closed_seq is None:
            continue
        ran.add(t.seed)
        if t.outcome is not None and t.trial not in uncounted:
            passed[t.seed] = t.outcome == "PASS"
    return _Outcomes(passed, frozenset(ran - passed.keys()))


def _left_out(before: _Outcomes, after: _Outcomes) -> tuple[int, ...]:
    """Seeds that were run on both sides and count on neither."""
    ran = (before.passed.keys() | before.not_counted) & (after.passed.keys() | after.not_counted)
    return tuple(sorted(ran & (before.not_counted | after.not_counted)))


def doubtful_trials(reader: SessionReader) -> frozenset[int]:
    """Trials run since a canary last held before one that did not: the world had changed."""
    told = reader.events(kinds=["canary"])
    return frozenset(
        n for r in told if isinstance(r.event, CanaryReported) for n in r.event.doubtful
    )


def rate_of(outcomes: list[bool]) -> Rate:
    """As evidence keeps it."""
    r = rate(sum(outcomes), len(outcomes))
    return Rate(k=r.k, n=r.n, lo=round(r.lo, 4), hi=round(r.hi, 4))
