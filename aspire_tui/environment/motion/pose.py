"""Rigid poses as 4x4 matrices, and their differences. Quaternions are wxyz."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def pose_matrix(xyz_m: FloatArray, wxyz: FloatArray) -> FloatArray:
    """A 4x4 pose from a position and a unit quaternion."""
    w, x, y, z = wxyz
    T = np.eye(4)
    T[:3, :3] = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    T[:3, 3] = xyz_m
    return T


def quaternion(R: FloatArray) -> FloatArray:
    """The unit quaternion wxyz of a rotation matrix, with w >= 0."""
    # The largest of the four candidates is the one that divides by nothing small.
    trace = R[0, 0] + R[1, 1] + R[2, 2]
    squares = (trace, *(2 * R[i, i] - trace for i in range(3)))
    i = int(np.argmax(squares))
    s = math.sqrt(1 + squares[i]) * 2
    if i == 0:
        q = (s / 4, (R[2, 1] - R[1, 2]) / s, (R[0, 2] - R[2, 0]) / s, (R[1, 0] - R[0, 1]) / s)
    elif i == 1:
        q = ((R[2, 1] - R[1, 2]) / s, s / 4, (R[0, 1] + R[1, 0]) / s, (R[0, 2] + R[2, 0]) / s)
    elif i == 2:
        q = ((R[0, 2] - R[2, 0]) / s, (R[0, 1] + R[1, 0]) / s, s / 4, (R[1, 2] + R[2, 1]) / s)
    else:
        q = ((R[1, 0] - R[0, 1]) / s, (R[0, 2] + R[2, 0]) / s, (R[1, 2] + R[2, 1]) / s, s / 4)
    out = np.array(q)
    out /= np.linalg.norm(out)
    return out if out[0] >= 0 else -out


def rotation_vector(R: FloatArray) -> FloatArray:
    """Axis times angle of a rotation matrix, shape (3,), radians."""
    w, *xyz = quaternion(R)
    v: FloatArray = np.array(xyz)
    sine = float(np.linalg.norm(v))
    if sine < 1e-12:
        return 2 * v
    scaled: FloatArray = v * (2 * math.atan2(sine, w) / sine)
    return scaled


def rotation(vector: FloatArray) -> FloatArray:
    """The rotation matrix of an axis times an angle in radians."""
    angle = float(np.linalg.norm(vector))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = vector / angle
    K = np.array(((0, -z, y), (z, 0, -x), (-y, x, 0)))
    R: FloatArray = np.eye(3) + math.sin(angle) * K + (1 - math.cos(angle)) * (K @ K)
    return R


def pose_error(T_a: FloatArray, T_b: FloatArray) -> tuple[float, float]:
    """Distance in metres and angle in radians between two poses."""
    turn = rotation_vector(T_a[:3, :3].T @ T_b[:3, :3])
    return float(np.linalg.norm(T_a[:3, 3] - T_b[:3, 3])), float(np.linalg.norm(turn))


def lean(T_a: FloatArray, T_b: FloatArray) -> float:
    """The angle between the approach axes (z) of two poses, radians."""
    a, b = T_a[:3, 2], T_b[:3, 2]
    return math.atan2(float(np.linalg.norm(np.cross(a, b))), float(a @ b))


def between(T_a: FloatArray, T_b: FloatArray, share: float) -> FloatArray:
    """The pose a share in [0, 1] of the way along the straight line and shortest turn."""
    T = np.eye(4)
    T[:3, 3] = (1 - share) * T_a[:3, 3] + share * T_b[:3, 3]
    turn = rotation_vector(T_a[:3, :3].T @ T_b[:3, :3])
    T[:3, :3] = T_a[:3, :3] @ rotation(share * turn)
    return T


def invert(T: FloatArray) -> FloatArray:
    """The inverse of a rigid pose."""
    out = np.eye(4)
    out[:3, :3] = T[:3, :3].T
    out[:3, 3] = -T[:3, :3].T @ T[:3, 3]
    return out
