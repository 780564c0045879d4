"""Outward normals of primitive geometries at points on them."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def normals(
    model: mujoco.MjModel, data: mujoco.MjData, geom: NDArray[np.int32], points: FloatArray
) -> FloatArray:
    """Unit normals, shape (N, 3); zero where ``geom`` is -1.

    Args:
        geom: Shape (N,), which geometry each point lies on.
        points: Shape (N, 3), world frame, on or very near the surface.
    """
    out = np.zeros_like(points)
    for each in np.unique(geom[geom >= 0]):
        rows = np.flatnonzero(geom == each)
        R = data.geom_xmat[each].reshape(3, 3)
        local = (points[rows] - data.geom_xpos[each]) @ R
        kind, size = int(model.geom_type[each]), model.geom_size[each]
        out[rows] = _local(kind, size, local) @ np.ascontiguousarray(R.T)
    return out


def _local(kind: int, size: FloatArray, p: FloatArray) -> FloatArray:
    if kind == mujoco.mjtGeom.mjGEOM_BOX:
        axis = np.argmax(np.abs(p) - size, axis=1)
        n = np.zeros_like(p)
        every = np.arange(len(p))
        n[every, axis] = np.sign(p[every, axis])
        return n
    n = p.copy()
    if kind == mujoco.mjtGeom.mjGEOM_CAPSULE:
        n[:, 2] -= np.clip(p[:, 2], -size[1], size[1])
    elif kind == mujoco.mjtGeom.mjGEOM_CYLINDER:
        n[:, 2] = 0.0
        radial = np.hypot(p[:, 0], p[:, 1])
        on_cap = np.abs(p[:, 2]) - size[1] > radial - size[0]
        n[on_cap] = 0.0
        n[on_cap, 2] = np.sign(p[on_cap, 2])
    elif kind != mujoco.mjtGeom.mjGEOM_SPHERE:
        raise ValueError(f"geometry type {kind} has no normals here")
    length = np.sqrt(np.einsum("ij,ij->i", n, n))
    return np.asarray(n / np.maximum(length, 1e-12)[:, None])
