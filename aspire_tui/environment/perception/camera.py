"""Pinhole geometry: pixels with depth to points and back.

Optical frame: z forward, x right, y down.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def rays(shape: tuple[int, int], K: FloatArray) -> NDArray[np.float32]:
    """Directions of all pixels with z = 1, camera frame, shape (H, W, 3)."""
    height, width = shape
    out = np.ones((height, width, 3), np.float32)
    out[..., 0] = ((np.arange(width) - K[0, 2]) / K[0, 0])[None, :]
    out[..., 1] = ((np.arange(height) - K[1, 2]) / K[1, 1])[:, None]
    return out


def deproject(depth_m: NDArray[np.float32], K: FloatArray) -> NDArray[np.float32]:
    """Points of all pixels, camera frame, shape (H, W, 3); the origin where there is no depth."""
    return rays((depth_m.shape[0], depth_m.shape[1]), K) * depth_m[..., None]


def project(points_cam: FloatArray, K: FloatArray) -> FloatArray:
    """Pixels (x, y) of points in front of the camera, shape (N, 3) to (N, 2)."""
    p = np.asarray(points_cam, float)
    return np.stack(
        [K[0, 0] * p[:, 0] / p[:, 2] + K[0, 2], K[1, 1] * p[:, 1] / p[:, 2] + K[1, 2]], axis=1
    )


def deproject_to(depth_m: NDArray[np.float32], K: FloatArray, T: FloatArray) -> NDArray[np.float32]:
    """Points of all pixels moved by a pose, shape (H, W, 3), without a detour by the camera frame.

    Written out by axis: a matrix product would wake the threads of the linear algebra library for
    a few microseconds of work each.
    """
    height, width = depth_m.shape
    u = (np.arange(width) - K[0, 2]) / K[0, 0]
    v = (np.arange(height) - K[1, 2]) / K[1, 1]
    out = np.empty((height, width, 3), np.float32)
    for k in range(3):
        across = (T[k, 0] * u).astype(np.float32)[None, :]
        down = (T[k, 1] * v + T[k, 2]).astype(np.float32)[:, None]
        np.multiply(across + down, depth_m, out=out[..., k])
        out[..., k] += np.float32(T[k, 3])
    return out


def onto_plane(
    pixel: tuple[float, float], K: FloatArray, T_base_cam: FloatArray, z_m: float
) -> FloatArray | None:
    """Where the ray of a pixel meets a level plane, base frame, shape (3,); None: nowhere ahead."""
    u, v = pixel
    ray = T_base_cam[:3, :3] @ np.array([(u - K[0, 2]) / K[0, 0], (v - K[1, 2]) / K[1, 1], 1.0])
    down = z_m - T_base_cam[2, 3]
    if abs(ray[2]) < 1e-9 or down / ray[2] <= 0:
        return None
    return np.asarray(T_base_cam[:3, 3] + ray * down / ray[2])


def transform(points: NDArray[np.floating[Any]], T: FloatArray) -> NDArray[np.floating[Any]]:
    """Apply a 4x4 pose to points of shape (..., 3), keeping their dtype."""
    R = T[:3, :3].astype(points.dtype)
    return points @ R.T + T[:3, 3].astype(points.dtype)


def invert(T: FloatArray) -> FloatArray:
    """The inverse of a rigid pose."""
    out = np.eye(4)
    out[:3, :3] = T[:3, :3].T
    out[:3, 3] = -T[:3, :3].T @ T[:3, 3]
    return out


def quaternion(R: FloatArray) -> FloatArray:
    """Unit quaternion wxyz of a rotation matrix, by the largest of the four components."""
    trace = float(np.trace(R))
    squares = (trace, *(2 * float(R[i, i]) - trace for i in range(3)))
    k = int(np.argmax(squares))
    s = float(np.sqrt(max(1 + squares[k], 1e-12))) * 2
    if k == 0:
        q = [s / 4, (R[2, 1] - R[1, 2]) / s, (R[0, 2] - R[2, 0]) / s, (R[1, 0] - R[0, 1]) / s]
    else:
        i, j = k % 3, (k + 1) % 3  # the two other axes, in cyclic order after axis k - 1
        q = [0.0] * 4
        q[0] = (R[j, i] - R[i, j]) / s
        q[k] = s / 4
        q[i + 1] = (R[i, k - 1] + R[k - 1, i]) / s
        q[j + 1] = (R[j, k - 1] + R[k - 1, j]) / s
    out = np.array(q, float)
    return np.asarray(out / np.linalg.norm(out), float)


def rotation(wxyz: FloatArray) -> FloatArray:
    """Rotation matrix of a unit quaternion wxyz."""
    w, x, y, z = (float(v) for v in wxyz)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def yaw_quaternion(yaw_rad: float) -> FloatArray:
    """Turn about the vertical, wxyz."""
    return np.array([np.cos(yaw_rad / 2), 0.0, 0.0, np.sin(yaw_rad / 2)])
