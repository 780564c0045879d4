"""Boxes round points: level ones for things on a table, oriented ones for any cloud."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Footprint:
    """A rectangle seen from above: centre (2,), full sides along and across ``yaw_rad``."""

    centre_m: FloatArray
    sides_m: FloatArray
    yaw_rad: float
    fill: float
    """Area of the hull over area of the rectangle: 1 for a box, 0.79 for a disc."""


@dataclass(frozen=True, eq=False)
class OrientedBox:
    """Centre (3,), full extents (3,), and axes as the columns of R (3, 3), right-handed."""

    center: FloatArray
    extent: FloatArray
    R: FloatArray


def rotated(yaw_rad: float) -> FloatArray:
    """Columns are the directions along and across, in the plane."""
    c, s = np.cos(yaw_rad), np.sin(yaw_rad)
    return np.array([[c, -s], [s, c]])


def nearest_quarter(yaw_rad: float) -> float:
    """The same rectangle's yaw in (-45°, 45°], with sides swapped where needed."""
    quarter = np.pi / 2
    return float(yaw_rad - quarter * np.round(yaw_rad / quarter))


def yaw_of(xy: FloatArray) -> float:
    """Yaw of an evenly filled rectangle from its second and fourth moments, radians mod 90°.

    Uses every pixel, so it is finer than the pixel grid. The second moment knows the axes of an
    oblong; of a square only the fourth does: over a square, the mean of (x + iy)^4 points away
    from its sides.
    """
    z = (xy[:, 0] - xy[:, 0].mean()) + 1j * (xy[:, 1] - xy[:, 1].mean())
    spread = float(np.mean(np.abs(z) ** 2)) + 1e-18
    second = complex(np.mean(z**2))
    if abs(second) > 0.18 * spread:
        return nearest_quarter(float(np.angle(second)) / 2)
    fourth = complex(np.mean(z**4))
    return nearest_quarter((float(np.angle(fourth)) - np.pi) / 4)


def smallest_rectangle(xy: FloatArray) -> float:
    """Yaw of the smallest rectangle round the hull of points, radians mod 90°."""
    hull = hull_of(xy)
    edges = np.diff(np.vstack([hull, hull[:1]]), axis=0)
    angles = np.arctan2(edges[:, 1], edges[:, 0])
    return nearest_quarter(
        min(angles, key=lambda yaw: float(np.prod(np.ptp(hull @ rotated(yaw), 0))))
    )


def hull_of(xy: FloatArray) -> FloatArray:
    """Corners of the convex hull in order; the points themselves when they are on a line."""
    from scipy.spatial import ConvexHull, QhullError

    if len(xy) < 3:
        return xy
    try:
        return np.asarray(xy[ConvexHull(xy).vertices])
    except QhullError:
        return xy


def area_of(corners: FloatArray) -> float:
    """Area of a polygon."""
    x, y = corners[:, 0], corners[:, 1]
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def footprint(xy: FloatArray, yaw_rad: float, trim: float) -> Footprint:
    """Rectangle of a given yaw round evenly spread points.

    Args:
        trim: Share of points taken off at each side against stray pixels; given back afterwards.
    """
    local = xy @ rotated(yaw_rad)
    lo, hi = np.quantile(local, [trim, 1 - trim], axis=0)
    sides = (hi - lo) / (1 - 2 * trim)
    centre = rotated(yaw_rad) @ ((lo + hi) / 2)
    fill = min(1.0, area_of(hull_of(xy)) / max(float(np.prod(sides)), 1e-9))
    return Footprint(centre, sides, yaw_rad, fill)


def oriented_box(points: FloatArray) -> OrientedBox:
    """The smallest box with one face parallel to a plane of the hull's principal axes.

    Axes come from the principal directions; about each of them the smallest rectangle is tried.
    Extents are sorted as the axes come, largest first.

    Raises:
        ValueError: Fewer than four finite points.
    """
    p = np.asarray(points, float).reshape(-1, 3)
    p = p[np.all(np.isfinite(p), axis=1)]
    if len(p) < 4:
        raise ValueError(f"a box needs at least 4 finite points, got {len(p)}")
    middle = p.mean(axis=0)
    _, _, axes = np.linalg.svd(p - middle, full_matrices=False)
    best: tuple[float, FloatArray] | None = None
    for k in range(3):
        about = axes[k]
        u, v = axes[(k + 1) % 3], axes[(k + 2) % 3]
        yaw = smallest_rectangle(np.stack([(p - middle) @ u, (p - middle) @ v], axis=1))
        c, s = np.cos(yaw), np.sin(yaw)
        R = np.stack([c * u + s * v, c * v - s * u, about], axis=1)
        volume = float(np.prod(np.maximum(np.ptp((p - middle) @ R, axis=0), 1e-6)))
        if best is None or volume < best[0]:
            best = (volume, R)
    assert best is not None
    R = best[1]
    order = np.argsort(-np.ptp((p - middle) @ R, axis=0), kind="stable")
    R = R[:, order]
    if np.linalg.det(R) < 0:
        R[:, 2] = -R[:, 2]
    local = (p - middle) @ R
    lo, hi = local.min(axis=0), local.max(axis=0)
    return OrientedBox(middle + R @ ((lo + hi) / 2), hi - lo, R)
