"""What stands on the table, from depth pictures alone: one height per square centimetre.

A cell's height is the highest thing seen in it; everything beneath counts as solid. What no camera
saw is treated as free and is what a careful program looks at before it reaches there. A newer
picture overwrites the cells it shows, and leaves alone those that the arm hides from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aspire_tui.environment.bench import View
from aspire_tui.environment.motion.collision import Box
from aspire_tui.environment.motion.pose import FloatArray
from aspire_tui.environment.motion.silhouette import Outline
from drivers.types import Workspace

CELL_M = 0.01
AROUND_M = 0.10
"""The map reaches this far beyond the workspace: elbows do, too."""

TABLE_LOOKS_M = 0.03
TABLE_NOISE_M = 0.006
TABLE_POINTS = 400
"""Fewer points than this do not show how a table lies."""

LOWEST_M = 0.012
"""Lower than this above the table is table: depth is not better."""

HIGHEST_M = 0.6
ARM_MARGIN_M = 0.025
"""Points this close to where the arm is believed to be are the arm."""

EDGE_M = 0.015
"""A pixel this much behind one neighbour and before the opposite one lies on neither surface."""

COLUMNS = 160
"""Pictures are thinned to about this width: a few points per map cell are enough."""

HALO_PIXELS = 2
"""So many pixels round the arm's outline in the thinned picture say nothing."""

LEAST_POINTS = 2
"""So many points must agree that something is that high: depth cameras see single ghosts."""

GROW_M = 0.008
"""Boxes are this much larger on every side than what was seen: about what a camera's calibration
and the joints' zeros put a thing beside where it is."""

STEP_M = 0.01
COARSEST_STEP_M = 0.08
MOST_BOXES = 160
"""With more, cells of less equal height share a box."""


@dataclass(frozen=True)
class Region:
    """An upright cylinder over the table, base frame."""

    x_m: float
    y_m: float
    radius_m: float


