"""Which arm poses show a camera the board from many sides. Pure: kinematics are handed in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drivers.cameras.calibration.board import BoardSpec
from drivers.cameras.calibration.solve import inverse

FloatArray = NDArray[np.float64]

TRIES: Final = 4000
EDGE: Final = 0.06
"""Corners stay this far from the picture's edge, as a share of its size."""
STEEPEST_RAD: Final = 0.95
"""Between the view and the board's normal."""
NEAREST_M: Final = 0.10


def candidates(
    start_q: FloatArray,
    lo_rad: FloatArray,
    hi_rad: FloatArray,
    seen_from: Callable[[FloatArray], FloatArray],
    allowed: Callable[[FloatArray], bool],
    camera: tuple[FloatArray, tuple[int, int]],
    board: BoardSpec,
    count: int,
    *,
    reach_rad: float = 0.6,
    seed: int = 1,
) -> list[FloatArray]:
    """Joint poses round one that sees the board, turned as differently as can be, in a short order.

    Twice as many as asked for: a hand may hide the board, which only a picture tells.

    Args:
        start_q: Shape (n,); the board is seen from here.
        seen_from: The board in the camera for given joints, by what is known so far, shape (4, 4).
        allowed: Whether the arm may go there.
        camera: Pinhole matrix, and width and height of the picture.
    """
    rng = np.random.default_rng(seed)
    pool: list[FloatArray] = []
    views: list[FloatArray] = []
    for n in range(TRIES):
        # Small excursions first: those surely keep the board in view.
        share = 0.3 + 0.7 * (n % 4) / 3.0
        q = start_q + share * reach_rad * rng.uniform(-1.0, 1.0, len(start_q))
        q = np.clip(q, lo_rad + 0.05, hi_rad - 0.05)
        T = seen_from(q)
        if shows(T, camera, board) and allowed(q):
            pool.append(q)
            views.append(T)
        if len(pool) >= 30 * count:
            break
    chosen = [pool[i] for i in _most_different(views, 2 * count)]
    first = _short_way(start_q, chosen[:count])
    return first + _short_way(first[-1] if first else start_q, chosen[count:])


def shows(
    T_camera_board: FloatArray, camera: tuple[FloatArray, tuple[int, int]], board: BoardSpec
) -> bool:
    """Whether a camera would see the whole board well."""
    K, (width, height) = camera
    w, h = board.size_m
    outline = np.array([[0, 0, 0], [w, 0, 0], [0, h, 0], [w, h, 0]], dtype=np.float64)
    points = outline @ T_camera_board[:3, :3].T + T_camera_board[:3, 3]
    if points[:, 2].min() < NEAREST_M:
        return False
    u = points[:, 0] / points[:, 2] * K[0, 0] + K[0, 2]
    v = points[:, 1] / points[:, 2] * K[1, 1] + K[1, 2]
    inside = (
        u.min() > EDGE * width
        and u.max() < (1 - EDGE) * width
        and v.min() > EDGE * height
        and v.max() < (1 - EDGE) * height
    )
    centre = points.mean(axis=0)
    cosine = float(T_camera_board[:3, 2] @ centre / np.linalg.norm(centre))
    return bool(inside and cosine > np.cos(STEEPEST_RAD))


def _most_different(views: Sequence[FloatArray], count: int) -> list[int]:
    """Farthest first: orientation counts most, then distance and place."""
    if not views:
        return []
    from scipy.spatial.transform import Rotation

    turns = Rotation.from_matrix(np.array([inverse(T)[:3, :3] for T in views])).as_rotvec()
    features = np.hstack([turns, 3.0 * np.array([T[:3, 3] for T in views])])
    chosen = [0]
    far = np.linalg.norm(features - features[0], axis=1)
    while len(chosen) < min(count, len(views)):
        chosen.append(int(np.argmax(far)))
        far = np.minimum(far, np.linalg.norm(features - features[chosen[-1]], axis=1))
    return chosen


def _short_way(start: FloatArray, poses: list[FloatArray]) -> list[FloatArray]:
    out: list[FloatArray] = []
    at, left = start, list(poses)
    while left:
        nearest = min(range(len(left)), key=lambda i: float(np.abs(left[i] - at).max()))
        at = left.pop(nearest)
        out.append(at)
    return out
