"""The slow way to where an arm may lose its torque. Pure."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from drivers.errors import CellRefused
from drivers.hermite import Vector
from drivers.types import ArmSpec, Trajectory

STOW_SHARE: Final = 0.15
"""Share of each joint's speed and acceleration."""
STOW_TORQUE_SHARE: Final = 0.6
"""Share of its torque a joint may use on the way: it carries the arm and presses nobody hard."""
STOWED_RAD: Final = 0.05
"""How far off its rest pose an arm may lie; one whose servos sag more, as far as it arrives."""
KNOTS: Final = 40


def stow_path(spec: ArmSpec, start_rad: Vector) -> Trajectory:
    """Rest to rest in a straight line of joints.

    Raises:
        CellRefused: Nobody said where this arm rests.
    """
    if not spec.rest_rad:
        raise CellRefused("no_rest_pose", f"arm {spec.name}: the cell file has no rest_rad")
    duration_s = 0.5
    for joint, start, end in zip(spec.joints, start_rad, spec.rest_rad, strict=True):
        way = abs(end - start)
        # A quintic peaks at 1.875 of its mean speed and 5.77 of distance over time squared.
        duration_s = max(
            duration_s,
            1.875 * way / (STOW_SHARE * joint.vmax_rad_s),
            math.sqrt(5.7735 * way / (STOW_SHARE * joint.amax_rad_s2)),
        )
    u = np.linspace(0.0, 1.0, KNOTS)[:, None]
    share = u**3 * (10.0 - 15.0 * u + 6.0 * u**2)
    slope = 30.0 * u**2 * (1.0 - u) ** 2 / duration_s
    way_rad = np.array(spec.rest_rad) - np.array(start_rad)
    return Trajectory(u[:, 0] * duration_s, np.array(start_rad) + share * way_rad, slope * way_rad)


def rests(spec: ArmSpec, measured_rad: Vector) -> bool:
    """Whether an arm lies where it may lose its torque."""
    near_rad = max(STOWED_RAD, spec.arrival_tolerance_rad)
    return bool(spec.rest_rad) and all(
        abs(a - b) <= near_rad for a, b in zip(spec.rest_rad, measured_rad, strict=True)
    )
