"""How sure k of n is."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Final, NamedTuple

Z_95: Final = NormalDist().inv_cdf(0.975)


class Interval(NamedTuple):
    lo: float
    hi: float


def interval(k: int, n: int) -> Interval:
    """Wilson score interval at 95 %; all of [0, 1] when nothing was tried.

    scipy's own formula, without the second of import that an engine in its loop would stand still.

    Raises:
        ValueError: k of n is no count.
    """
    if not 0 <= k <= n:
        raise ValueError(f"{k} of {n} is no count")
    if n == 0:
        return Interval(0.0, 1.0)
    p, z2 = k / n, Z_95 * Z_95
    centre = (2 * n * p + z2) / (2 * (n + z2))
    half = Z_95 / (2 * (n + z2)) * math.sqrt(4 * n * p * (1 - p) + z2)
    return Interval(centre - half if k else 0.0, centre + half if k < n else 1.0)
