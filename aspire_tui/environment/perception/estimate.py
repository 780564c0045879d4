"""What perception says of a thing: where it is and how sure that is, or why it is not known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ObjectEstimate:
    """A thing on or above the table, base frame, metres.

    Attributes:
        position: Centre of the box, shape (3,).
        wxyz: Yaw-only orientation; x along the box's first side.
        extent: Full sides of the box, shape (3,).
        points: Shape (N, 3): the surface as seen.
        mask: Of the camera that fits best, shape (H, W).
        sigma_m: One standard deviation of the horizontal position, calibration included.
        fit_sd_m: The same without calibration: what differs between things in one picture.
        cameras: Cameras that saw it, the best first.
        per_camera: Each camera's own estimate; one entry, itself, when a single camera saw it.
        spread_m: Largest horizontal distance between cameras' estimates.
        notes: What was assumed rather than seen.
    """

    position: FloatArray
    wxyz: FloatArray
    extent: FloatArray
    yaw_rad: float
    points: NDArray[np.float32]
    mask: Mask
    box: tuple[int, int, int, int]
    score: float
    sigma_m: float
    fit_sd_m: float
    cameras: tuple[str, ...]
    per_camera: tuple[ObjectEstimate, ...] = ()
    spread_m: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def top_z_m(self) -> float:
        return float(self.position[2] + self.extent[2] / 2)

    @property
    def bottom_z_m(self) -> float:
        return float(self.position[2] - self.extent[2] / 2)


@dataclass(frozen=True)
class NotFound:
    """Nothing fits; ``seen`` has one line for each candidate that was refused."""

    reason: str
    seen: tuple[str, ...] = ()
