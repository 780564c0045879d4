"""Where a thing of known outline lies: its extruded footprint fitted to its silhouette.

Works by colour and geometry alone; depth only says which pixels something nearer hides. Seen
obliquely, an upright side is part of the silhouette, so the model is the union of the footprint as
the camera sees it at every height between bottom and top.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aspire_tui.environment.perception.camera import invert, project
from aspire_tui.environment.perception.cloud import TableCloud
from aspire_tui.environment.perception.colour import SHADES, Hsv, membership, same_surface
from aspire_tui.environment.perception.picture import Picture

FloatArray = NDArray[np.float64]
Mask = NDArray[np.bool_]

STRONG, WEAK = 0.5, 0.12
LEAST_PIXELS = 12
GRID_M = 0.0035
ROUND_M = 0.025
"""So far beyond what is seen the model is compared with nothing being there."""

COARSE = 2
SOFT_M = 0.004
"""About one pixel: the edge of a mask is no sharper."""

LEVELS = 3
HIDES_M = 0.012
"""What was seen this much above the thing's top stands in front of it."""

YAWS = 12
TRIED = 2
ROUGH_STEPS, FINE_STEPS = 50, 90
POOR = 0.35
"""Area of disagreement over area of the outline, above which the fit proves nothing."""


@dataclass(frozen=True)
class Patch:
    """One part of a footprint in the thing's frame: full sides, or a disc of that diameter."""

    x_m: float
    y_m: float
    long_m: float
    wide_m: float
    yaw_rad: float = 0.0
    disc: bool = False


@dataclass(frozen=True)
class OutlineFit:
    """A pose in the plane, base frame. ``misfit`` is disagreeing area over the outline's area."""

    x_m: float
    y_m: float
    yaw_rad: float
    misfit: float
    hidden: float
    """Share of the outline that something nearer hides."""

    @property
    def good(self) -> bool:
        return self.misfit < POOR and self.hidden < POOR


def distance(patches: Sequence[Patch], points: FloatArray) -> FloatArray:
    """Signed distance of points (N, 2) in the thing's frame to its footprint, inside negative."""
    best: FloatArray | None = None
    for p in patches:
        c, s = np.cos(p.yaw_rad), np.sin(p.yaw_rad)
        dx, dy = points[:, 0] - p.x_m, points[:, 1] - p.y_m
        if p.disc:
            d = np.hypot(dx, dy) - p.long_m / 2
        else:
            u = np.abs(c * dx + s * dy) - p.long_m / 2
            v = np.abs(-s * dx + c * dy) - p.wide_m / 2
            d = np.hypot(np.maximum(u, 0), np.maximum(v, 0)) + np.minimum(np.maximum(u, v), 0)
        best = d if best is None else np.minimum(best, d)
    assert best is not None
    return best


def inside(patches: Sequence[Patch], points: FloatArray, pose: tuple[float, ...]) -> Mask:
    """Which points (N, 2), base frame, lie on the footprint at a pose (x, y, yaw)."""
    return np.asarray(distance(patches, _local(points, *pose)) < 0)


def coverage(
    patches: Sequence[Patch],
    target: tuple[float, ...],
    pose: tuple[float, ...],
    step_m: float = 0.001,
) -> float:
    """Share of a footprint at one pose that the same footprint at another covers."""
    reach = radius(patches)
    axis = np.arange(-reach, reach, step_m)
    own = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    own = own[distance(patches, own) < 0]
    c, s = np.cos(target[2]), np.sin(target[2])
    base = own @ np.array([[c, s], [-s, c]]) + np.array(target[:2])
    return float(np.mean(inside(patches, base, pose)))


def radius(patches: Sequence[Patch]) -> float:
    """Distance from the origin to the farthest corner."""
    return max(float(np.hypot(p.x_m, p.y_m) + np.hypot(p.long_m, p.wide_m) / 2) for p in patches)


