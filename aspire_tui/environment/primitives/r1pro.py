"""The R1Pro's names for looking and handling: room frame, on a driving base with one arm.

Its quaternions are xyzw except where a name says wxyz; its left and right arm are both this one's.
Joint vectors are x, y, yaw of the base, the arm's joints, and the gripper's opening (0 to 1).
"""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np

from aspire_tui.domain import Evidence, Status
from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.motion.driving import base_pose
from aspire_tui.environment.motion.pose import FloatArray, invert, pose_matrix, quaternion
from aspire_tui.environment.outcome import PrimitiveOutcome
from aspire_tui.environment.perception.boxes import oriented_box
from aspire_tui.environment.perception.objects import NotFound
from aspire_tui.environment.perception.topdown import grasp_on_box
from aspire_tui.environment.primitives import gripper, motion
from aspire_tui.environment.primitives.arguments import (
    Count,
    Flag,
    InvalidArgument,
    Key,
    Position,
    Prompt,
    Quaternion,
    Vector,
    as_array,
    whole,
)
from aspire_tui.environment.primitives.grasping import OPEN_MARGIN_M, gripper_shape
from aspire_tui.environment.primitives.masks import search_picture
from aspire_tui.environment.primitives.motion import MOTION, TO_A_POSE
from aspire_tui.environment.primitives.navigation import ROOM
from aspire_tui.environment.primitives.perception import (
    find,
    fixed_camera,
    views_of,
)
from aspire_tui.environment.primitives.registry import Primitive, primitive

OFFSET_M = (0.02, 0.0, -0.05)
"""What R1Pro programs offset their hand by: with it a pose is that of the tool point."""

PREGRASP_M = 0.10
LIFTS_M = (0.15, 0.12, 0.09, 0.07, 0.05)
XYZW = [1, 2, 3, 0]


def _hand_pose(value: Any) -> FloatArray:
    """(position (3,) metres, quaternion xyzw (4,))"""
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise InvalidArgument("is not (position, quaternion xyzw)")
    p, q = as_array(value[0], np.float64), as_array(value[1], np.float64)
    if p.shape != (3,) or q.shape != (4,) or not np.all(np.isfinite([*p, *q])):
        raise InvalidArgument("needs 3 finite metres and 4 finite quaternion parts xyzw")
    norm = float(np.linalg.norm(q))
    if abs(norm - 1.0) > 0.05 or np.abs(p).max() > 100.0:
        raise InvalidArgument(f"has a quaternion of norm {norm:.3g}, or is beyond 100 m")
    return pose_matrix(p, (q / norm)[[3, 0, 1, 2]])


HandPose = Annotated[FloatArray, _hand_pose]
ArmNumber = Annotated[int, whole(0, 1)]


def r1pro(
    group: str, statuses: tuple[Status, ...], returns: str, moves: bool = False, name: str = ""
) -> Any:
    """A primitive under the R1Pro profile, on mobile cells."""
    return primitive(
        name=name,
        group=group,
        statuses=statuses,
        returns=returns,
        moves=moves,
        tiers=("S1", "S2", "S3", "S4"),
        profiles=("r1pro",),
        fits=("mobile",),
        frame=ROOM,
    )


def _xyzw_pose(T: FloatArray) -> tuple[FloatArray, FloatArray]:
    return T[:3, 3].copy(), quaternion(T[:3, :3])[XYZW]


# -- looking -------------------------------------------------------------------------------


@r1pro("perception", ("OK",), "(rgb (H,W,3) uint8, depth (H,W) metres)")
def get_env_observation(bench: Workbench) -> PrimitiveOutcome:
    """What the head camera sees now."""
    view = bench.look(fixed_camera(bench))
    frame = bench.evidence.keyframe(view)
    size = f"{view.rgb.shape[1]}x{view.rgb.shape[0]}"
    evidence = Evidence(keyframes=(frame,))
    return PrimitiveOutcome("OK", (view.rgb, view.depth_m), size, evidence=evidence)


