"""Best so far over time: steps, their time average, and many runs on one grid. Pure.

A curve is a list of points (seconds, best score so far); the score before the first point is 0.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

GRID = 241
"""Points of a common time axis."""

Curve = tuple[tuple[float, float], ...]


def best_so_far(scores: Iterable[tuple[float, float]]) -> Curve:
    """Scores in order of time as steps upwards; what is no better leaves no point."""
    out: list[tuple[float, float]] = []
    for at_s, score in scores:
        if not out or score > out[-1][1]:
            out.append((at_s, score))
    return tuple(out)


def value_at(curve: Curve, at_s: float) -> float:
    """The best score known at a moment."""
    value = 0.0
    for since_s, score in curve:
        if since_s > at_s:
            break
        value = score
    return value


def time_average(curve: Curve, until_s: float) -> float | None:
    """Mean of the curve over [0, until]; None before any time has passed. The end is held."""
    if until_s <= 0:
        return None
    area = 0.0
    for (since_s, score), (next_s, _) in pairwise((*curve, (math.inf, 0.0))):
        area += score * max(0.0, min(next_s, until_s) - since_s)
    return area / until_s


def team_average(curves: Sequence[Curve]) -> Curve:
    """The mean of each agent's best so far, a point wherever one of them rose."""
    times = sorted({at_s for curve in curves for at_s, _ in curve})
    mean = [(t, sum(value_at(c, t) for c in curves) / len(curves)) for t in times]
    return best_so_far(mean)


class Band(NamedTuple):
    """Several runs at one moment: their mean, its standard error, and the worst and best run."""

    at_s: float
    mean: float
    sem: float | None
    """None with fewer than two runs: one curve has no spread."""
    lowest: float
    highest: float


def spread(curves: Sequence[Curve], until_s: float, points: int = GRID) -> list[Band]:
    """All runs on one time axis, ends held; SEM with ddof 1."""
    if not curves:
        return []
    out = []
    for i in range(points):
        t = until_s * i / (points - 1)
        values = [value_at(c, t) for c in curves]
        sem = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None
        out.append(Band(t, statistics.fmean(values), sem, min(values), max(values)))
    return out
