"""Takes an arm out of the way before a scene is set, where only the arm itself can do that."""

from __future__ import annotations

import numpy as np

from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.primitives.gripper import open_gripper
from aspire_tui.environment.primitives.motion import (
    home_pose,
    move_to_joints,
    move_until_contact,
)
from aspire_tui.environment.primitives.registry import Primitive
from drivers.types import TaughtStart

HELD_N = 2.0
"""Fingers pressing harder than this have something between them."""

LOWEST_M = 0.015
"""A thing is not lowered further than this above the table."""

LOWERING_M_S = 0.06


def park(bench: Workbench) -> str:
    """Put down what is held, open the grippers and go home; why not, or empty when done."""
    return next((stuck for each in bench.benches if (stuck := _park(each))), "")


def _park(bench: Workbench) -> str:
    if bench.sample().grip_force_N > HELD_N:
        _put_down(bench)
    return _do(bench, open_gripper) or _do(bench, home_pose)


def begin_at(bench: Workbench, start: TaughtStart) -> str:
    """Take an arm to a pose it was taught; why not, or empty when done."""
    mine = next(each for each in bench.benches if each.arm.name == start.arm)
    return _do(mine, move_to_joints, joints=np.array(start.q_rad))


def _put_down(bench: Workbench) -> None:
    """Lower what is held onto whatever is beneath it; where that fails it is let go as it is."""
    height_m = float(bench.kinematics.tool_pose(bench.joints())[2, 3]) - bench.table_z_m
    if height_m > LOWEST_M:
        arguments = {
            "direction": np.array((0.0, 0.0, -1.0)),
            "distance_m": height_m - LOWEST_M,
            "speed": LOWERING_M_S,
        }
        move_until_contact.invoke(bench, arguments)


def _do(bench: Workbench, primitive: Primitive, **arguments: object) -> str:
    outcome = primitive.invoke(bench, arguments)
    return "" if outcome.status == "OK" else f"{primitive.name}: {outcome.summary}"