class ObstacleMap:
    """A height map of the table. ``version`` changes whenever what it says changes."""

    def __init__(self, workspace: Workspace, silhouette: Outline) -> None:
        self._silhouette = silhouette
        self._table_z_m = workspace.table_z_m
        self._lo = np.array(workspace.lo_m[:2]) - AROUND_M
        shape = np.ceil((np.array(workspace.hi_m[:2]) + AROUND_M - self._lo) / CELL_M).astype(int)
        self._height: NDArray[np.float64] = np.zeros((int(shape[0]), int(shape[1])))
        self._seen: NDArray[np.bool_] = np.zeros(self._height.shape, bool)
        self.version = 0
        self.overview: tuple[float, FloatArray] | None = None
        """Cell time and joints of the newest picture by a camera that does not move."""
        self._entered: set[tuple[str, int]] = set()

    def add(
        self, view: View, q: FloatArray, hidden: Sequence[tuple[FloatArray, FloatArray]] = ()
    ) -> None:
        """Enter one picture.

        Args:
            q: Measured joints when it was taken, as the silhouette wants them; the arms' own points
                are left out.
            hidden: Boxes to leave out too, as poses (4, 4) and half extents (3,): what is held.
        """
        points, pixel, shape = _points(view)
        cell = np.floor((points[:, :2] - self._lo) / CELL_M).astype(int)
        height = points[:, 2] - self._table_z_m
        height -= _table_error(points, height)
        inside = np.all((cell >= 0) & (cell < self._height.shape), axis=1)
        inside &= (height > -0.02) & (height < HIGHEST_M)
        points, cell, height, pixel = points[inside], cell[inside], height[inside], pixel[inside]
        raised = np.flatnonzero(height > LOWEST_M)
        arm = np.zeros(len(points), bool)
        arm[raised] = self._silhouette.covers(points[raised], q, ARM_MARGIN_M)
        for T, half in hidden:
            own = (points[raised] - T[:3, 3]) @ T[:3, :3]
            arm[raised] |= np.all(np.abs(own) <= half, axis=1)
        arm |= _beside(arm, pixel, shape)
        cell, height = cell[~arm], height[~arm]
        flat = np.ravel_multi_index((cell[:, 0], cell[:, 1]), self._height.shape)
        high = height > LOWEST_M
        count = np.bincount(flat[high], minlength=self._height.size)
        top = _supported(flat[high], height[high], self._height.size)
        shown = np.bincount(flat, minlength=self._height.size) > 0
        # A single stray point neither raises a cell nor clears one.
        shown &= ~((count > 0) & (count < LEAST_POINTS))
        new = np.where(shown, top, self._height.ravel()).reshape(self._height.shape)
        self._seen |= shown.reshape(self._seen.shape)
        self._set(new)
        self._entered.add((view.camera, view.frame.seq))
        if view.frame.mount == "base":
            self.overview = (view.frame.t_s, q)

    def has(self, view: View) -> bool:
        """Whether a picture was entered already."""
        return (view.camera, view.frame.seq) in self._entered

    def forget(self, region: Region) -> None:
        """Clear what was seen in a region, e.g. where an object was taken away."""
        new = self._height.copy()
        new[self._within(region)] = 0.0
        self._set(new)

    def put(self, centre_m: FloatArray, radius_m: float, half_height_m: float) -> None:
        """Enter something upright that was located otherwise, as high as it is and all beneath."""
        new = self._height.copy()
        region = Region(float(centre_m[0]), float(centre_m[1]), radius_m)
        top = float(centre_m[2]) + half_height_m - self._table_z_m
        within = self._within(region)
        new[within] = np.maximum(new[within], top)
        self._set(new)

    def without(self, *regions: Region) -> ObstacleMap:
        """A copy that knows nothing of what was seen in the regions."""
        other = object.__new__(ObstacleMap)
        other.__dict__.update(self.__dict__)
        other._entered = set(self._entered)
        for region in regions:
            other.forget(region)
        return other

    def height_m(self, x_m: float, y_m: float) -> float:
        """Height of what was seen above the table at a place, 0 where nothing was."""
        i, j = np.floor((np.array((x_m, y_m)) - self._lo) / CELL_M).astype(int)
        if not (0 <= i < self._height.shape[0] and 0 <= j < self._height.shape[1]):
            return 0.0
        return float(self._height[i, j])

    def extent(self, x_m: float, y_m: float, reach_m: float) -> Box | None:
        """What stands at a place: the cells connected to it, as one box; None when nothing does.

        Args:
            reach_m: Cells further than this from the place do not count.
        """
        from scipy import ndimage

        near = (self._height > 0) & self._within(Region(x_m, y_m, reach_m))
        labels, _ = ndimage.label(near, structure=np.ones((3, 3)))
        touched = labels[self._within(Region(x_m, y_m, 1.5 * CELL_M))]
        touched = touched[touched > 0]
        if touched.size == 0:
            return None
        mine = labels == np.bincount(touched).argmax()
        i, j = np.nonzero(mine)
        lo = self._lo + CELL_M * np.array((i.min(), j.min()))
        hi = self._lo + CELL_M * np.array((i.max() + 1, j.max() + 1))
        top = float(np.percentile(self._height[mine], 90))
        return _box(lo, hi, top, self._table_z_m)

    def boxes(self, near: tuple[Region, ...] = ()) -> list[Box]:
        """The map as upright boxes, those within the given regions marked ``near``."""
        close = np.zeros(self._height.shape, bool)
        for region in near:
            close |= self._within(region)
        step = STEP_M
        out = self._merge(close, step)
        while len(out) > MOST_BOXES and step < COARSEST_STEP_M:
            step *= 2
            out = self._merge(close, step)
        return out

    def patches(self) -> list[Box]:
        """What hangs together in the map, each as one upright box as large as it was seen."""
        from scipy import ndimage

        labels, count = ndimage.label(self._height > 0, structure=np.ones((3, 3)))
        out = []
        for n in range(1, count + 1):
            i, j = np.nonzero(labels == n)
            lo = self._lo + CELL_M * np.array((i.min(), j.min()))
            hi = self._lo + CELL_M * np.array((i.max() + 1, j.max() + 1))
            top = float(np.percentile(self._height[i, j], 90))
            out.append(_box(lo, hi, top, self._table_z_m))
        return out

    def _merge(self, close: NDArray[np.bool_], step_m: float) -> list[Box]:
        """Cover cells of about the same height with rectangles, greedily."""
        levels = np.ceil(self._height / step_m).astype(int) * 2 + close
        levels[self._height <= 0] = 0
        out = []
        for i, j in zip(*np.nonzero(levels), strict=True):
            level = levels[i, j]
            if level == 0:
                continue
            width = 1
            while j + width < levels.shape[1] and levels[i, j + width] == level:
                width += 1
            depth = 1
            while i + depth < levels.shape[0] and np.all(levels[i + depth, j : j + width] == level):
                depth += 1
            levels[i : i + depth, j : j + width] = 0
            lo = self._lo + CELL_M * np.array((i, j)) - GROW_M
            hi = self._lo + CELL_M * np.array((i + depth, j + width)) + GROW_M
            top = float(self._height[i : i + depth, j : j + width].max()) + GROW_M
            out.append(_box(lo, hi, top, self._table_z_m, near=bool(level % 2)))
        return out

    def _within(self, region: Region) -> NDArray[np.bool_]:
        x = self._lo[0] + CELL_M * (np.arange(self._height.shape[0]) + 0.5)
        y = self._lo[1] + CELL_M * (np.arange(self._height.shape[1]) + 0.5)
        out: NDArray[np.bool_] = (
            np.hypot(x[:, None] - region.x_m, y[None, :] - region.y_m) <= region.radius_m
        )
        return out

    def _set(self, height: NDArray[np.float64]) -> None:
        if np.max(np.abs(height - self._height), initial=0.0) > STEP_M:
            self.version += 1
        self._height = height


