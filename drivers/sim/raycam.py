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


class RayCamera:
    """Takes pictures of one model with one look. Call ``mj_forward`` or kinematics first."""

    def __init__(self, model: mujoco.MjModel, look: Appearance, table: str) -> None:
        self._model = model
        self._look = look
        self._table = int(model.geom(table).id)
        self._albedo = model.geom_rgba[:, :3].astype(np.float32)
        self._every_group = np.ones(6, dtype=np.uint8)

    def picture(self, data: mujoco.MjData, camera: str, *, shadows: bool = True) -> Picture:
        """Cast one ray per pixel of a camera of the model."""
        cam = self._model.camera(camera)
        width, height = (int(n) for n in self._model.cam_resolution[cam.id])
        unit, axial = _rays(width, height, float(self._model.cam_fovy[cam.id]))
        origin = np.array(data.cam_xpos[cam.id])
        rays = unit @ data.cam_xmat[cam.id].reshape(3, 3).T
        geom, distance, normal = self._cast(data, origin, rays, FAR_M)
        met = geom >= 0
        depth = np.where(met, distance * axial, 0.0).astype(np.float32)
        points = (origin + rays * distance[:, None])[met].astype(np.float32)
        rgb = np.empty((height * width, 3), dtype=np.float32)
        rgb[:] = self._look.background
        lit = np.ones(height * width, dtype=np.float32)
        if shadows:
            lit = self._lit(data, origin + rays * distance[:, None], met, (height, width))
        rgb[met] = self._shade(geom[met], points, normal[met], rays[met], lit[met])
        return Picture(
            rgb=rgb.reshape(height, width, 3),
            depth_m=depth.reshape(height, width),
            geom=geom.reshape(height, width),
        )

    def _cast(
        self, data: mujoco.MjData, origin: FloatArray, rays: FloatArray, cutoff_m: float
    ) -> tuple[NDArray[np.int32], FloatArray, FloatArray]:
        n = rays.shape[0]
        geom = np.full(n, -1, dtype=np.int32)
        distance = np.zeros(n)
        normal = np.zeros(3 * n)
        mujoco.mj_multiRay(
            self._model, data, origin, rays.ravel(), self._every_group, 1, -1, geom, distance,
            normal, n, cutoff_m,
        )  # fmt: skip
        return geom, distance, normal.reshape(n, 3)

    def _shade(
        self,
        geom: NDArray[np.int32],
        points: NDArray[np.float32],
        normal: FloatArray,
        rays: FloatArray,
        lit: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Lambert light from the lamp, a little from the camera's side, and ambient."""
        albedo = self._albedo[geom]
        on_table = geom == self._table
        albedo[on_table] = self._look.table_rgb(points[on_table, :2])
        to_lamp = self._look.lamp_m.astype(np.float32) - points
        to_lamp /= np.linalg.norm(to_lamp, axis=1, keepdims=True)
        n = normal.astype(np.float32)
        facing = np.maximum(np.einsum("ij,ij->i", n, to_lamp), 0.0)
        fill = np.maximum(-np.einsum("ij,ij->i", n, rays.astype(np.float32)), 0.0)
        light = self._look.ambient + self._look.lamp * facing * lit + 0.12 * fill
        return np.asarray(albedo * light[:, None], dtype=np.float32)

    def _lit(
        self,
        data: mujoco.MjData,
        points: FloatArray,
        met: NDArray[np.bool_],
        shape: tuple[int, int],
    ) -> NDArray[np.float32]:
        """Which pixels the lamp reaches: rays from the lamp to every other hit point."""
        height, width = shape
        grid = points.reshape(height, width, 3)[::SHADOW_STRIDE, ::SHADOW_STRIDE]
        seen = met.reshape(height, width)[::SHADOW_STRIDE, ::SHADOW_STRIDE]
        to_point = grid[seen] - self._look.lamp_m
        length = np.linalg.norm(to_point, axis=1)
        _, distance, _ = self._cast(
            data, self._look.lamp_m, np.ascontiguousarray(to_point / length[:, None]), FAR_M
        )
        lit = np.ones(seen.shape, dtype=np.float32)
        lit[seen] = (distance > length - SHADOW_BIAS_M) | (distance < 0)
        full = np.repeat(np.repeat(lit, SHADOW_STRIDE, axis=0), SHADOW_STRIDE, axis=1)
        return full[:height, :width].ravel()
