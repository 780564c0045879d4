"""An RGB-D camera made of rays: no GL, no display, the same picture on any machine.

Geometry ids stay in this package: a picture that leaves it carries colour and depth only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import mujoco
import numpy as np
from numpy.typing import NDArray

from drivers.sim.appearance import Appearance

FloatArray = NDArray[np.float64]

SHADOW_STRIDE = 2
"""One shadow ray for every 2 x 2 pixels; the rest take the nearest."""

SHADOW_BIAS_M = 0.004
FAR_M = 6.0
FILL = 0.12
"""Light from beside the camera, so that no visible face is flat black."""


def camera_path() -> str:
    """The way pictures are made here, for people."""
    return "rays (mj_multiRay)"


@dataclass(frozen=True, eq=False)
class Picture:
    """An ideal picture.

    Attributes:
        rgb: Shape (H, W, 3), float32, 0..1.
        depth_m: Shape (H, W), float32, along the optical axis, 0 where nothing was met.
        geom: Shape (H, W), int32, geometry met, -1 for none. For the referee and tests.
    """

    rgb: NDArray[np.float32]
    depth_m: NDArray[np.float32]
    geom: NDArray[np.int32]


def intrinsics(width: int, height: int, fovy_deg: float) -> FloatArray:
    """Pinhole matrix for pixel centres at whole numbers, shape (3, 3)."""
    focal = height / 2.0 / np.tan(np.deg2rad(fovy_deg) / 2.0)
    return np.array(
        [[focal, 0.0, (width - 1) / 2.0], [0.0, focal, (height - 1) / 2.0], [0.0, 0.0, 1.0]]
    )


@lru_cache(maxsize=16)
def _rays(width: int, height: int, fovy_deg: float) -> tuple[FloatArray, FloatArray]:
    """Unit rays in MuJoCo's camera frame, shape (H*W, 3), and depth per unit of distance."""
    K = intrinsics(width, height, fovy_deg)
    u, v = np.meshgrid(np.arange(width), np.arange(height))
    x = (u.ravel() - K[0, 2]) / K[0, 0]
    y = (v.ravel() - K[1, 2]) / K[1, 1]
    rays = np.stack([x, -y, -np.ones_like(x)], axis=1)
    length = np.linalg.norm(rays, axis=1)
    return rays / length[:, None], 1.0 / length


class _Sheet:
    """Memory for one picture size, used again for every picture: allocating it costs more."""

    def __init__(self, width: int, height: int) -> None:
        n = width * height
        self.rays = np.empty((n, 3))
        self.geom = np.empty(n, dtype=np.int32)
        self.distance = np.empty(n)
        self.normal = np.empty(3 * n)
        self.points = np.empty((n, 3))
        self.to_lamp = np.empty((n, 3))
        self.scalar = np.empty(n)
        self.lamp = np.empty(n)
        self.albedo = np.empty((n, 3), dtype=np.float32)
        self.missed = np.empty(n, dtype=np.bool_)


