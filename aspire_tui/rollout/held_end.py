"""Brings a thing into the air as an end asks for, by the arms' own moves."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.draw import Placed
from aspire_tui.environment.near_end import End
from aspire_tui.environment.perception.camera import quaternion, rotation
from aspire_tui.environment.primitives.gripper import close_gripper, open_gripper
from aspire_tui.environment.primitives.motion import goto_pose_along_tool, move_linear
from aspire_tui.environment.primitives.team import goto_pose_both

DEEPEST_M: Final = 0.03
LOWEST_M: Final = 0.017
APPROACH_M: Final = 0.08
LEAST_RISE_M: Final = 0.002
LONG: Final = 1.3
"""A thing so much longer than it is wide is held across, whichever way it lies."""

FloatArray = NDArray[np.float64]


def hold_up(bench: Workbench, thing: Placed, end: End) -> None:
    """Take a thing where the end's scene has it and hold it up, leaning, in the hands it names."""
    now = next(o for o in end.spec.objects if o.name == thing.thing.name)
    thing = replace(thing, xyz_m=now.xyz_m, yaw_rad=now.yaw_rad)
    grips = {arm: _grip(bench, thing, arm) for arm in end.arms}
    for arm, (at, turn) in grips.items():
        own = bench.benches[arm]
        open_gripper.invoke(own, {})
        pose = {"position": at, "quaternion_wxyz": turn, "z_approach": APPROACH_M}
        goto_pose_along_tool.invoke(own, pose)
    for arm in grips:
        close_gripper.invoke(bench.benches[arm], {})
    up = np.array([0.0, 0.0, max(LEAST_RISE_M, end.height_m)])
    if len(grips) == 2:
        (a, turn_a), (b, turn_b) = (grips[arm] for arm in end.arms)
        both = {"position0": a + up, "quaternion_wxyz0": turn_a}
        goto_pose_both.invoke(bench, {**both, "position1": b + up, "quaternion_wxyz1": turn_b})
        return
    (arm, (at, turn)), *_ = grips.items()
    if end.tilt_rad:
        c, s = np.cos(end.tilt_rad), np.sin(end.tilt_rad)
        turn = quaternion(np.array([[1, 0, 0], [0, c, -s], [0, s, c]]) @ rotation(turn))
    move_linear.invoke(bench.benches[arm], {"position": at + up, "quaternion_wxyz": turn})


def _grip(bench: Workbench, thing: Placed, arm: int) -> tuple[FloatArray, FloatArray]:
    """Where an arm takes it and how its hand is turned: by its own handle, else by the middle."""
    size, yaw = thing.thing.size_m, thing.yaw_rad
    x, y, z = thing.xyz_m
    bars = [p for p in thing.thing.parts if p.colour and p.colour != thing.thing.colour]
    if len(bars) > 1:
        # The first arm stands to the left: it takes the handle farther along y.
        bar = sorted(bars, key=lambda p: -p.xyz_m[1])[arm]
        c, s = np.cos(yaw), np.sin(yaw)
        x, y = x + c * bar.xyz_m[0] - s * bar.xyz_m[1], y + s * bar.xyz_m[0] + c * bar.xyz_m[1]
        at = np.array([x, y, z + bar.xyz_m[2]])
        every = np.pi
    else:
        table_z_m = bench.table_z_m
        at = np.array([x, y, max(LOWEST_M + table_z_m, z + size[2] / 2 - DEEPEST_M, z)])
        every = np.pi if max(size[:2]) > LONG * min(size[:2]) else np.pi / 2
    turn = (yaw + every / 2) % every - every / 2
    return at, np.array([0.0, -np.sin(turn / 2), np.cos(turn / 2), 0.0])
