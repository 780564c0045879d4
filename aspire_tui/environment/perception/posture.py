"""How a long thing stands or hangs: its lower end and how far it leans, from its seen surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aspire_tui.environment.perception.camera import deproject_to
from aspire_tui.environment.perception.outlines import coloured
from aspire_tui.environment.perception.picture import Picture
from aspire_tui.environment.perception.plane import agree, fit_table
from aspire_tui.environment.perception.prompt import parse

LEAST_PIXELS = 60
LEAST_SPAN_M = 0.03
"""Less of its length in view does not show which way it leans."""

WITHIN_M = 0.18
"""Farther from the middle of what is seen, a pixel of that colour is something else."""

NEAREST_M = 0.30
"""A camera closer than this is on the hand and sees what it holds from above only."""


@dataclass(frozen=True)
class Posture:
    """Ends of the seen surface, base frame, and the lean of its axis from the vertical."""

    bottom_z_m: float
    top_z_m: float
    tilt_rad: float


def posture(picture: Picture, prompt: str, table_z_m: float) -> Posture | None:
    """Posture of the thing of a prompt's colour; None where too little of it is seen."""
    own = _surface(picture, prompt, table_z_m)
    if own is None:
        return None
    low, high = (float(v) for v in np.quantile(own[:, 2], [0.02, 0.98]))
    spread = own - own.mean(axis=0)
    _, sides, axes = np.linalg.svd(spread, full_matrices=False)
    if high - low < LEAST_SPAN_M and sides[0] < 1.3 * sides[1]:
        return None
    tilt = float(np.arccos(min(1.0, abs(float(axes[0][2])))))
    return Posture(low, high, tilt)


def lowest_seen(picture: Picture, prompt: str, table_z_m: float) -> float | None:
    """Height of the lower edge of what is seen of a thing, base frame."""
    own = _surface(picture, prompt, table_z_m)
    return None if own is None else float(np.quantile(own[:, 2], 0.02))


def _surface(picture: Picture, prompt: str, table_z_m: float) -> NDArray[np.float64] | None:
    """Points of the thing of a prompt's colour, shape (N, 3), base frame."""
    colours = parse(prompt).colours
    if not colours:
        return None
    mask = coloured(picture.rgb, colours[0])
    T = picture.T_base_cam
    valid = np.isfinite(picture.depth_m) & (picture.depth_m > 0)
    points = deproject_to(np.where(valid, picture.depth_m, 0).astype(np.float32), picture.K, T)
    plane = fit_table(points[valid], table_z_m)
    if plane is None:
        return None
    points = deproject_to(picture.depth_m, picture.K, agree(T, plane, table_z_m))
    own = np.asarray(points[mask & valid], float)
    if len(own) < LEAST_PIXELS:
        return None
    middle = np.median(own, axis=0)
    if np.linalg.norm(middle - T[:3, 3]) < NEAREST_M:
        return None
    return own[np.linalg.norm(own - middle, axis=1) < WITHIN_M]
