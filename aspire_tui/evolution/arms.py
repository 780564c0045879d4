"""Runs with and without something, paired by the same unseen scenes, with what each run cost.

Counted from the session files alone. Runs of one arm are shown one by one: a pooled rate hides how
much searches differ among themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean, stdev

from aspire_tui.domain import JSON, Struct
from aspire_tui.evolution.evidence import outcomes_of
from aspire_tui.evolution.statistics import paired, rate
from aspire_tui.session.reader import SessionReader


class ArmRun(Struct, frozen=True):
    """One run of one arm."""

    session: str
    task: str
    seed: int
    held_out: dict[int, bool]
    """PASS by unseen scene; the same scenes for every run with this task and seed."""
    search_trials: int
    """Trials on dev and selection scenes: what finding the program cost."""
    tokens: int
    minutes: float
    repairs: tuple[str, ...]
    stopped_by: str

    @property
    def passed(self) -> int:
        return sum(self.held_out.values())


class Arms(Struct, frozen=True):
    """Two arms on the same scenes."""

    with_it: tuple[ArmRun, ...]
    without: tuple[ArmRun, ...]


def arm_run(reader: SessionReader) -> ArmRun | None:
    """What a session says of its run; None when it never began."""
    moment = reader.snapshot()
    if moment.session is None:
        return None
    spec, ended = moment.session.spec, moment.ended
    best = ended.best if ended is not None else None
    nodes = {h.hypothesis: h for h in reader.hypotheses()}
    t = moment.tokens
    return ArmRun(
        session=reader.path.stem,
        task=spec.tasks[0],
        seed=spec.seed,
        held_out={} if best is None else outcomes_of(reader, best, "held_out"),
        search_trials=moment.count("dev").n + moment.count("selection").n,
        tokens=t.total,
        minutes=round(moment.spent.minutes, 3),
        repairs=tuple(r.skill for r in nodes[best].repairs) if best in nodes else (),
        stopped_by=ended.stopped_by if ended is not None else "not ended",
    )


def as_json(arms: Arms) -> dict[str, JSON]:
    """Both arms, what they have in common, and every run."""
    before, after = paired_outcomes(arms)
    c = paired(before, after)
    return {
        "n": len(before),
        "with": _rate(after),
        "without": _rate(before),
        "fixed": c.fixed,
        "broken": c.broken,
        "p": c.p_value,
        "cost": {"with": _cost(arms.with_it), "without": _cost(arms.without)},
        "runs": {"with": _runs(arms.with_it), "without": _runs(arms.without)},
    }


def paired_outcomes(arms: Arms) -> tuple[list[bool], list[bool]]:
    """Without and with, by task, run seed and scene; scenes that only one arm ran are left out."""
    known = {(r.task, r.seed): r.held_out for r in arms.without}
    before: list[bool] = []
    after: list[bool] = []
    for run in arms.with_it:
        other = known.get((run.task, run.seed), {})
        for scene in sorted(run.held_out.keys() & other.keys()):
            before.append(other[scene])
            after.append(run.held_out[scene])
    return before, after


def in_words(label: str, arms: Arms) -> list[str]:
    """The figures for a person, with their intervals and every run."""
    before, after = paired_outcomes(arms)
    c, w, o = paired(before, after), rate(sum(after), len(after)), rate(sum(before), len(before))
    lines = [
        f"{label}: with {w.k}/{w.n} ({w.lo:.2f}–{w.hi:.2f}), without {o.k}/{o.n} "
        f"({o.lo:.2f}–{o.hi:.2f}); fixed {c.fixed}, broken {c.broken}, p = {c.p_value:.3f}"
    ]
    for name, runs in (("with", arms.with_it), ("without", arms.without)):
        lines.append(f"  {name:<8} search trials {_spread([r.search_trials for r in runs])}")
        if any(r.tokens for r in runs):
            lines.append(f"  {'':<8} tokens {_spread([r.tokens for r in runs])}")
        for r in runs:
            used = ", ".join(r.repairs) or "no repair"
            lines.append(
                f"  {'':<8} {r.task} seed {r.seed}: {r.passed}/{len(r.held_out)}, "
                f"{r.search_trials} trials, {used}  ({r.session}, {r.stopped_by})"
            )
    return lines


def _rate(outcomes: Sequence[bool]) -> dict[str, JSON]:
    r = rate(sum(outcomes), len(outcomes))
    return {"k": r.k, "n": r.n, "interval": [r.lo, r.hi]}


def _cost(runs: Sequence[ArmRun]) -> dict[str, JSON]:
    return {
        "search_trials": [r.search_trials for r in runs],
        "tokens": [r.tokens for r in runs],
        "minutes": [r.minutes for r in runs],
    }


def _runs(runs: Sequence[ArmRun]) -> list[JSON]:
    return [
        {
            "session": r.session,
            "task": r.task,
            "seed": r.seed,
            "k": r.passed,
            "n": len(r.held_out),
            "search_trials": r.search_trials,
            "repairs": list(r.repairs),
            "stopped_by": r.stopped_by,
        }
        for r in runs
    ]


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "none"
    told = f"mean {mean(values):.1f}, {min(values):g} to {max(values):g}, n {len(values)}"
    return told if len(values) < 2 else f"{told}, sd {stdev(values):.1f}"
