"""Where a camera is on its mount, from sightings of a board at known arm poses.

One equation serves both ways of doing it: a corner is seen at ``X^-1 A Y corner``. A camera on the
hand sees a lying board: X is the camera on the hand, A the base as seen from the hand, Y the board
in the base. A standing camera sees a board that the hand holds: X is the camera in the base, A the
hand in the base, Y the board in the hand. Where the board is already known, Y is not looked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drivers.cameras.calibration.board import BoardSpec, opencv
from drivers.cameras.calibration.detect import Sighting

FloatArray = NDArray[np.float64]

LEAST_VIEWS: Final = 6
JACKKNIFE_STEPS: Final = 6
LOSS_PX: Final = 2.0
"""Residuals beyond count less: a view where the arm was pushed must not decide."""


class Unsolvable(ValueError):
    """These pictures do not say where the camera is. One line: why, and what to do."""


@dataclass(frozen=True, eq=False)
class View:
    """One sighting, and ``A`` of the equation above, shape (4, 4)."""

    A: FloatArray
    seen: Sighting


@dataclass(frozen=True, eq=False)
class Solution:
    """Where the camera is.

    Attributes:
        X: Camera on its mount, shape (4, 4). Y: the board, shape (4, 4).
        residual_px: Root mean square over corners. worst_px: of the worst view.
        spread_m, spread_rad: One standard deviation of X, from leaving out each view in turn.
        scale: What a square of the board seems to measure, over what was said.
        turned_rad: The largest turn between two views: below 0.3 nothing is determined.
    """

    X: FloatArray
    Y: FloatArray
    residual_px: float
    worst_px: float
    spread_m: float
    spread_rad: float
    scale: float
    turned_rad: float
    views: int


def solve(
    views: Sequence[View], K: FloatArray, board: BoardSpec, known: FloatArray | None = None
) -> Solution:
    """Find X, and Y unless the board is ``known`` to be there.

    Args:
        K: Pinhole matrix of undistorted pictures, shape (3, 3).

    Raises:
        Unsolvable: Too few or too similar views.
    """
    corners = board.corners_m()
    turned = _turned(views)
    if known is None:
        if len(views) < LEAST_VIEWS:
            raise Unsolvable(f"{len(views)} views; {LEAST_VIEWS} are needed at least")
        if turned < 0.3:
            raise Unsolvable(
                f"the hand turned by {np.degrees(turned):.0f}° at most between views; 20° are "
                "needed, about two axes"
            )
    elif not views:
        raise Unsolvable("the board was not seen")
    X, Y = _start(views, K, corners, known)
    X, Y, _ = _refine(views, K, corners, X, Y, known, scaled=False)
    errors = [_errors(view, K, corners, X, Y) for view in views]
    rms = [float(np.sqrt((e**2).sum(axis=1).mean())) for e in errors]
    spread = _spread(views, K, corners, X, Y, known)
    scale = 1.0 if known is not None else _refine(views, K, corners, X, Y, None, scaled=True)[2]
    every = np.vstack(errors)
    return Solution(
        X=X,
        Y=Y,
        residual_px=float(np.sqrt((every**2).sum(axis=1).mean())),
        worst_px=max(rms),
        spread_m=spread[0],
        spread_rad=spread[1],
        scale=scale,
        turned_rad=turned,
        views=len(views),
    )


def board_in_camera(seen: Sighting, K: FloatArray, board: BoardSpec) -> tuple[FloatArray, float]:
    """The board's pose in one picture, shape (4, 4), and the residual in pixels."""
    return _pnp(seen, K, board.corners_m())


def inverse(T: FloatArray) -> FloatArray:
    """Of a rigid transform, shape (4, 4)."""
    out = np.eye(4)
    out[:3, :3] = T[:3, :3].T
    out[:3, 3] = -T[:3, :3].T @ T[:3, 3]
    return out


def apart(a: FloatArray, b: FloatArray) -> tuple[float, float]:
    """Metres and radians between two poses."""
    cosine = (np.trace(a[:3, :3].T @ b[:3, :3]) - 1.0) / 2.0
    turn = float(np.arccos(np.clip(cosine, -1.0, 1.0)))
    return float(np.linalg.norm(a[:3, 3] - b[:3, 3])), turn


