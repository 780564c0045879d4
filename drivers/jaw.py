"""A hinged jaw's opening in metres and its hinge's angle in radians, one from the other. Pure."""

from __future__ import annotations

import bisect
from collections.abc import Sequence

from drivers.types import JawSpec


def jaw_width_m(jaw: JawSpec, angle_rad: float) -> float:
    """The opening at an angle; beyond the table the outermost slope goes on."""
    return _along(jaw.angle_rad, jaw.width_m, angle_rad)


def jaw_angle_rad(jaw: JawSpec, width_m: float) -> float:
    """The angle for an opening; beyond the table the outermost slope goes on."""
    return _along(jaw.width_m, jaw.angle_rad, width_m)


def _along(x: Sequence[float], y: Sequence[float], at: float) -> float:
    k = min(max(bisect.bisect_right(x, at) - 1, 0), len(x) - 2)
    return y[k] + (at - x[k]) * (y[k + 1] - y[k]) / (x[k + 1] - x[k])
