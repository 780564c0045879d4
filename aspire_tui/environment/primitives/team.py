"""The same primitives for each of several arms in one frame: ``_arm0``, ``_arm1`` and ``_both``.

Poses are in the cell's one frame, whichever arm is meant. What one arm does, the others stand still
for and are kept clear of.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np

from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.motion.pair import execute_pair, plan_pair, to_joints
from aspire_tui.environment.motion.pose import pose_matrix
from aspire_tui.environment.outcome import PrimitiveOutcome
from aspire_tui.environment.primitives import gripper, motion
from aspire_tui.environment.primitives.arguments import Joints, Metres, Position, Quaternion
from aspire_tui.environment.primitives.motion import MOTION, TO_A_POSE
from aspire_tui.environment.primitives.registry import Primitive, primitive

ARMS: Final = (0, 1)
EACH: Final = (
    motion.solve_ik,
    motion.move_to_joints,
    motion.goto_pose_along_tool,
    motion.goto_pose_from_above,
    motion.move_linear,
    motion.move_until_contact,
    motion.home_pose,
    gripper.open_gripper,
    gripper.close_gripper,
    gripper.set_gripper,
)


def for_arm(primitive_: Primitive, number: int) -> Primitive:
    """A primitive of one arm as that of the arm with this number."""

    def function(bench: Workbench, **arguments: Any) -> PrimitiveOutcome:
        return primitive_.function(bench.benches[number], **arguments)

    function.__name__ = primitive_.function.__name__
    which = ("first", "second")[number]
    return replace(
        primitive_,
        name=f"{primitive_.name}_arm{number}",
        function=function,
        aliases=tuple(f"{alias}_arm{number}" for alias in primitive_.aliases),
        doc=f"The {which} arm: {primitive_.doc}",
        fits=("arms",),
        arm=number,
        example=primitive_.example.replace(
            f"{primitive_.name}(", f"{primitive_.name}_arm{number}("
        ),
    )


BOTH: Final = "MotionResult of the arm that did worse; both poses are in the trace"


@primitive(
    group="motion",
    statuses=TO_A_POSE,
    returns=BOTH,
    moves=True,
    tiers=("S1", "S2"),
    profiles=("capx", "libero"),
    fits=("arms",),
)
def goto_pose_both(
    bench: Workbench,
    position0: Position,
    quaternion_wxyz0: Quaternion,
    position1: Position,
    quaternion_wxyz1: Quaternion,
    z_approach: Metres = 0.0,
) -> PrimitiveOutcome:
    """Move both tools at once, each to its pose, starting and arriving together.

    Without a change of orientation the way of each is a straight line, so that what both hold
    keeps its shape. With z_approach, first both to the points that far back along their own tool z.
    """
    targets = (pose_matrix(position0, quaternion_wxyz0), pose_matrix(position1, quaternion_wxyz1))
    return execute_pair(bench, plan_pair(bench, targets, z_approach), targets)


@primitive(
    group="motion",
    statuses=MOTION,
    returns=BOTH,
    moves=True,
    tiers=("S3", "S4"),
    profiles=("capx", "libero", "robosuite"),
    fits=("arms",),
)
def move_to_joints_both(bench: Workbench, joints0: Joints, joints1: Joints) -> PrimitiveOutcome:
    """Move both arms at once to joints, shape (n,) each, radians."""
    for i, (each, joints) in enumerate(zip(bench.benches, (joints0, joints1), strict=True)):
        n = each.kinematics.n
        if joints.shape != (n,):
            why = f"argument joints{i} has shape {joints.shape}, expected ({n},)"
            return PrimitiveOutcome("INVALID", None, why, raises=True)
    rows = (joints0, joints1)
    targets = tuple(b.kinematics.tool_pose(q) for b, q in zip(bench.benches, rows, strict=True))
    return execute_pair(bench, to_joints(bench, rows), targets)


@primitive(
    name="home_pose",
    group="motion",
    statuses=MOTION,
    returns=BOTH,
    moves=True,
    aliases=("goto_home_joint_position", "home_pose_both"),
    profiles=("capx", "libero"),
    fits=("arms",),
)
def home_both(bench: Workbench) -> PrimitiveOutcome:
    """Move both arms at once to their home joints, planned and at limited speed like any move."""
    rows = tuple(np.array(b.arm.home_rad) for b in bench.benches)
    targets = tuple(b.kinematics.tool_pose(q) for b, q in zip(bench.benches, rows, strict=True))
    return execute_pair(bench, to_joints(bench, rows), targets)


def _gripper_pose(number: int) -> Primitive:
    @primitive(
        name=f"get_arm{number}_gripper_pose",
        group="motion",
        statuses=("OK",),
        returns="(position (3,) metres, quaternion wxyz (4,))",
        tiers=("S1", "S2"),
        profiles=("capx", "libero", "robosuite"),
        fits=("arms",),
    )
    def gripper_pose(bench: Workbench) -> PrimitiveOutcome:
        """Where an arm's tool is, from its measured joints."""
        return motion.tool_pose(bench.benches[number])

    return replace(gripper_pose, arm=number)


PRIMITIVES: tuple[Primitive, ...] = (
    *(for_arm(each, number) for number in ARMS for each in EACH),
    *(_gripper_pose(number) for number in ARMS),
    goto_pose_both,
    move_to_joints_both,
    home_both,
)
