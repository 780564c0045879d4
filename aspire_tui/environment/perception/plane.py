"""The table as a plane in the picture, and a camera pose that agrees with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

NEAR_TABLE_M = 0.02
"""A calibrated camera sees the table at most this far from where the cell says it is."""

ENOUGH_POINTS = 200
MOST_TILT_RAD = np.deg2rad(3.0)
SAMPLED_POINTS = 4000


@dataclass(frozen=True, eq=False)
class Plane:
    """``normal · p = offset_m``, unit normal; ``residual_m`` is one standard deviation."""

    normal: FloatArray
    offset_m: float
    residual_m: float
    points: int

    def flipped(self) -> Plane:
        """The same plane with its other side up."""
        return Plane(-self.normal, -self.offset_m, self.residual_m, self.points)

    def height_m(self, points: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        """Signed distance of points of shape (..., 3)."""
        n = self.normal.astype(points.dtype)
        along = points[..., 0] * n[0] + points[..., 1] * n[1] + points[..., 2] * n[2]
        return np.asarray(along - points.dtype.type(self.offset_m))


def fit_table(points: NDArray[np.floating[Any]], table_z_m: float) -> Plane | None:
    """Fit the plane near a known table height, or None when too little of it is in view.

    Args:
        points: Shape (N, 3), base frame.
        table_z_m: Where the cell says the table is.
    """
    some = points[:: max(1, len(points) // (2 * SAMPLED_POINTS))]
    near = some[np.abs(some[:, 2] - table_z_m) < NEAR_TABLE_M]
    if len(near) < ENOUGH_POINTS:
        return None
    near = near[:: max(1, len(near) // SAMPLED_POINTS)].astype(float)
    # Start from the most common height, so that low flat things do not pull the fit.
    counts, edges = np.histogram(near[:, 2], bins=16)
    mode = float(edges[int(np.argmax(counts))] + (edges[1] - edges[0]) / 2)
    plane = Plane(np.array([0.0, 0.0, 1.0]), mode, 0.004, 0)
    for _ in range(4):
        plane_now = _refit(near, plane, band_m=max(3 * plane.residual_m, 0.0015))
        if plane_now is None:
            return None
        plane = plane_now
    if np.arccos(min(1.0, float(plane.normal[2]))) > MOST_TILT_RAD:
        return None
    return plane


def _refit(points: FloatArray, plane: Plane, band_m: float) -> Plane | None:
    kept = points[np.abs(plane.height_m(points)) < band_m]
    if len(kept) < ENOUGH_POINTS // 2:
        return None
    new = _through(kept)
    return new if new.normal[2] >= 0 else new.flipped()


def _through(points: FloatArray) -> Plane:
    """Least-squares plane through points, shape (N, 3)."""
    middle = points.mean(axis=0)
    d = points - middle
    spread, axes = np.linalg.eigh(np.einsum("ni,nj->ij", d, d) / len(d))
    normal = axes[:, 0]
    residual = float(np.sqrt(max(spread[0], 0.0)))
    return Plane(normal, float(normal @ middle), residual, len(points))


def agree(T_base_cam: FloatArray, plane: Plane, table_z_m: float) -> FloatArray:
    """The camera pose turned about its own centre and raised so that the plane is the table.

    A plane fixes roll, pitch and height of a camera, which are what a hand-eye calibration gets
    wrong by millimetres; position along the table and turn about the vertical stay as calibrated.
    """
    eye = T_base_cam[:3, 3]
    z = np.array([0.0, 0.0, 1.0])
    v = np.cross(plane.normal, z)
    c = float(plane.normal[2])
    skew = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
    turn = np.eye(3) + skew + skew @ skew / (1 + c)
    out = np.eye(4)
    out[:3, :3] = turn @ T_base_cam[:3, :3]
    out[:3, 3] = eye
    out[2, 3] = table_z_m + float(plane.normal @ eye) - plane.offset_m
    return out


def dominant_plane(points: NDArray[np.floating[Any]], seed: int = 0) -> Plane | None:
    """The largest plane in a camera-frame cloud, its normal towards the camera."""
    some = points[:: max(1, len(points) // SAMPLED_POINTS)].astype(float)
    if len(some) < ENOUGH_POINTS:
        return None
    rng = np.random.default_rng(seed)
    best: Plane | None = None
    for _ in range(120):
        a, b, c = some[rng.choice(len(some), 3, replace=False)]
        normal = np.cross(b - a, c - a)
        length = float(np.linalg.norm(normal))
        if length < 1e-6:
            continue
        normal /= length
        plane = Plane(normal, float(normal @ a), 0.004, 0)
        inside = int(np.count_nonzero(np.abs(plane.height_m(some)) < 0.005))
        if best is None or inside > best.points:
            best = Plane(normal, plane.offset_m, 0.004, inside)
    if best is None or best.points < len(some) // 5:
        return None
    for _ in range(3):
        kept = some[np.abs(best.height_m(some)) < max(3 * best.residual_m, 0.0015)]
        best = _through(kept)
    # The camera, at the origin, is on the side the normal points to.
    if best.offset_m > 0:
        best = best.flipped()
    return best
