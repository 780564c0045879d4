"""Fits a level box to a thing's outlines in pictures without depth. Pure.

A box that stands on a known plane is told from one outline by its corners, roughly; from several,
well. What is fitted is what agrees best with all outlines at once: the shared part over the joint
part of the box's outline and the mask, averaged over the pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from aspire_tui.environment.perception.camera import invert, rays

FloatArray = NDArray[np.float64]
Mask = NDArray[np.bool_]

FINER: Final = 2
"""Outlines are compared on a raster so much finer than the pixels."""
MARGIN_PX: Final = 12
LEAST_M, MOST_M = 0.006, 0.30
YAWS: Final = (0.0, np.pi / 6, np.pi / 3)
HEIGHTS_M: Final = (0.02, 0.05)
ODD_COST: Final = 0.01
"""What a box twice as long as wide costs: outlines alone hardly tell a cube from a longer box."""


@dataclass(frozen=True, eq=False)
class Outline:
    """One picture's mask of the thing, cropped and made finer, with the camera it is seen by."""

    camera: str
    mask: Mask
    K: FloatArray
    T_base_cam: FloatArray
    fine: NDArray[np.bool_]
    corner_px: tuple[int, int]
    """Column and row of the crop's upper left pixel."""

    @classmethod
    def of(cls, camera: str, mask: Mask, K: FloatArray, T_base_cam: FloatArray) -> Outline:
        rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        r0, c0 = max(0, rows[0] - MARGIN_PX), max(0, cols[0] - MARGIN_PX)
        crop = mask[r0 : rows[-1] + 1 + MARGIN_PX, c0 : cols[-1] + 1 + MARGIN_PX]
        fine = np.repeat(np.repeat(crop, FINER, axis=0), FINER, axis=1)
        return cls(camera, mask, K, np.asarray(T_base_cam, float), fine, (int(c0), int(r0)))

    def agreement(self, corners: FloatArray) -> float:
        """Shared over joint area of the mask and the outline of points (8, 3), base frame."""
        from scipy.spatial import ConvexHull, QhullError

        T = invert(self.T_base_cam)
        local = corners @ T[:3, :3].T + T[:3, 3]
        if np.any(local[:, 2] < 0.02):
            return 0.0
        uv = (local[:, :2] / local[:, 2:]) * np.diag(self.K)[:2] + self.K[:2, 2]
        # A pixel's middle is at its whole number; the raster counts from its edge.
        at = (uv + 0.5 - np.array(self.corner_px)) * FINER - 0.5
        if np.any(np.abs(at) > 1e5):
            return 0.0
        try:
            hull = at[ConvexHull(at).vertices]
        except (QhullError, ValueError):
            return 0.0
        drawn = Image.new("1", (self.fine.shape[1], self.fine.shape[0]))
        ImageDraw.Draw(drawn).polygon([(float(x), float(y)) for x, y in hull], fill=1)
        inside = np.asarray(drawn)
        shared = int(np.count_nonzero(inside & self.fine))
        # What falls outside the crop is part of the joint area too.
        x, y = hull[:, 0], hull[:, 1]
        area = abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
        joint = max(float(area), float(np.count_nonzero(inside))) + np.count_nonzero(self.fine)
        return shared / max(joint - shared, 1.0)


@dataclass(frozen=True)
class FittedBox:
    """A level box, base frame, and how well each outline agrees with it (0 to 1)."""

    centre_m: tuple[float, float, float]
    sides_m: tuple[float, float, float]
    yaw_rad: float
    agreement: tuple[float, ...]

    @property
    def worst(self) -> float:
        return min(self.agreement)

    @property
    def mean(self) -> float:
        return float(np.mean(self.agreement))


