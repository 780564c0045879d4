"""How sure k of n is."""

from __future__ import annotations

from typing import NamedTuple


class Interval(NamedTuple):
    lo: float
    hi: float


def interval(k: int, n: int) -> Interval:
    """Wilson score interval at 95 %; all of [0, 1] when nothing was tried."""
    if n == 0:
        return Interval(0.0, 1.0)
    # scipy.stats costs most of a second to import; only who prints an interval pays.
    from scipy.stats import binomtest

    ci = binomtest(k, n).proportion_ci(0.95, method="wilson")
    return Interval(float(ci.low), float(ci.high))