def coloured(rgb: NDArray[np.uint8], colour: str) -> Mask:
    """Pixels of a colour word: its sure ones and the shaded ones that hang together with them."""
    from scipy import ndimage

    hsv = Hsv.of(rgb)
    words = (colour, *SHADES.get(colour, ()))
    strong = np.max([membership(hsv, w) for w in words], axis=0) > STRONG
    wide = same_surface(hsv, colour) > WEAK
    labels, _ = ndimage.label(wide, structure=np.ones((3, 3)))
    counts = np.bincount(labels[strong], minlength=int(labels.max()) + 1)
    counts[0] = 0
    return np.asarray((counts >= LEAST_PIXELS)[labels])


def fit_outline(
    picture: Picture,
    colour: str,
    patches: Sequence[Patch],
    bottom_z_m: float,
    top_z_m: float,
    table_z_m: float,
    near: tuple[float, float, float] | None = None,
) -> OutlineFit | None:
    """Fit a footprint between two heights to the pixels of a colour; None when there are none.

    Args:
        near: Start from this pose only, instead of from every direction.
    """
    cloud = TableCloud.of(picture, table_z_m)
    if cloud is None:
        return None
    mask = coloured(picture.rgb, colour)
    if int(np.count_nonzero(mask)) < LEAST_PIXELS:
        return None
    plan = _Plan.of(picture, cloud, mask, patches, bottom_z_m, top_z_m)
    if plan is None:
        return None
    starts = plan.starts() if near is None else [np.array(near)]
    rough = [_descend(plan, start, 0.12, ROUGH_STEPS) for start in starts]
    best = _descend(plan, min(rough, key=plan.cost), 0.03, FINE_STEPS)
    x, y, yaw = (float(v) for v in best)
    turn = (yaw + np.pi) % (2 * np.pi) - np.pi
    return OutlineFit(x, y, float(turn), plan.cost(best), plan.hidden(x, y, yaw))


def _descend(plan: _Plan, start: FloatArray, turn_rad: float, steps: int) -> FloatArray:
    from scipy.optimize import minimize

    simplex = start + np.vstack([np.zeros(3), np.diag([0.006, 0.006, turn_rad])])
    options = {"initial_simplex": simplex, "xatol": 2e-4, "fatol": 1e-4, "maxfev": steps}
    return np.asarray(minimize(plan.cost, start, method="Nelder-Mead", options=options).x)


