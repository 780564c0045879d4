"""Stray points of a cloud: those whose neighbours are unusually far away."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NEIGHBOURS = 12
FAR_SD = 2.0


def without_strays(points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points of a cloud (N, 3) to keep; not finite ones are strays."""
    from scipy.spatial import cKDTree

    keep: NDArray[np.bool_] = np.all(np.isfinite(points), axis=1)
    usable = np.flatnonzero(keep)
    if len(usable) <= NEIGHBOURS:
        return keep
    distance, _ = cKDTree(points[usable]).query(points[usable], k=NEIGHBOURS + 1)
    mean = distance[:, 1:].mean(axis=1)
    keep[usable] = mean <= mean.mean() + FAR_SD * mean.std()
    return keep