def fit_box(
    outlines: Sequence[Outline], table_z_m: float, *, even: bool, base_m: float | None = 0.0
) -> FittedBox:
    """The box that agrees best with all outlines.

    Args:
        even: All sides alike, as a cube's.
        base_m: Height of its underside above the table; None lets it be found, which takes two
            pictures from different places.
    """
    from scipy.optimize import minimize

    best: tuple[float, FloatArray] | None = None

    def cost(theta: FloatArray) -> float:
        centre, sides, yaw = _box(theta, table_z_m, even, base_m)
        if np.any(sides < LEAST_M) or np.any(sides > MOST_M):
            return 2.0
        corners = corners_of(centre, sides, yaw)
        off = 1.0 - float(np.mean([o.agreement(corners) for o in outlines]))
        odd = np.log(sides[0] / sides[1]) ** 2 + np.log(sides[2] ** 2 / sides[0] / sides[1]) ** 2
        return off + ODD_COST * float(odd)

    for start in _starts(outlines, table_z_m, even, base_m):
        found = minimize(
            cost,
            start,
            method="Nelder-Mead",
            options={"initial_simplex": _simplex(start, even), "maxfev": 260, "xatol": 2e-4},
        )
        if best is None or found.fun < best[0]:
            best = (float(found.fun), found.x)
    assert best is not None
    again = minimize(
        cost,
        best[1],
        method="Nelder-Mead",
        options={"initial_simplex": _simplex(best[1], even), "maxfev": 400, "xatol": 1e-4},
    )
    centre, sides, yaw = _box(again.x, table_z_m, even, base_m)
    corners = corners_of(centre, sides, yaw)
    agreement = tuple(o.agreement(corners) for o in outlines)
    x, y, z = (float(v) for v in centre)
    a, b, c = (float(v) for v in sides)
    return FittedBox((x, y, z), (a, b, c), float(yaw), agreement)


def corners_of(centre: FloatArray, sides: FloatArray, yaw: float) -> FloatArray:
    """The eight corners of a level box, shape (8, 3)."""
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
    local = signs * sides / 2
    c, s = np.cos(yaw), np.sin(yaw)
    out = local.copy()
    out[:, 0] = c * local[:, 0] - s * local[:, 1]
    out[:, 1] = s * local[:, 0] + c * local[:, 1]
    return out + centre


def shadow(outline: Outline, z_m: float) -> FloatArray:
    """Where the rays of a mask's pixels meet a level plane, shape (N, 2)."""
    shape = (outline.mask.shape[0], outline.mask.shape[1])
    T = outline.T_base_cam
    directions = rays(shape, outline.K)[outline.mask] @ T[:3, :3].T
    down = np.where(directions[:, 2] > -1e-6, -1e-6, directions[:, 2])
    reach = (z_m - T[2, 3]) / down
    return np.asarray(T[:2, 3] + directions[:, :2] * reach[:, None], float)


def _box(
    theta: FloatArray, table_z_m: float, even: bool, base_m: float | None
) -> tuple[FloatArray, FloatArray, float]:
    sides = np.exp(theta[3:4]).repeat(3) if even else np.exp(theta[3:6])
    base = theta[-1] if base_m is None else base_m
    centre = np.array([theta[0], theta[1], table_z_m + base + sides[2] / 2])
    return centre, sides, float(theta[2])


def _starts(
    outlines: Sequence[Outline], table_z_m: float, even: bool, base_m: float | None
) -> list[FloatArray]:
    out = []
    for height in HEIGHTS_M:
        grounds = [shadow(o, table_z_m + height / 2) for o in outlines]
        middle = np.mean([np.median(g, axis=0) for g in grounds], axis=0)
        # The narrower way across the line of sight is hardly stretched by the thing's height.
        side = float(np.clip(min(_narrow(g) for g in grounds), 2 * LEAST_M, MOST_M / 2))
        for yaw in YAWS:
            sides = [np.log(side)] if even else [np.log(side), np.log(side), np.log(height)]
            base = [] if base_m is not None else [0.02]
            out.append(np.array([*middle, yaw, *sides, *base]))
        if even:
            break
    return out


def _narrow(xy: FloatArray) -> float:
    spread = xy - xy.mean(axis=0)
    _, _, axes = np.linalg.svd(spread, full_matrices=False)
    return float(np.min(np.ptp(spread @ axes.T, axis=0)))


def _simplex(start: FloatArray, even: bool) -> FloatArray:
    steps = np.array([0.01, 0.01, 0.3, *([0.2] if even else [0.2, 0.2, 0.3]), 0.02])[: len(start)]
    return np.vstack([start, start + np.diag(steps)])
