"""Runs with and without something, paired by the same unseen scenes, with what each run cost.

Counted from the session files alone. Runs of one arm are shown one by one: a pooled rate hides how
much searches differ among themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, isfinite, sqrt
from statistics import mean, stdev
from typing import NamedTuple

from aspire_tui.domain import JSON, Struct
from aspire_tui.events import RoundEnded
from aspire_tui.evolution.evidence import outcomes_of
from aspire_tui.evolution.statistics import paired, rate
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.rows import TrialRow


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
    reached: bool = False
    """The search met its criterion: ``search_trials`` is then what success took."""

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
        reached=any(
            isinstance(e.event, RoundEnded) and e.event.stop.startswith("success")
            for e in reader.events(kinds=("round_ended",))
        ),
    )


class ToSuccess(NamedTuple):
    """Trials until the criterion was met, search by search; a search that never met it counts with
    ``most``, the trials of the longest search, and comes after every one that did."""

    pairs: int
    fewer: int
    more: int
    p_value: float
    """Exact sign test, one-sided, that the skills do not make it fewer."""
    saved_mean: float
    saved_lo: float
    saved_hi: float
    """Trials saved per search: mean and its 95 % t interval; wide open below two pairs."""
    reached_with: int
    reached_without: int
    most: int


def to_success(arms: Arms) -> ToSuccess:
    """What the criterion took in both arms, paired by task and run seed."""
    other = {(r.task, r.seed): r for r in arms.without}
    both = [(w, other[w.task, w.seed]) for w in arms.with_it if (w.task, w.seed) in other]
    most = max((r.search_trials for pair in both for r in pair), default=0)

    def took(run: ArmRun) -> int:
        return run.search_trials if run.reached else most

    saved = [took(o) - took(w) for w, o in both]
    order = [(o.reached is False, took(o)) > (w.reached is False, took(w)) for w, o in both]
    against = [(o.reached is False, took(o)) < (w.reached is False, took(w)) for w, o in both]
    sign = paired(against, order)
    middle = mean(saved) if saved else 0.0
    half = inf
    if len(saved) > 1:
        from scipy.stats import t  # scipy.stats takes most of a second to import

        half = float(t.ppf(0.975, len(saved) - 1)) * stdev(saved) / sqrt(len(saved))
    return ToSuccess(
        pairs=len(both),
        fewer=sign.fixed,
        more=sign.broken,
        p_value=sign.p_value,
        saved_mean=middle,
        saved_lo=middle - half,
        saved_hi=middle + half,
        reached_with=sum(w.reached for w, _ in both),
        reached_without=sum(o.reached for _, o in both),
        most=most,
    )


def first_passes(reader: SessionReader) -> tuple[ArmRun, ...]:
    """Every development scene of a session as a search of its own: how many trials, whatever the
    program, until one passed there."""
    first = reader.snapshot().session
    if first is None:
        return ()
    rows: dict[int, list[TrialRow]] = {}
    for row in reader.trials():
        if row.seed_set == "dev" and row.outcome is not None:
            rows.setdefault(row.seed, []).append(row)
    nodes = {h.hypothesis: h for h in reader.hypotheses()}
    found = []
    for seed, tried in rows.items():
        passed = next((i for i, r in enumerate(tried, 1) if r.outcome == "PASS"), None)
        by = nodes.get(tried[passed - 1].hypothesis or 0) if passed is not None else None
        found.append(
            ArmRun(
                session=reader.path.stem,
                task=first.spec.tasks[0],
                seed=seed,
                held_out={},
                search_trials=passed or len(tried),
                tokens=0,
                minutes=0.0,
                repairs=() if by is None else tuple(r.skill for r in by.repairs),
                stopped_by="done",
                reached=passed is not None,
            )
        )
    return tuple(found)


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
        "to_success": in_json(to_success(arms)),
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
    lines += told_to_success(to_success(arms), "search")
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


def told_to_success(t: ToSuccess, each: str) -> list[str]:
    """In one line for a person; nothing where no criterion was met at all."""
    if not t.pairs or not (t.reached_with or t.reached_without):
        return []
    between = f" ({t.saved_lo:.2f} to {t.saved_hi:.2f})" if t.pairs > 1 else ""
    return [
        f"  trials to success: fewer with in {t.fewer} of {t.pairs}, more in {t.more}, "
        f"p = {t.p_value:.4f}; {t.saved_mean:.2f} saved{between} per {each}; reached by "
        f"{t.reached_with} with, {t.reached_without} without (never counts as {t.most})"
    ]


def in_json(t: ToSuccess) -> dict[str, JSON]:
    """The figures; an interval that is open is null."""
    told: dict[str, JSON] = {**t._asdict()}
    return {k: None if isinstance(v, float) and not isfinite(v) else v for k, v in told.items()}


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
            "reached": r.reached,
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