@r1pro("perception", ("OK", "NOT_FOUND"), "number of pixels, 0 when not seen")
def get_sam3_mask(bench: Workbench, object_name: Prompt) -> PrimitiveOutcome:
    """How many pixels of the head camera's picture show a thing."""
    view = bench.look(fixed_camera(bench))
    segments, summary, evidence = search_picture(bench, view.rgb, object_name)
    count = int(np.count_nonzero(segments[0].mask)) if segments else 0
    status: Status = "OK" if segments else "NOT_FOUND"
    return PrimitiveOutcome(status, count, f"{count} pixels; {summary}", evidence=evidence)


@r1pro(
    "perception",
    ("OK", "NOT_FOUND"),
    "(position (3,), quaternion wxyz (4,), extent (3,) or None, points (N,3), obb {center, "
    "extent, R}); five None when not found",
    name="get_object_pose",
)
def get_object_pose_r1pro(
    bench: Workbench, object_name: Prompt, return_bbox_extent: Flag = False
) -> PrimitiveOutcome:
    """Centre and yaw-only orientation of a thing as the head camera sees it."""
    found, frames = find(bench, object_name, views_of(bench, None))
    if isinstance(found, NotFound):
        evidence = Evidence(keyframes=frames, notes=found.seen)
        return PrimitiveOutcome("NOT_FOUND", (None,) * 5, found.reason, evidence=evidence)
    T = bench.T_room()
    position = T[:3, :3] @ found.position + T[:3, 3]
    wxyz = quaternion(T[:3, :3] @ pose_matrix(np.zeros(3), found.wxyz)[:3, :3])
    points = found.points @ T[:3, :3].T + T[:3, 3]
    box = oriented_box(points)
    obb = {"center": box.center, "extent": box.extent, "R": box.R}
    extent = found.extent if return_bbox_extent else None
    where = "({:.3f}, {:.3f}, {:.3f}) m in the room".format(*position)
    away = float(np.hypot(*found.position[:2]))
    summary = f"{where}, {away:.2f} m away, ±{1000 * found.sigma_m:.0f} mm, score {found.score:.2f}"
    evidence = Evidence(keyframes=frames, notes=found.notes)
    return PrimitiveOutcome("OK", (position, wxyz, extent, points, obb), summary, evidence=evidence)


@r1pro("perception", ("OK",), "None")
def save_current_observation(bench: Workbench, name: Key) -> PrimitiveOutcome:
    """Keep what every camera sees now in the trace, under a name."""
    views = [bench.look(camera) for camera in bench.cameras()]
    frames = tuple(bench.evidence.keyframe(v) for v in views)
    return PrimitiveOutcome("OK", None, f"kept as {name}", evidence=Evidence(keyframes=frames))


@r1pro("perception", ("OK",), "None")
def write_video(bench: Workbench, name: Key) -> PrimitiveOutcome:
    """Nothing to be done: at the bench the session keeps the video; the name is noted."""
    return PrimitiveOutcome("OK", None, f"{name}: the session keeps the video")


@r1pro(
    "grasping",
    ("OK", "NOT_FOUND"),
    "(list of pregrasps, list of grasps), each (position (3,), quaternion xyzw (4,)); or "
    "(None, None)",
    name="sample_grasp_pose",
)
def sample_grasp_pose_r1pro(bench: Workbench, object_name: Prompt) -> PrimitiveOutcome:
    """Two grasps from above across the narrow side of a thing, half a turn apart, the nearer first.

    A pregrasp is 10 cm back along the hand's approach.
    """
    found, frames = find(bench, object_name, views_of(bench, None))
    evidence = Evidence(keyframes=frames)
    if isinstance(found, NotFound):
        return PrimitiveOutcome("NOT_FOUND", (None, None), found.reason, evidence=evidence)
    shape = gripper_shape(bench)
    position, wxyz, width = grasp_on_box(found, bench.table_z_m, shape)
    if width > shape.opening_m - OPEN_MARGIN_M:
        why = f"{1000 * width:.0f} mm wide, opens {1000 * shape.opening_m:.0f} mm"
        return PrimitiveOutcome("NOT_FOUND", (None, None), why, evidence=evidence)
    T = bench.T_room()
    grasps = []
    for turn in (0.0, math.pi):
        own = pose_matrix(position, wxyz)
        own[:3, :3] = own[:3, :3] @ np.diag((math.cos(turn), math.cos(turn), 1.0))
        grasps.append(T @ own)
    back = np.eye(4)
    back[2, 3] = -PREGRASP_M
    value = ([_xyzw_pose(g @ back) for g in grasps], [_xyzw_pose(g) for g in grasps])
    where = "({:.3f}, {:.3f}, {:.3f}) m in the room".format(*grasps[0][:3, 3])
    return PrimitiveOutcome("OK", value, f"2 grasps at {where}", evidence=evidence)


