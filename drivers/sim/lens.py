"""Rays of a pinhole camera."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from drivers.sim.half_grid import HalfGrid

FloatArray = NDArray[np.float64]


def intrinsics(width: int, height: int, fovy_deg: float) -> FloatArray:
    """Pinhole matrix for pixel centres at whole numbers, shape (3, 3)."""
    focal = height / 2.0 / np.tan(np.deg2rad(fovy_deg) / 2.0)
    return np.array(
        [[focal, 0.0, (width - 1) / 2.0], [0.0, focal, (height - 1) / 2.0], [0.0, 0.0, 1.0]]
    )


@dataclass(frozen=True, eq=False)
class Lens:
    """Rays of one picture size in MuJoCo's camera frame (x right, y up, z back).

    Attributes:
        right: Sideways per unit of depth for every column, shape (W,).
        up: Upwards per unit of depth for every row, shape (H, 1).
        rays: Unit rays, shape (H*W, 3).
        axial: Depth per unit of distance along each ray, shape (H*W,).
        half_rays, half_axial: Those of the half grid.
    """

    grid: HalfGrid
    right: FloatArray
    up: FloatArray
    rays: FloatArray
    axial: FloatArray
    half_rays: FloatArray
    half_axial: FloatArray


@lru_cache(maxsize=16)
def lens_of(width: int, height: int, fovy_deg: float) -> Lens:
    """The rays of a pinhole camera."""
    K = intrinsics(width, height, fovy_deg)
    right = (np.arange(width) - K[0, 2]) / K[0, 0]
    up = ((K[1, 2] - np.arange(height)) / K[1, 1])[:, None]
    rays = np.empty((height, width, 3))
    rays[..., 0], rays[..., 1], rays[..., 2] = right, up, -1.0
    length = np.linalg.norm(rays, axis=2)
    rays /= length[..., None]
    axial = 1.0 / length
    return Lens(
        grid=HalfGrid(height, width),
        right=right,
        up=up,
        rays=rays.reshape(-1, 3),
        axial=axial.ravel(),
        half_rays=rays[::2, ::2].reshape(-1, 3).copy(),
        half_axial=axial[::2, ::2].ravel(),
    )
