"""Distances in a mobile cell's room, from the map in its cell file. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from drivers.types import ArmSpec, BaseSpec, FloatArray, Furniture, GripperSpec, Room

BASE: Final = "base"
"""What a base is called where arms are named."""


def distance_m(piece: Furniture, x_m: float, y_m: float) -> float:
    """From a point on the floor to a piece of furniture; 0 inside it."""
    dx = max(abs(x_m - piece.xy_m[0]) - piece.size_m[0] / 2, 0.0)
    dy = max(abs(y_m - piece.xy_m[1]) - piece.size_m[1] / 2, 0.0)
    return math.hypot(dx, dy)


def nearest(room: Room, x_m: float, y_m: float) -> tuple[float, str]:
    """How far the nearest wall or piece of furniture is from a point, and its name."""
    lo, hi = room.lo_m, room.hi_m
    walls = min(x_m - lo[0], hi[0] - x_m, y_m - lo[1], hi[1] - y_m)
    found = [(walls, "the wall")]
    found += [(distance_m(piece, x_m, y_m), piece.name) for piece in room.furniture]
    return min(found)


def bump(room: Room, base: BaseSpec, poses: FloatArray | Sequence[Sequence[float]]) -> str:
    """Where a base's outline would first touch something along poses; empty when nowhere.

    Whoever touches already may come away.
    """
    allowed_m = base.radius_m
    for k, pose in enumerate(poses):
        away_m, name = nearest(room, float(pose[0]), float(pose[1]))
        if k == 0:
            allowed_m = min(allowed_m, away_m - 1e-3)
        elif away_m < allowed_m:
            return (
                f"the base would run into {name} at ({pose[0]:.2f}, {pose[1]:.2f}) m: its middle "
                f"{away_m:.2f} m away, its outline {base.radius_m:.2f} m"
            )
        else:
            allowed_m = max(allowed_m, min(base.radius_m, away_m - 1e-3))
    return ""


def as_arm(base: BaseSpec) -> ArmSpec:
    """A base as the control loop drives it: joints with limits, and fingers that never move."""
    return ArmSpec(
        name=BASE,
        model="",
        joints=base.joints,
        gripper=GripperSpec(0.01, 0.0, 1.0, 0.01),
        home_rad=base.home,
        tool_site="",
        arrival_tolerance_rad=base.arrival_tolerance,
        tracking_limit_rad=base.tracking_limit,
    )