# -- the arm -------------------------------------------------------------------------------


@r1pro("motion", ("OK",), "(position (3,), quaternion xyzw (4,))")
def get_current_eef_pose(bench: Workbench, arm: ArmNumber = 0) -> PrimitiveOutcome:
    """Where the tool is in the room, from measured joints."""
    T = bench.T_room() @ bench.kinematics.tool_pose(bench.joints())
    return PrimitiveOutcome(
        "OK", _xyzw_pose(T), "({:.3f}, {:.3f}, {:.3f}) m in the room".format(*T[:3, 3])
    )


@r1pro("motion", ("OK",), "(position (3,), quaternion xyzw (4,)), in the base's own frame")
def get_robot_relative_eef_pose(bench: Workbench, arm: ArmNumber = 0) -> PrimitiveOutcome:
    """Where the tool is from the base, from measured joints."""
    T = bench.kinematics.tool_pose(bench.joints())
    return PrimitiveOutcome(
        "OK", _xyzw_pose(T), "({:.3f}, {:.3f}, {:.3f}) m from the base".format(*T[:3, 3])
    )


@r1pro("motion", ("OK",), "joints, shape (n + 4,): base x, y, yaw, arm, gripper 0 to 1")
def get_current_joint_positions(bench: Workbench) -> PrimitiveOutcome:
    """All measured joints."""
    span = bench.arm.gripper.open_width_m
    opening = float(np.clip(bench.width_m() / span, 0.0, 1.0))
    value = np.concatenate((base_pose(bench), bench.joints(), [opening]))
    return PrimitiveOutcome("OK", value, f"{len(value)} joints")


@r1pro("motion", ("OK", "IK_FAILED"), "joints, shape (n + 4,), as get_current_joint_positions")
def solve_ik(
    bench: Workbench,
    position: Position,
    quaternion_wxyz: Quaternion,
    arm: ArmNumber = 0,
    offset_translation: Vector = OFFSET_M,
) -> PrimitiveOutcome:
    """Joints that put the tool at a pose in the room with the base where it stands. Nothing moves.

    ``offset_translation`` counts from R1Pro's own, in the tool's frame: left as it is, the pose is
    that of the tool point.
    """
    T = invert(bench.T_room()) @ pose_matrix(position, quaternion_wxyz)
    T[:3, 3] += T[:3, :3] @ (np.asarray(offset_translation) - OFFSET_M)
    found = motion.solve_ik.function(bench, T[:3, 3], quaternion(T[:3, :3]))
    if found.status != "OK":
        return found
    now = get_current_joint_positions.function(bench).value
    value = np.concatenate((now[:3], found.value, now[-1:]))
    return PrimitiveOutcome("OK", value, found.summary, error_m=found.error_m)


@r1pro("motion", TO_A_POSE, "MotionResult, truthy on arrival", moves=True)
def move_hand(bench: Workbench, target_pose: HandPose, arm: ArmNumber = 0) -> PrimitiveOutcome:
    """Move the tool to (position, quaternion xyzw) in the room, round what the cameras saw."""
    T = invert(bench.T_room()) @ target_pose
    arguments = {"position": T[:3, 3], "quaternion_wxyz": quaternion(T[:3, :3])}
    return motion.goto_pose_along_tool.invoke(bench, arguments)


