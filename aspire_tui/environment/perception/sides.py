"""A footprint from upright faces, for a thing whose top is hidden by what stands on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aspire_tui.environment.perception.boxes import Footprint, nearest_quarter, rotated

FloatArray = NDArray[np.float64]

COARSE_DEG, FINE_DEG = 3.0, 0.5
LEAST_ON_A_FACE = 12
ROUGH_M = 0.006
"""Points farther than this from both faces on average are not a box's sides."""


@dataclass(frozen=True)
class SideFit:
    """A rectangle from its faces towards the camera. ``faces`` is how many of them were seen."""

    footprint: Footprint
    faces: int
    residual_m: float


def fit_sides(xy: FloatArray, eye_xy: FloatArray, even: bool) -> SideFit | None:
    """Fit an L of one or two faces to side points seen from above, shape (N, 2).

    For each yaw the faces are the two edges of the rectangle towards the camera; the yaw whose
    edges lie closest to the points wins. A width that no face shows is taken from the other; when
    the thing is said to be ``even``, so is one that a face at a grazing angle shows too short.
    """
    if len(xy) < 2 * LEAST_ON_A_FACE:
        return None
    coarse = np.deg2rad(np.arange(0.0, 90.0, COARSE_DEG))
    best = min(coarse, key=lambda yaw: _faces(xy, eye_xy, yaw)[0])
    fine = best + np.deg2rad(np.arange(-COARSE_DEG, COARSE_DEG + 0.01, FINE_DEG))
    yaw = float(min(fine, key=lambda yaw: _faces(xy, eye_xy, yaw)[0]))
    yaw = nearest_quarter(yaw)
    residual, towards, edges, on_first = _faces(xy, eye_xy, yaw)
    if residual > ROUGH_M:
        return None
    local = xy @ rotated(yaw) * towards
    # Points on the face across one axis show how far the thing reaches along the other.
    along_u, along_v = local[~on_first, 0], local[on_first, 1]
    widths = [_reach(along_u), _reach(along_v)]
    seen = [w for w in widths if w is not None]
    if not seen:
        return None
    sides = np.array([w if w is not None else seen[0] for w in widths])
    if even:
        sides[:] = sides.max()
    centre = rotated(yaw) @ ((edges - sides / 2) * towards)
    return SideFit(Footprint(centre, sides, yaw, 1.0), len(seen), residual)


def _faces(
    xy: FloatArray, eye_xy: FloatArray, yaw: float
) -> tuple[float, FloatArray, FloatArray, NDArray[np.bool_]]:
    """Mean distance to the nearer face, which way the faces look, where they are, who is on u's."""
    axes = rotated(yaw)
    local = xy @ axes
    towards = np.where(eye_xy @ axes >= local.mean(axis=0), 1.0, -1.0)
    local = local * towards
    edges = np.quantile(local, 0.96, axis=0)
    for _ in range(2):
        gap = np.abs(edges - local)
        on_first = gap[:, 0] <= gap[:, 1]
        for axis, on in ((0, on_first), (1, ~on_first)):
            if np.count_nonzero(on) >= LEAST_ON_A_FACE:
                edges[axis] = np.median(local[on, axis])
    gap = np.abs(edges - local)
    nearer = np.minimum(gap[:, 0], gap[:, 1])
    # Beyond a few noise widths a point is a stray and says nothing about the yaw.
    return float(np.mean(np.minimum(nearer, 0.012))), towards, edges, gap[:, 0] <= gap[:, 1]


def _reach(values: FloatArray) -> float | None:
    if len(values) < LEAST_ON_A_FACE:
        return None
    lo, hi = np.quantile(values, [0.03, 0.97])
    return float((hi - lo) / 0.94)