class RayCamera:
    """Takes pictures of one model with one look; :meth:`enter` it before the first."""

    def __init__(self) -> None:
        self._sheets: dict[tuple[int, int], _Sheet] = {}

    def enter(self, model: mujoco.MjModel, look: Appearance, table: str) -> None:
        """Look at this model from now on."""
        self._model = model
        self._look = look
        self._table = int(model.geom(table).id)
        # One row more: index -1, where a ray met nothing, takes the background.
        self._albedo = np.vstack([model.geom_rgba[:, :3], look.background]).astype(np.float32)

    def picture(self, data: mujoco.MjData, camera: str, *, shadows: bool = True) -> Picture:
        """Cast one ray per pixel of a camera of the model; needs its kinematics up to date."""
        cam = self._model.camera(camera)
        width, height = (int(n) for n in self._model.cam_resolution[cam.id])
        unit, axial = _rays(width, height, float(self._model.cam_fovy[cam.id]))
        sheet = self._sheet(width, height)
        origin = np.array(data.cam_xpos[cam.id])
        # Contiguous: a transposed view sends numpy down a path twenty times slower.
        R_cam_world = np.ascontiguousarray(data.cam_xmat[cam.id].reshape(3, 3).T)
        np.matmul(unit, R_cam_world, out=sheet.rays)
        self._cast(data, origin, sheet.rays, sheet.geom, sheet.distance, sheet.normal)
        np.less(sheet.geom, 0, out=sheet.missed)
        sheet.distance[sheet.missed] = 0.0
        np.multiply(sheet.rays, sheet.distance[:, None], out=sheet.points)
        sheet.points += origin
        self._light(sheet)
        if shadows:
            self._shadow(data, sheet, (height, width))
        self._colour(sheet)
        return Picture(
            rgb=(sheet.albedo * sheet.scalar[:, None].astype(np.float32)).reshape(height, width, 3),
            depth_m=(sheet.distance * axial).astype(np.float32).reshape(height, width),
            geom=sheet.geom.reshape(height, width).copy(),
        )

    def _sheet(self, width: int, height: int) -> _Sheet:
        if (width, height) not in self._sheets:
            self._sheets[width, height] = _Sheet(width, height)
        return self._sheets[width, height]

    def _cast(
        self,
        data: mujoco.MjData,
        origin: FloatArray,
        rays: FloatArray,
        geom: NDArray[np.int32],
        distance: FloatArray,
        normal: FloatArray | None,
    ) -> None:
        n = len(rays)
        mujoco.mj_multiRay(
            self._model, data, origin, rays.ravel(), None, 1, -1, geom, distance, normal, n, FAR_M
        )

    def _light(self, sheet: _Sheet) -> None:
        """Light of the lamp, unshadowed, in ``lamp``; ambient and fill light in ``scalar``."""
        normal = sheet.normal.reshape(-1, 3)
        np.subtract(self._look.lamp_m, sheet.points, out=sheet.to_lamp)
        np.einsum("ij,ij->i", sheet.to_lamp, sheet.to_lamp, out=sheet.scalar)
        np.sqrt(sheet.scalar, out=sheet.scalar)
        np.einsum("ij,ij->i", normal, sheet.to_lamp, out=sheet.lamp)
        sheet.lamp /= sheet.scalar
        np.maximum(sheet.lamp, 0.0, out=sheet.lamp)
        sheet.lamp *= self._look.lamp
        np.einsum("ij,ij->i", normal, sheet.rays, out=sheet.scalar)
        np.minimum(sheet.scalar, 0.0, out=sheet.scalar)
        sheet.scalar *= -FILL
        sheet.scalar += self._look.ambient

    def _shadow(self, data: mujoco.MjData, sheet: _Sheet, shape: tuple[int, int]) -> None:
        """Take the lamp away where it does not reach: rays from the lamp to hit points."""
        step = SHADOW_STRIDE
        grid = sheet.points.reshape(*shape, 3)[::step, ::step]
        rays = grid.reshape(-1, 3) - self._look.lamp_m
        length = np.sqrt(np.einsum("ij,ij->i", rays, rays))
        rays /= length[:, None]
        geom = np.empty(len(rays), dtype=np.int32)
        distance = np.empty(len(rays))
        self._cast(data, self._look.lamp_m, rays, geom, distance, None)
        reached = ((geom < 0) | (distance > length - SHADOW_BIAS_M)).reshape(grid.shape[:2])
        lamp = sheet.lamp.reshape(shape)
        for down in range(step):
            for right in range(step):
                part = lamp[down::step, right::step]
                part *= reached[: part.shape[0], : part.shape[1]]

    def _colour(self, sheet: _Sheet) -> None:
        """Surface colours in ``albedo`` and all their light in ``scalar``."""
        sheet.scalar += sheet.lamp
        sheet.scalar[sheet.missed] = 1.0
        np.take(self._albedo, sheet.geom, axis=0, out=sheet.albedo, mode="wrap")
        table = np.flatnonzero(sheet.geom == self._table)
        sheet.albedo[table] = self._look.table_rgb(sheet.points[table, :2])
