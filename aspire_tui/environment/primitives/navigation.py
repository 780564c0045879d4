"""Primitives of a base that drives. On the floor: x, y (metres), yaw (radians), room frame.

A drive ends where it was told or says why not: it never stops part-way and calls that arrived.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from aspire_tui.domain import Status
from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.motion.driving import Floor, base_pose, drive, ended
from aspire_tui.environment.outcome import PrimitiveOutcome
from aspire_tui.environment.perception.objects import NotFound
from aspire_tui.environment.primitives.arguments import (
    InvalidArgument,
    Position,
    Prompt,
    finite,
)
from aspire_tui.environment.primitives.motion import home_pose
from aspire_tui.environment.primitives.perception import find, fixed_camera, hand_camera
from aspire_tui.environment.primitives.registry import Primitive, primitive

NAVIGATION: tuple[Status, ...] = (
    "OK",
    "PLANNING_ERROR",
    "COLLISION",
    "NOT_CONVERGED",
    "BLOCKED",
    "STOPPED",
    "LIMIT",
    "TIMEOUT",
)
ROOM = "room"
AT_HOME_RAD = 0.05
"""With no joint further from home than this the arm is drawn in."""

STAND_OFF_M = 0.7
TURN_STEP_RAD = math.pi / 4
LOOK_ROUND_RAD = (0.0, 0.6, -0.6, 1.1, -1.1)


def _place(value: Any) -> NDArray[np.float64]:
    """point of the room, (2,) or (3,) metres; its height is left out"""
    a = np.asarray(value, np.float64).ravel() if np.ndim(value) == 1 else np.zeros(0)
    if a.shape not in ((2,), (3,)):
        raise InvalidArgument(f"has shape {np.shape(value)}, expected (2,) or (3,) metres")
    if not np.all(np.isfinite(a)):
        raise InvalidArgument("has NaN or infinity (metres, room frame)")
    return a[:2]


def _label(value: Any) -> str:
    """text, kept to 80 characters"""
    return str(value)[:80]


Pose2d = Annotated[NDArray[np.float64], finite((3,), "x, y, yaw in the room", 100.0)]
Place = Annotated[NDArray[np.float64], _place]
Label = Annotated[str, _label]


def navigation(
    statuses: tuple[Status, ...] = NAVIGATION,
    returns: str = "NavigationResult, truthy on arrival",
    moves: bool = True,
    example: str = "",
) -> Any:
    """A primitive of the driving base; it is offered on mobile cells under every profile."""
    return primitive(
        group="navigation",
        statuses=statuses,
        returns=returns,
        moves=moves,
        tiers=("S1", "S2", "S3", "S4"),
        profiles=("r1pro", "capx", "libero", "robosuite"),
        fits=("mobile",),
        frame=ROOM,
        example=example,
    )


def _drive(bench: Workbench, pose_2d: NDArray[np.float64]) -> PrimitiveOutcome:
    """Drive with the arm drawn in."""
    goal = [float(v) for v in pose_2d]
    for each in bench.benches:
        if np.abs(each.joints() - np.array(each.arm.home_rad)).max() <= AT_HOME_RAD:
            continue
        info = bench.cell.info
        if info.room is not None and info.base is not None:
            status, why = Floor(info.room, info.base).why_not(goal[0], goal[1])
            if status != "OK":
                return ended(bench, status, why, goal)
        drawn_in = home_pose.invoke(each, {})
        if drawn_in.status != "OK":
            why = f"the arm could not be drawn in before driving: {drawn_in.summary}"
            status = drawn_in.status if drawn_in.status in NAVIGATION else "PLANNING_ERROR"
            return ended(bench, status, why, goal)
    return drive(bench, goal)


@navigation(example="navigate_to_pose([-0.6, -0.3, 0.2])")
def navigate_to_pose(bench: Workbench, pose_2d: Pose2d) -> PrimitiveOutcome:
    """Draw the arm in and drive to x, y, yaw by the room's map.

    A goal whose way or place would bring the base's outline nearer to walls or furniture than the
    room's buffer ends in PLANNING_ERROR and nothing moves.
    """
    return _drive(bench, pose_2d)


@navigation(example='safe_navigate([-0.6, -0.3, 0.2], "ang_180")')
def safe_navigate(bench: Workbench, pose_2d: Pose2d, name: Label = "") -> PrimitiveOutcome:
    """As ``navigate_to_pose``; ``name`` says in the trace what it was for."""
    outcome = _drive(bench, pose_2d)
    if not name:
        return outcome
    return PrimitiveOutcome(
        outcome.status, outcome.value, f"{name}: {outcome.summary}", error_m=outcome.error_m
    )


@navigation(("OK",), "distance in metres", moves=False, example="dist_to([1.0, 0.0])")
def dist_to(bench: Workbench, xy: Place) -> PrimitiveOutcome:
    """Distance on the floor from the middle of the base to a point of the room."""
    away = float(math.dist(base_pose(bench)[:2], xy))
    return PrimitiveOutcome("OK", away, f"{away:.3f} m")


@navigation(
    ("OK",),
    "(position (3,) metres, quaternion xyzw (4,), yaw radians)",
    moves=False,
    example="position, quaternion, yaw = get_robot_position()",
)
def get_robot_position(bench: Workbench) -> PrimitiveOutcome:
    """Where the base takes itself to be. The quaternion is xyzw, as R1Pro's."""
    x, y, yaw = (float(v) for v in base_pose(bench))
    value = (
        np.array((x, y, 0.0)),
        np.array((0.0, 0.0, math.sin(yaw / 2), math.cos(yaw / 2))),
        math.remainder(yaw, math.tau),
    )
    return PrimitiveOutcome("OK", value, f"({x:.2f}, {y:.2f}) m, {math.degrees(yaw):.0f}°")


