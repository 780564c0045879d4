"""The few statistics decisions rest on. Pure; the formulas are scipy's, and tested against it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from aspire_tui.session.interval import interval


class Rate(NamedTuple):
    """k of n with its 95 % Wilson interval."""

    k: int
    n: int
    lo: float
    hi: float


def rate(k: int, n: int) -> Rate:
    """Wilson score interval at 95 %; (0, 1) when nothing was tried."""
    return Rate(k, n, *interval(k, n))


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
    n = fixed + broken
    return Paired(fixed, broken, sum(math.comb(n, i) for i in range(fixed, n + 1)) / 2**n)
