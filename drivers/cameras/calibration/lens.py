"""A camera's own matrix and distortion, from views of the board (OpenCV's ``calibrateCamera``)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from drivers.cameras.calibration.board import BoardSpec, opencv
from drivers.cameras.calibration.detect import Sighting
from drivers.cameras.calibration.solve import Unsolvable

LEAST_VIEWS: Final = 8
WORST_RESIDUAL_PX: Final = 1.0
LEAST_SPAN: Final = 0.6
"""Share of the picture's width and height that the corners of all views must span."""


@dataclass(frozen=True)
class Lens:
    """Intrinsics in pixels (fx, fy, cx, cy), OpenCV's distortion, root mean square residual."""

    intrinsics_px: tuple[float, float, float, float]
    distortion: tuple[float, ...]
    residual_px: float
    views: int

    def fovy_deg(self, height: int) -> float:
        """Of the pinhole that pictures are rectified to."""
        return math.degrees(2.0 * math.atan(height / 2.0 / self.intrinsics_px[1]))


def measure_lens(views: Sequence[Sighting], board: BoardSpec, *, distorted: bool = True) -> Lens:
    """The lens behind some views.

    Args:
        distorted: False for pictures whose distortion was taken out already.

    Raises:
        Unsolvable: Too few views, or the edges of the picture were never used.
    """
    cv2 = opencv()
    if len(views) < LEAST_VIEWS:
        raise Unsolvable(f"{len(views)} views; {LEAST_VIEWS} are needed at least")
    pixels = np.vstack([view.pixels for view in views])
    width, height = views[0].size
    span = np.ptp(pixels, axis=0) / (width, height)
    if distorted and span.min() < LEAST_SPAN:
        raise Unsolvable(
            f"the board was seen in {100 * span[0]:.0f} × {100 * span[1]:.0f} % of the picture "
            "only: show it near every edge"
        )
    corners = board.corners_m().astype(np.float32)
    flags = 0 if distorted else _pinhole_flags(cv2)
    residual, K, distortion, _, _ = cv2.calibrateCamera(
        [corners[view.ids] for view in views],
        [view.pixels.astype(np.float32) for view in views],
        (width, height),
        None,
        None,
        flags=flags,
    )
    intrinsics = (float(K[0, 0]), float(K[1, 1]), float(K[0, 2]), float(K[1, 2]))
    bent = tuple(np.ravel(distortion)[:5].tolist())
    return Lens(intrinsics, bent if distorted else (), float(residual), len(views))


def refusal(lens: Lens) -> str:
    """Why this lens must not be used; empty when it may."""
    if lens.residual_px > WORST_RESIDUAL_PX:
        return (
            f"residual {lens.residual_px:.2f} px, at most {WORST_RESIDUAL_PX:g}: keep the board "
            "flat and still, in focus"
        )
    return ""


def _pinhole_flags(cv2: object) -> int:
    names = ("ZERO_TANGENT_DIST", "FIX_K1", "FIX_K2", "FIX_K3", "FIX_PRINCIPAL_POINT")
    flags = 0
    for name in names:
        flags |= int(vars(cv2)[f"CALIB_{name}"])
    return flags