@navigation(
    ("OK", "PLANNING_ERROR"),
    "(x, y, yaw)",
    moves=False,
    example="get_navigation_pose([1.0, 0.0, 0.5], [0.95, 0.1, 0.55])",
)
def get_navigation_pose(
    bench: Workbench, P_table: Position, P_object: Position
) -> PrimitiveOutcome:
    """Where to stand to reach for a thing on a table: 0.7 m from it, facing it, outside the buffer.

    Of the places round it the one most in line from the table's middle through the thing is taken.
    None at all raises PrimitiveError with PLANNING_ERROR.
    """
    info = bench.cell.info
    assert info.room is not None and info.base is not None
    floor = Floor(info.room, info.base)
    out = P_object[:2] - P_table[:2]
    liked = math.atan2(out[1], out[0]) if np.linalg.norm(out) > 1e-6 else 0.0
    for k in range(36):
        turn = (k + 1) // 2 * math.radians(10) * (1 if k % 2 else -1)
        angle = liked + turn
        x = float(P_object[0] + STAND_OFF_M * math.cos(angle))
        y = float(P_object[1] + STAND_OFF_M * math.sin(angle))
        if floor.why_not(x, y)[0] == "OK":
            yaw = math.atan2(P_object[1] - y, P_object[0] - x)
            where = f"({x:.2f}, {y:.2f}) m, {math.degrees(yaw):.0f}°"
            return PrimitiveOutcome("OK", (x, y, yaw), where)
    why = f"no place {STAND_OFF_M} m from it is outside the buffers"
    return PrimitiveOutcome("PLANNING_ERROR", None, why, raises=True)


@navigation(
    ("NOT_FOUND", *NAVIGATION), "True or False", example='find_object_base_rotate("orange radio")'
)
def find_object_base_rotate(bench: Workbench, object_name: Prompt) -> PrimitiveOutcome:
    """Turn on the spot, an eighth at a time, until the head camera sees a thing."""
    reason = ""
    for k in range(8):
        if k:
            x, y, yaw = base_pose(bench)
            turned = _drive(bench, np.array((x, y, yaw + TURN_STEP_RAD)))
            if turned.status != "OK":
                return PrimitiveOutcome(turned.status, False, turned.summary)
        found, _ = find(bench, object_name, [bench.look(fixed_camera(bench))])
        if not isinstance(found, NotFound):
            turn = f"after {45 * k}°, {float(np.hypot(*found.position[:2])):.2f} m away"
            return PrimitiveOutcome("OK", True, f"seen {turn}")
        reason = found.reason
    return PrimitiveOutcome("NOT_FOUND", False, f"not seen all round: {reason}")


@navigation(
    ("NOT_FOUND", *NAVIGATION), "True or False", example='find_object_torso_rotate("orange radio")'
)
def find_object_torso_rotate(bench: Workbench, object_name: Prompt) -> PrimitiveOutcome:
    """Look round with the hand's camera: this robot's torso is its arm's first joint."""
    from aspire_tui.environment.primitives.motion import move_to_joints

    camera = hand_camera(bench) or fixed_camera(bench)
    reason = ""
    home = np.array(bench.arm.home_rad)
    for turn in LOOK_ROUND_RAD:
        joints = home.copy()
        joints[0] = np.clip(turn, bench.kinematics.lo_rad[0], bench.kinematics.hi_rad[0])
        moved = move_to_joints.invoke(bench, {"joints": joints})
        if moved.status != "OK":
            return PrimitiveOutcome(moved.status, False, moved.summary)
        found, _ = find(bench, object_name, [bench.look(camera), bench.look(fixed_camera(bench))])
        if not isinstance(found, NotFound):
            return PrimitiveOutcome("OK", True, f"seen with joint 1 at {joints[0]:.1f} rad")
        reason = found.reason
    return PrimitiveOutcome("NOT_FOUND", False, f"not seen: {reason}")


@navigation(example="reset_torso()", returns="MotionResult")
def reset_torso(bench: Workbench) -> PrimitiveOutcome:
    """Draw the arm in: this robot's torso is its arm's first joint."""
    return home_pose.invoke(bench, {})


PRIMITIVES: tuple[Primitive, ...] = (
    navigate_to_pose,
    safe_navigate,
    dist_to,
    get_robot_position,
    get_navigation_pose,
    find_object_base_rotate,
    find_object_torso_rotate,
    reset_torso,
)
