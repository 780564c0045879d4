"""The few statistics decisions rest on. Pure; the formulas are scipy's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Rate(NamedTuple):
    """k of n with its 95 % Wilson interval."""

    k: int
    n: int
    lo: float
    hi: float


def rate(k: int, n: int) -> Rate:
    """Wilson score interval at 95 %; (0, 1) when nothing was tried."""
    if n == 0:
        return Rate(0, 0, 0.0, 1.0)
    # scipy.stats costs most of a second to import; the command line starts without it.
    from scipy.stats import binomtest

    ci = binomtest(k, n).proportion_ci(0.95, method="wilson")
    return Rate(k, n, float(ci.low), float(ci.high))


class Paired(NamedTuple):
    """Two programs on the same seeds: how often only one of them passed."""

    fixed: int
    broken: int
    p_value: float
    """One-sided exact sign test that the change does not help."""


def paired(before: Sequence[bool], after: Sequence[bool]) -> Paired:
    """Compare outcomes seed by seed (exact McNemar test, one-sided).

    Raises:
        ValueError: The two were not run on the same seeds.
    """
    if len(before) != len(after):
        raise ValueError(f"{len(before)} and {len(after)} outcomes cannot be paired")
    fixed = sum(a and not b for b, a in zip(before, after, strict=True))
    broken = sum(b and not a for b, a in zip(before, after, strict=True))
    if fixed + broken == 0:
        return Paired(0, 0, 1.0)
    from scipy.stats import binomtest

    p = binomtest(fixed, fixed + broken, alternative="greater").pvalue
    return Paired(fixed, broken, float(p))