@dataclass(frozen=True, eq=False)
class _Plan:
    """The silhouette resampled on an even grid of the plane through the thing's top.

    Attributes:
        points: Shape (N, 2). away: Shape (N, 2), how far the ray goes on per metre of descent.
        seen: Shape (N,), 0..1. open: Shape (N,), 0 where something nearer hides the plane.
    """

    patches: tuple[Patch, ...]
    points: FloatArray
    away: FloatArray
    seen: FloatArray
    open: FloatArray
    drop_m: float
    area_m2: float
    step_m: float
    shape: tuple[int, int]

    @classmethod
    def of(
        cls,
        picture: Picture,
        cloud: TableCloud,
        mask: Mask,
        patches: Sequence[Patch],
        bottom_z_m: float,
        top_z_m: float,
    ) -> _Plan | None:
        from scipy import ndimage

        on_plane = cloud.on_level(mask, top_z_m)
        reach = radius(patches)
        centre = np.median(on_plane, axis=0)
        drop = max(0.0, top_z_m - bottom_z_m)
        near = on_plane[np.max(np.abs(on_plane - centre), axis=1) < 2 * reach + drop]
        lo, hi = near.min(axis=0) - ROUND_M, near.max(axis=0) + ROUND_M
        lines = [np.arange(lo[i], hi[i], GRID_M) for i in (0, 1)]
        points = np.stack(np.meshgrid(*lines), axis=-1).reshape(-1, 2)
        T = invert(cloud.T_base_cam)
        world = np.column_stack([points, np.full(len(points), top_z_m)])
        local = world @ T[:3, :3].T + T[:3, 3]
        pixel = project(local, cloud.K)
        at = np.stack([pixel[:, 1], pixel[:, 0]])
        height, width = mask.shape
        in_view = (at[0] > 0) & (at[0] < height - 1) & (at[1] > 0) & (at[1] < width - 1)
        in_view &= local[:, 2] > 0
        seen = ndimage.map_coordinates(mask.astype(np.float32), at, order=1, mode="constant")
        blocked = cloud.valid & (cloud.points[..., 2] > top_z_m + HIDES_M) & ~mask
        hides = ndimage.map_coordinates(blocked.astype(np.float32), at, order=1, mode="constant")
        eye = cloud.eye()
        away = (points - eye[:2]) / (eye[2] - top_z_m)
        area = _area(patches)
        return cls(
            tuple(patches),
            points,
            away,
            np.asarray(seen, float),
            np.where(in_view, 1.0 - hides, 0.0),
            drop,
            area,
            GRID_M,
            (len(lines[1]), len(lines[0])),
        )

    def starts(self) -> list[FloatArray]:
        """The best poses of a coarse search over directions, each centred on what is seen."""
        middle = np.average(self.points, axis=0, weights=self.seen * self.open + 1e-9)
        own = _centroid(self.patches)
        some = self._thinned()
        found = []
        for k in range(YAWS):
            yaw = 2 * np.pi * k / YAWS
            c, s = np.cos(yaw), np.sin(yaw)
            xy = middle - np.array([c * own[0] - s * own[1], s * own[0] + c * own[1]])
            pose = np.array([*xy, yaw])
            found.append((some.cost(pose), k, pose))
        found.sort(key=lambda item: item[:2])
        return [pose for _, _, pose in found[:TRIED]]

    def _thinned(self) -> _Plan:
        keep = np.arange(len(self.points)).reshape(self.shape)[::COARSE, ::COARSE].ravel()
        return _Plan(
            self.patches,
            self.points[keep],
            self.away[keep],
            self.seen[keep],
            self.open[keep],
            self.drop_m,
            self.area_m2,
            self.step_m * COARSE,
            (0, 0),
        )

    def model(self, x: float, y: float, yaw: float) -> FloatArray:
        """How much of each grid point the silhouette of the thing at a pose fills, 0..1."""
        best: FloatArray | None = None
        for k in range(LEVELS if self.drop_m > 1e-4 else 1):
            below = self.drop_m * k / (LEVELS - 1)
            d = distance(self.patches, _local(self.points + below * self.away, x, y, yaw))
            best = d if best is None else np.minimum(best, d)
        assert best is not None
        return np.clip(0.5 - best / SOFT_M, 0.0, 1.0)

    def cost(self, pose: FloatArray) -> float:
        off = (self.model(*pose) - self.seen) ** 2 * self.open
        return float(off.sum()) * self.step_m**2 / self.area_m2

    def hidden(self, x: float, y: float, yaw: float) -> float:
        own = self.model(x, y, yaw)
        return float(np.sum(own * (1 - self.open)) / max(np.sum(own), 1e-9))


def _local(points: FloatArray, x: float, y: float, yaw: float) -> FloatArray:
    c, s = np.cos(yaw), np.sin(yaw)
    d = points - np.array([x, y])
    return np.stack([c * d[:, 0] + s * d[:, 1], -s * d[:, 0] + c * d[:, 1]], axis=1)


def _inner(patches: Sequence[Patch]) -> FloatArray:
    reach = radius(patches)
    axis = np.arange(-reach, reach, 0.002)
    own = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    return np.asarray(own[distance(patches, own) < 0])


def _area(patches: Sequence[Patch]) -> float:
    return len(_inner(patches)) * 0.002**2


def _centroid(patches: Sequence[Patch]) -> FloatArray:
    return np.asarray(_inner(patches).mean(axis=0))
