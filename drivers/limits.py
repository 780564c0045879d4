"""Tightening a cell's limits while it runs: only ever narrower and slower, until the host restarts.

Pure; the cell file is where limits are widened, by whoever answers for the cell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from drivers.errors import CellRefused
from drivers.types import ArmSpec, JointSpec, Workspace


def tightened_arm(
    spec: ArmSpec, lo_rad: Sequence[float], hi_rad: Sequence[float], speed_share: float
) -> ArmSpec:
    """An arm with narrower joint ranges and slower joints.

    Args:
        lo_rad, hi_rad: One value per joint, or none to leave the ranges as they are.
        speed_share: Of the present speeds and accelerations, in (0, 1].

    Raises:
        CellRefused: Something would become wider, or a range empty.
    """
    if not 0.01 <= speed_share <= 1.0:
        raise CellRefused("invalid", f"speed_share {speed_share} is outside 0.01 to 1")
    n = len(spec.joints)
    lows = list(lo_rad) or [joint.lo_rad for joint in spec.joints]
    highs = list(hi_rad) or [joint.hi_rad for joint in spec.joints]
    if len(lows) != n or len(highs) != n:
        raise CellRefused("invalid", f"{len(lows)} and {len(highs)} values for {n} joints")
    joints = tuple(
        _tightened(joint, lo, hi, speed_share)
        for joint, lo, hi in zip(spec.joints, lows, highs, strict=True)
    )
    return msgspec.structs.replace(spec, joints=joints)


def _tightened(joint: JointSpec, lo: float, hi: float, share: float) -> JointSpec:
    if not (math.isfinite(lo) and math.isfinite(hi) and joint.lo_rad <= lo < hi <= joint.hi_rad):
        raise CellRefused(
            "invalid",
            f"{joint.name}: {lo:.3f} to {hi:.3f} is not within "
            f"{joint.lo_rad:.3f} to {joint.hi_rad:.3f}; limits are widened in the cell file",
        )
    return msgspec.structs.replace(
        joint,
        lo_rad=lo,
        hi_rad=hi,
        vmax_rad_s=joint.vmax_rad_s * share,
        amax_rad_s2=joint.amax_rad_s2 * share,
    )


def tightened_box(box: Workspace, lo_m: Sequence[float], hi_m: Sequence[float]) -> Workspace:
    """A smaller workspace; empty corners stay as they are. Raises CellRefused."""
    lows, highs = tuple(lo_m) or box.lo_m, tuple(hi_m) or box.hi_m
    if len(lows) != 3 or len(highs) != 3 or not all(map(math.isfinite, (*lows, *highs))):
        raise CellRefused("invalid", "a workspace corner is three finite values in metres")
    corners: list[Any] = [box.lo_m, lows, highs, box.hi_m]
    if not all(a <= b < c <= d for a, b, c, d in zip(*corners, strict=True)):
        raise CellRefused(
            "invalid",
            f"the box {lows} to {highs} is not within {box.lo_m} to {box.hi_m}; the workspace is "
            "widened in the cell file",
        )
    (x, y, z), (a, b, c) = lows, highs
    return msgspec.structs.replace(box, lo_m=(x, y, z), hi_m=(a, b, c))