def _start(
    views: Sequence[View], K: FloatArray, corners: FloatArray, known: FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    poses = [_pnp(view.seen, K, corners)[0] for view in views]
    if known is not None:
        return views[0].A @ known @ inverse(poses[0]), known
    hands = [inverse(view.A) for view in views]
    X = _hand_eye(hands, poses)

    def cost(Y: FloatArray) -> float:
        squares = [(_errors(v, K, corners, X, Y) ** 2).sum(axis=1) for v in views]
        return sum(float(np.minimum(s, 1e4).mean()) for s in squares)

    return X, min((h @ X @ p for h, p in zip(hands, poses, strict=True)), key=cost)


def _hand_eye(hands: Sequence[FloatArray], poses: Sequence[FloatArray]) -> FloatArray:
    """X such that ``hand X pose`` is the same for all views: rotation first (Park and Martin,
    IEEE T-RA 1994), then translation, over all pairs."""
    from scipy.spatial.transform import Rotation

    pairs = [
        (inverse(hands[j]) @ hands[i], poses[j] @ inverse(poses[i]))
        for i in range(len(hands))
        for j in range(i)
    ]
    of_hand, of_eye = (
        Rotation.from_matrix(np.array([p[n][:3, :3] for p in pairs])).as_rotvec() for n in (0, 1)
    )
    R = Rotation.align_vectors(of_hand, of_eye)[0].as_matrix()
    left = np.vstack([a[:3, :3] - np.eye(3) for a, _ in pairs])
    right = np.concatenate([R @ b[:3, 3] - a[:3, 3] for a, b in pairs])
    X = np.eye(4)
    X[:3, :3] = R
    X[:3, 3] = np.linalg.lstsq(left, right, rcond=None)[0]
    return X


def _refine(
    views: Sequence[View],
    K: FloatArray,
    corners: FloatArray,
    X: FloatArray,
    Y: FloatArray,
    known: FloatArray | None,
    scaled: bool,
    at_most: int | None = None,
) -> tuple[FloatArray, FloatArray, float]:
    from scipy.optimize import least_squares

    free = 6 if known is not None else 12

    def unpack(p: FloatArray) -> tuple[FloatArray, FloatArray, float]:
        moved = Y if known is not None else Y @ _rigid(p[6:12])
        return X @ _rigid(p[:6]), moved, float(np.exp(p[free])) if scaled else 1.0

    def residuals(p: FloatArray) -> FloatArray:
        x, y, scale = unpack(p)
        rows = [_errors(view, K, corners * scale, x, y).ravel() for view in views]
        return np.concatenate(rows)

    found = least_squares(
        residuals,
        np.zeros(free + scaled),
        loss="soft_l1",
        f_scale=LOSS_PX,
        x_scale="jac",
        max_nfev=at_most,
    )
    return unpack(found.x)


def _spread(
    views: Sequence[View],
    K: FloatArray,
    corners: FloatArray,
    X: FloatArray,
    Y: FloatArray,
    known: FloatArray | None,
) -> tuple[float, float]:
    """Standard deviation of X by jackknife: errors of one view hang together, so views are left
    out whole."""
    if len(views) < 3:
        return float("inf"), float("inf")
    apart_by = []
    for n in range(len(views)):
        fewer = [v for i, v in enumerate(views) if i != n]
        moved = _refine(fewer, K, corners, X, Y, known, scaled=False, at_most=JACKKNIFE_STEPS)[0]
        apart_by.append(apart(X, moved))
    factor = (len(views) - 1) / len(views)
    metres, radians = (
        np.sqrt(factor * (np.array(c) ** 2).sum()) for c in zip(*apart_by, strict=True)
    )
    return float(metres), float(radians)


def _errors(
    view: View, K: FloatArray, corners: FloatArray, X: FloatArray, Y: FloatArray
) -> FloatArray:
    """Pixels between where corners are predicted and where they were seen, shape (n, 2)."""
    T = inverse(X) @ view.A @ Y
    points = corners[view.seen.ids] @ T[:3, :3].T + T[:3, 3]
    ahead = np.maximum(points[:, 2:], 1e-3)
    projected: FloatArray = points[:, :2] / ahead * (K[0, 0], K[1, 1]) + (K[0, 2], K[1, 2])
    return projected - view.seen.pixels


def _pnp(seen: Sighting, K: FloatArray, corners: FloatArray) -> tuple[FloatArray, float]:
    cv2 = opencv()
    count, rotations, shifts, errors = cv2.solvePnPGeneric(
        corners[seen.ids], seen.pixels, K, None, flags=cv2.SOLVEPNP_IPPE
    )
    if not count:
        raise Unsolvable("the board's corners are on one line")
    n = int(np.argmin(np.ravel(errors)))
    T = np.eye(4)
    T[:3, :3] = cv2.Rodrigues(rotations[n])[0]
    T[:3, 3] = np.ravel(shifts[n])
    return T, float(np.ravel(errors)[n])


def _turned(views: Sequence[View]) -> float:
    return max((apart(a.A, b.A)[1] for a in views for b in views), default=0.0)


def _rigid(p: FloatArray) -> FloatArray:
    from scipy.spatial.transform import Rotation

    T = np.eye(4)
    T[:3, :3] = Rotation.from_rotvec(p[3:6]).as_matrix()
    T[:3, 3] = p[:3]
    return T
