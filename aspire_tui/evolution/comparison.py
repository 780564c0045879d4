"""Several sessions side by side: groups of runs with their spread, never one curve. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

from aspire_tui.domain import SeedSet, Struct
from aspire_tui.evolution.figures import Metrics, Progress, RateAt
from aspire_tui.evolution.progress import Band, Curve, spread, time_average
from aspire_tui.evolution.statistics import rate


class Spread(Struct, frozen=True):
    """A figure over the runs of a group. ``sem`` is None with fewer than two runs."""

    n: int
    mean: float
    sem: float | None
    lowest: float
    highest: float


class Group(Struct, frozen=True):
    """Runs that belong together. ``times_s`` has None for a run that did not succeed (yet)."""

    label: str
    sessions: tuple[str, ...]
    succeeded: RateAt
    times_s: tuple[float | None, ...]
    tokens: tuple[int | None, ...]
    best: tuple[float | None, ...]
    held_out: tuple[RateAt | None, ...]
    mru: dict[str, Spread]
    """By clock; wall and simulated time are never pooled."""
    tokens_per_minute: Spread | None
    interventions: Spread
    time_averaged: Spread | None
    curves: tuple[Curve, ...]
    band: tuple[Band, ...]


class Comparison(Struct, frozen=True):
    """Groups on one time axis. ``notes`` say what makes them hard to compare."""

    seed_set: SeedSet
    least_scenes: int
    until_s: float
    criterion: str
    groups: tuple[Group, ...]
    notes: tuple[str, ...]


def label_of(m: Metrics) -> str:
    """What one would call a run beside others: agent, model, and no skills if it had none."""
    words = [m.agent or "?", m.model, "without skills" if m.skills == "none" else ""]
    return " ".join(w for w in words if w)


def compare(
    grouped: Mapping[str, Sequence[Metrics]], seed_set: SeedSet | None = None
) -> Comparison:
    """Put groups of runs side by side.

    Args:
        seed_set: Whose scores make the curves; left open, selection where every run has such
            scores, else dev.
    """
    runs = [m for group in grouped.values() for m in group]
    if not runs:
        raise ValueError("nothing to compare")
    chosen: SeedSet = seed_set or (
        "selection" if all(_progress(m, "selection").curve for m in runs) else "dev"
    )
    until_s = max(m.success.watched_s for m in runs)
    groups = tuple(_group(name, list(g), chosen, until_s) for name, g in grouped.items())
    return Comparison(
        seed_set=chosen,
        least_scenes=_progress(runs[0], chosen).least_scenes,
        until_s=until_s,
        criterion=runs[0].success.criterion,
        groups=groups,
        notes=tuple(_notes(groups, runs)),
    )


def _group(label: str, runs: list[Metrics], seed_set: SeedSet, until_s: float) -> Group:
    k, n = sum(not m.success.censored for m in runs), len(runs)
    r = rate(k, n)
    curves = [_progress(m, seed_set).curve for m in runs]
    averages = [a for c in curves if c and (a := time_average(c, until_s)) is not None]
    per_minute = [m.mtu.per_minute["total"] for m in runs if m.mtu.per_minute]
    by_clock: dict[str, list[float]] = {}
    for m in runs:
        if m.mru.mru is not None:
            by_clock.setdefault(m.mru.clock, []).append(m.mru.mru)
    return Group(
        label=label,
        sessions=tuple(m.session for m in runs),
        succeeded=RateAt(1, k, n, r.lo, r.hi),
        times_s=tuple(m.success.time_s for m in runs),
        tokens=tuple(m.success.tokens for m in runs),
        best=tuple(m.success.best for m in runs),
        held_out=tuple(m.held_out for m in runs),
        mru={clock: _spread(values) for clock, values in sorted(by_clock.items())},
        tokens_per_minute=_spread(per_minute) if per_minute else None,
        interventions=_spread([float(m.interventions.total) for m in runs]),
        time_averaged=_spread(averages) if averages else None,
        curves=tuple(curves),
        band=tuple(spread(curves, until_s)),
    )


def _spread(values: Sequence[float]) -> Spread:
    n = len(values)
    sem = statistics.stdev(values) / math.sqrt(n) if n > 1 else None
    return Spread(n, statistics.fmean(values), sem, min(values), max(values))


def _progress(m: Metrics, seed_set: SeedSet) -> Progress:
    return next(p for p in m.progress if p.seed_set == seed_set)


def _notes(groups: Sequence[Group], runs: Sequence[Metrics]) -> list[str]:
    out = [
        f"{g.label}: one run, so nothing is known of its spread"
        for g in groups
        if len(g.sessions) == 1
    ]
    if len({m.task for m in runs}) > 1:
        out.append("the runs are of different tasks: " + "; ".join(sorted({m.task for m in runs})))
    if len({m.mru.clock for m in runs}) > 1:
        out.append("MRU is on the wall clock for some runs and on the simulated one for others")
    out += [f"{m.session} is branded {', '.join(m.brands)}" for m in runs if m.brands]
    out += [f"{m.session} is still running" for m in runs if m.live]
    out += [
        f"{m.session} has no score on at least {p.least_scenes} {p.seed_set} scenes"
        for m in runs
        for p in m.progress
        if p.seed_set == "dev" and not p.curve
    ]
    return out