@r1pro("motion", MOTION, "MotionResult, truthy on arrival", moves=True)
def move_to_joint_positions(
    bench: Workbench,
    target_joint_positions: Annotated[FloatArray, as_array],
    max_steps: Count = 20,
    settle_steps: Count = 10,
) -> PrimitiveOutcome:
    """Move the arm to joints as ``solve_ik`` gives them. The base's must be those it has.

    The two counts are R1Pro's and change nothing: a move ends when it has arrived or cannot.
    """
    joints = np.asarray(target_joint_positions, np.float64)
    n = bench.kinematics.n
    if joints.shape != (n + 4,) or not np.all(np.isfinite(joints)):
        why = f"argument target_joint_positions has shape {joints.shape}, expected ({n + 4},)"
        return PrimitiveOutcome("INVALID", None, why, raises=True)
    if np.abs(joints[:3] - base_pose(bench)).max() > 0.05:
        why = "the base would have to drive: navigate_to_pose does that"
        return PrimitiveOutcome("INVALID", None, why, raises=True)
    return motion.move_to_joints.invoke(bench, {"joints": joints[3 : 3 + n]})


@r1pro("motion", TO_A_POSE, "MotionResult, truthy on arrival", moves=True)
def lift_arm(bench: Workbench, arm: ArmNumber = 0) -> PrimitiveOutcome:
    """Raise the tool straight up: 15 cm, or less where the arm does not reach so high.

    Less than 5 cm is a failure; how far it went is in the result.
    """
    start = bench.kinematics.tool_pose(bench.joints_commanded())[:3, 3]
    for rise_m in LIFTS_M:
        up = start + np.array((0.0, 0.0, rise_m))
        outcome = motion.move_linear.invoke(bench, {"position": up})
        if outcome.status not in ("IK_FAILED", "LIMIT", "PLANNING_ERROR"):
            break
    return outcome


@r1pro("gripper", gripper.open_gripper.statuses, "GripResult", moves=True)
def open_gripper(bench: Workbench, arm: ArmNumber = 0) -> PrimitiveOutcome:
    """Open the fingers fully. BLOCKED when something keeps them from opening."""
    return gripper.open_gripper.invoke(bench, {})


@r1pro("gripper", gripper.close_gripper.statuses, "GripResult", moves=True)
def close_gripper(bench: Workbench, arm: ArmNumber = 0) -> PrimitiveOutcome:
    """Close the fingers. OK when they stalled on something, EMPTY_GRASP when they met."""
    return gripper.close_gripper.invoke(bench, {})


@r1pro(
    "gripper",
    tuple(dict.fromkeys((*gripper.close_gripper.statuses, *TO_A_POSE))),
    "GripResult of the closing, or MotionResult of the move that failed; truthy when held",
    moves=True,
)
def grasp_object(
    bench: Workbench,
    pregrasp_pose: HandPose,
    grasp_pose: HandPose,
    object_name: Prompt,
    arm: ArmNumber = 0,
) -> PrimitiveOutcome:
    """Open, go to the pregrasp, straight in to the grasp, and close."""
    opened = gripper.open_gripper.invoke(bench, {})
    if opened.status != "OK":
        return opened
    T = invert(bench.T_room())
    for goal, how in (
        (pregrasp_pose, motion.goto_pose_along_tool),
        (grasp_pose, motion.move_linear),
    ):
        own = T @ goal
        arguments = {"position": own[:3, 3], "quaternion_wxyz": quaternion(own[:3, :3])}
        moved = how.invoke(bench, arguments)
        if moved.status != "OK":
            return moved
    return gripper.close_gripper.invoke(bench, {})


@r1pro("gripper", ("OK",), "True or False")
def check_object_in_hand(bench: Workbench, arm: ArmNumber = 0) -> PrimitiveOutcome:
    """Whether the fingers stand on something: by their opening and force, whatever it is."""
    sample = bench.sample()
    wide = sample.width_m > bench.arm.gripper.closed_width_m + gripper.EMPTY_M
    held = bench.holding is not None and wide and sample.grip_force_N > 0.5
    summary = f"fingers {1000 * sample.width_m:.1f} mm apart, {sample.grip_force_N:.1f} N"
    return PrimitiveOutcome("OK", bool(held), summary)


PRIMITIVES: tuple[Primitive, ...] = (
    get_env_observation,
    get_sam3_mask,
    get_object_pose_r1pro,
    save_current_observation,
    write_video,
    sample_grasp_pose_r1pro,
    get_current_eef_pose,
    get_robot_relative_eef_pose,
    get_current_joint_positions,
    solve_ik,
    move_hand,
    move_to_joint_positions,
    lift_arm,
    open_gripper,
    close_gripper,
    grasp_object,
    check_object_in_hand,
)