def _box(
    lo: NDArray[np.float64], hi: NDArray[np.float64], top: float, table_z: float, near: bool = False
) -> Box:
    return Box(
        centre_m=(float(lo[0] + hi[0]) / 2, float(lo[1] + hi[1]) / 2, table_z + top / 2),
        half_m=(float(hi[0] - lo[0]) / 2, float(hi[1] - lo[1]) / 2, top / 2),
        near=near,
    )


def _points(view: View) -> tuple[FloatArray, NDArray[np.intp], tuple[int, int]]:
    """Points of a depth picture in the base frame.

    Returns:
        Points (N, 3), their places (N,) in the thinned picture laid flat, and its shape.
    """
    stride = max(1, view.depth_m.shape[1] // COLUMNS)
    depth = view.depth_m[::stride, ::stride]
    v, u = np.nonzero((depth > 0) & ~_in_mid_air(depth))
    z = depth[v, u].astype(np.float64)
    pixel = v * depth.shape[1] + u
    v, u = v * stride, u * stride
    K = view.K
    camera = np.stack(((u - K[0, 2]) * z / K[0, 0], (v - K[1, 2]) * z / K[1, 1], z), axis=1)
    out: FloatArray = camera @ view.T_base_cam[:3, :3].T + view.T_base_cam[:3, 3]
    return out, pixel, (depth.shape[0], depth.shape[1])


def _supported(cell: NDArray[np.intp], height: FloatArray, cells: int) -> FloatArray:
    """The highest height per cell that enough points reach, 0 where too few do."""
    order = np.lexsort((-height, cell))
    cell, height = cell[order], height[order]
    rank = np.arange(len(cell)) - np.searchsorted(cell, cell)
    chosen = rank == LEAST_POINTS - 1
    out = np.zeros(cells)
    out[cell[chosen]] = height[chosen]
    return out


def _table_error(points: FloatArray, height: FloatArray) -> FloatArray:
    """How far off the table appears at each point, shape (N,): a camera's pose is never exact.

    The table is where the cell says, so a plane through what looks like it shows the error.
    """
    flat = np.abs(height) < TABLE_LOOKS_M
    A = np.column_stack((points[:, :2], np.ones(len(points))))
    plane: FloatArray = np.zeros(3)
    for _ in range(4):
        if np.count_nonzero(flat) < TABLE_POINTS:
            return np.zeros(len(points))
        plane = np.asarray(np.linalg.lstsq(A[flat], height[flat], rcond=None)[0], np.float64)
        flat = np.abs(height - A @ plane) < TABLE_NOISE_M
    out: FloatArray = A @ plane
    return out


def _beside(
    arm: NDArray[np.bool_], pixel: NDArray[np.intp], shape: tuple[int, int]
) -> NDArray[np.bool_]:
    """Points whose pixels lie next to the arm in the picture: mixtures of it and what is behind."""
    from scipy import ndimage

    picture = np.zeros(shape, bool)
    picture.ravel()[pixel[arm]] = True
    wide = ndimage.binary_dilation(picture, np.ones((3, 3), bool), iterations=HALO_PIXELS)
    out: NDArray[np.bool_] = wide.ravel()[pixel]
    return out


def _in_mid_air(depth: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Pixels that mix a near and a far surface, as depth cameras give them at edges."""
    out = np.zeros(depth.shape, bool)
    for axis in (0, 1):
        d = np.moveaxis(depth, axis, 0)
        before, here, behind = d[:-2], d[1:-1], d[2:]
        known = (before > 0) & (behind > 0)
        rising = (here - before > EDGE_M) & (behind - here > EDGE_M)
        falling = (before - here > EDGE_M) & (here - behind > EDGE_M)
        np.moveaxis(out, axis, 0)[1:-1] |= known & (rising | falling)
    return out
