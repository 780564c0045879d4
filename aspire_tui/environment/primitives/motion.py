"""Primitives that move the arm, or say where it could go.

Poses are of the tool point in the base frame, metres and quaternions wxyz. A target is reached as
given or the call says why not: nothing is clipped, turned or given up in silence. Motion calls
return a :class:`MotionResult`, truthy only when the arm arrived.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
import numpy as np

from aspire_tui.domain import Status
from aspire_tui.environment.bench import Preview, Workbench
from aspire_tui.environment.motion.execution import Move, execute, prepare, refused, rest, stale
from aspire_tui.environment.motion.pose import FloatArray, pose_matrix, quaternion
from aspire_tui.environment.motion.reach import outside, reach, reach_by_line
from aspire_tui.environment.motion.survey import planner, survey
from aspire_tui.environment.outcome import PrimitiveOutcome
from aspire_tui.environment.primitives.arguments import (
    Joints,
    Key,
    Metres,
    Position,
    Quaternion,
    Seconds,
    Vector,
    number_between,
)
from aspire_tui.environment.primitives.registry import EVERY_BODY, Primitive, primitive

MOTION: tuple[Status, ...] = (
    "OK",
    "PLANNING_ERROR",
    "COLLISION",
    "NOT_CONVERGED",
    "BLOCKED",
    "SLIPPED",
    "STOPPED",
    "LIMIT",
    "TIMEOUT",
)
TO_A_POSE: tuple[Status, ...] = ("IK_FAILED", *MOTION)

ToolSpeed = Annotated[float, number_between(0.005, 0.25, "m/s")]

Share = Annotated[float, number_between(0.05, 1.0, "(share of full speed)")]

PRESSED_M = 0.004
"""A tool this far short of a guarded move's end was kept from it: servos alone do better."""

LONGEST_REACH_M = 0.5
"""How far one guarded move may go looking for contact."""


@primitive(
    group="motion",
    statuses=("OK", "IK_FAILED"),
    returns="joints, shape (n,), radians",
    tiers=("S3", "S4"),
)
def solve_ik(bench: Workbench, position: Position, quaternion_wxyz: Quaternion) -> PrimitiveOutcome:
    """Joints that put the tool at a pose, near the present ones. Nothing moves.

    A pose that cannot be reached within joint limits raises PrimitiveError with IK_FAILED; it is
    never clipped or turned.
    """
    T = pose_matrix(position, quaternion_wxyz)
    clear = bench.kinematics.self_collision
    found = bench.kinematics.solve(
        T, bench.joints_commanded(), rng=bench.rng, accept=lambda q: not clear(q)
    )
    if found.q is None:
        where = "({:.3f}, {:.3f}, {:.3f})".format(*position)
        return PrimitiveOutcome(
            "IK_FAILED",
            None,
            f"{where} m cannot be reached: {found.reason}",
            raises=True,
            error_m=found.position_error_m,
        )
    summary = f"{1000 * found.position_error_m:.2f} mm, {found.rotation_error_rad:.4f} rad off"
    return PrimitiveOutcome("OK", found.q, summary, error_m=found.position_error_m)


@primitive(group="motion", statuses=MOTION, returns="MotionResult", moves=True, tiers=("S3", "S4"))
def move_to_joints(bench: Workbench, joints: Joints) -> PrimitiveOutcome:
    """Move to joints, shape (n,), radians, round what the cameras saw."""
    n = bench.kinematics.n
    if joints.shape != (n,):
        detail = f"argument joints has shape {joints.shape}, expected ({n},)"
        return PrimitiveOutcome("INVALID", None, detail, raises=True)
    return _to_joints(bench, joints)


def _to_joints(bench: Workbench, joints: FloatArray) -> PrimitiveOutcome:
    lo, hi = bench.kinematics.lo_rad, bench.kinematics.hi_rad
    beyond = np.maximum(lo - joints, joints - hi)
    worst = int(np.argmax(beyond))
    if beyond[worst] > 1e-9:
        detail = (
            f"{bench.arm.joints[worst].name} = {joints[worst]:.3f} rad is outside "
            f"{lo[worst]:.3f} to {hi[worst]:.3f}"
        )
        return refused(bench, "LIMIT", detail)
    T = bench.kinematics.tool_pose(joints)
    why = outside(bench, T[:3, 3])
    if why:
        return refused(bench, "LIMIT", why, T)
    plan = planner(bench, T).plan(bench.joints_commanded(), joints)
    return execute(bench, prepare(bench, plan, T))


def _goto(bench: Workbench, T: FloatArray, back_m: FloatArray) -> PrimitiveOutcome:
    if not np.any(back_m):
        return execute(bench, prepare(bench, reach(bench, T), T))
    T_approach = T.copy()
    T_approach[:3, 3] += back_m
    return execute(bench, prepare(bench, reach_by_line(bench, T_approach, T), T))


@primitive(
    name="goto_pose",
    group="motion",
    statuses=TO_A_POSE,
    returns="MotionResult",
    moves=True,
    tiers=("S1", "S2"),
    profiles=("capx",),
)
def goto_pose_along_tool(
    bench: Workbench, position: Position, quaternion_wxyz: Quaternion, z_approach: Metres = 0.0
) -> PrimitiveOutcome:
    """Move the tool to a pose, round what the cameras saw.

    With z_approach, first to the point that far back along the tool's own z, then straight in.
    Within 6 cm of the target the hand may touch what was seen: it is taken as meant.
    """
    T = pose_matrix(position, quaternion_wxyz)
    return _goto(bench, T, -z_approach * T[:3, 2])


@primitive(
    name="goto_pose",
    group="motion",
    statuses=TO_A_POSE,
    returns="MotionResult",
    moves=True,
    profiles=("libero",),
)
def goto_pose_from_above(
    bench: Workbench, position: Position, quaternion_wxyz: Quaternion, z_approach: Metres = 0.0
) -> PrimitiveOutcome:
    """Move the tool to a pose, round what the cameras saw.

    With z_approach, first to the point that far above the target (base frame +z), then straight
    down. Within 6 cm of the target the hand may touch what was seen: it is taken as meant.
    """
    return _goto(bench, pose_matrix(position, quaternion_wxyz), np.array((0.0, 0.0, z_approach)))


@primitive(group="motion", statuses=TO_A_POSE, returns="MotionResult", moves=True, tiers=())
def move_linear(
    bench: Workbench, position: Position, quaternion_wxyz: Quaternion | None = None
) -> PrimitiveOutcome:
    """Move the tool in a straight line, turning evenly; without a quaternion it keeps its own."""
    T_start = bench.kinematics.tool_pose(bench.joints_commanded())
    wxyz = quaternion(T_start[:3, :3]) if quaternion_wxyz is None else quaternion_wxyz
    T = pose_matrix(position, wxyz)
    why = outside(bench, position)
    if why:
        return refused(bench, "LIMIT", why, T)
    plan = planner(bench, T).line(bench.joints_commanded(), T)
    return execute(bench, prepare(bench, plan, T))


@primitive(
    group="motion",
    statuses=("OK", "NOT_FOUND", *TO_A_POSE[:1], *MOTION[1:]),
    returns="MotionResult; contact_direction says what was met",
    moves=True,
    tiers=(),
)
def move_until_contact(
    bench: Workbench, direction: Vector, distance_m: Metres, speed: ToolSpeed = 0.03
) -> PrimitiveOutcome:
    """Move the tool slowly along a direction (base frame) until something stops it.

    OK means contact: the arm holds where it was stopped, and ``contact_direction`` is the way it
    was pushed back. NOT_FOUND means the whole distance was travelled freely. What was seen does
    not hinder: meeting it is the purpose.
    """
    size = float(np.linalg.norm(direction))
    if size < 1e-6 or not 0 < distance_m <= LONGEST_REACH_M:
        detail = f"needs a direction and a distance of 0 to {LONGEST_REACH_M} m"
        return PrimitiveOutcome("INVALID", None, detail, raises=True)
    T = bench.kinematics.tool_pose(bench.joints_commanded())
    T[:3, 3] += direction / size * distance_m
    why = outside(bench, T[:3, 3])
    if why:
        return refused(bench, "LIMIT", why, T)
    plan = planner(bench, T).line(bench.joints_commanded(), T, touch=True)
    outcome = execute(bench, prepare(bench, plan, T, tool_speed_m_s=speed))
    if outcome.status == "NOT_CONVERGED" and outcome.value.error_m > PRESSED_M:
        # Met so near the end that the arm presses too lightly to count as blocked.
        rest(bench)
        return _restated(outcome, "OK", f"contact: {outcome.value.detail}")
    if outcome.status == "BLOCKED":
        return _restated(outcome, "OK", f"contact: {outcome.value.detail}")
    if outcome.status == "OK":
        return _restated(outcome, "NOT_FOUND", f"no contact within {distance_m:.3f} m")
    return outcome


@primitive(
    group="motion",
    statuses=("OK", "IK_FAILED", "PLANNING_ERROR", "COLLISION", "LIMIT"),
    returns="key for execute_preview",
    tiers=(),
)
def preview_move(
    bench: Workbench, position: Position, quaternion_wxyz: Quaternion
) -> PrimitiveOutcome:
    """Plan a move of the tool without making it. Raises PrimitiveError when there is no way."""
    T = pose_matrix(position, quaternion_wxyz)
    q_start = bench.joints()
    move = prepare(bench, reach(bench, T), T)
    outcome = refused(bench, move.status, move.detail, T, move.plan)
    if move.trajectory is None:
        return PrimitiveOutcome(
            move.status, None, move.detail, raises=True, evidence=outcome.evidence
        )
    key = f"move-{survey(bench).version}-{bench.rng.integers(16**8):08x}"
    bench.previews[key] = Preview(key, q_start, move, T)
    summary = f"{key}: {move.plan.planner}, {move.trajectory.duration_s:.2f} s"
    return PrimitiveOutcome("OK", key, summary, evidence=outcome.evidence)


@primitive(
    group="motion", statuses=("STALE", *MOTION), returns="MotionResult", moves=True, tiers=()
)
def execute_preview(bench: Workbench, key: Key) -> PrimitiveOutcome:
    """Make a previewed move. STALE when the arm has moved, or something else was seen, since."""
    preview = bench.previews.get(key)
    if preview is None:
        return refused(bench, "STALE", f"no preview {key!r}: any motion ends all previews")
    assert isinstance(preview.trajectory, Move)
    why = stale(bench, preview.q_start)
    version = survey(bench).version
    if not why and not key.startswith(f"move-{version}-"):
        why = "what the cameras see has changed since the preview"
    if why:
        del bench.previews[key]
        return refused(bench, "STALE", why, preview.target, preview.trajectory.plan)
    return execute(bench, preview.trajectory)


@primitive(
    group="motion",
    statuses=MOTION,
    returns="MotionResult",
    moves=True,
    aliases=("goto_home_joint_position",),
    profiles=("capx", "libero"),
)
def home_pose(bench: Workbench) -> PrimitiveOutcome:
    """Move to the arm's home joints, planned and at limited speed like any move."""
    return _to_joints(bench, np.array(bench.arm.home_rad))


@primitive(group="motion", statuses=("OK",), returns="None", moves=True, fits=EVERY_BODY)
def wait(bench: Workbench, s: Seconds) -> PrimitiveOutcome:
    """Let that many seconds of the cell's time pass with the arm holding still."""
    bench.cell.wait(s)
    return PrimitiveOutcome("OK", None, f"waited {s:g} s")


@primitive(
    group="motion",
    statuses=("OK",),
    returns="None",
    tiers=(),
    fits=EVERY_BODY,
    example="set_speed(0.5)",
)
def set_speed(bench: Workbench, share: Share) -> PrimitiveOutcome:
    """Make every later move of this program at a share of the arms' speeds and accelerations."""
    for each in bench.benches:
        each.speed = share
    return PrimitiveOutcome("OK", None, f"moves at {100 * share:.0f} % from now on")


@primitive(group="motion", statuses=("OK",), returns="distance in metres", tiers=(), fits=("arm",))
def dist_to(bench: Workbench, xyz: Position) -> PrimitiveOutcome:
    """Distance from the tool, at the measured joints, to a point."""
    T = bench.kinematics.tool_pose(bench.joints())
    away = float(np.linalg.norm(T[:3, 3] - xyz))
    return PrimitiveOutcome("OK", away, f"{away:.3f} m")


def tool_pose(bench: Workbench) -> PrimitiveOutcome:
    """Position and quaternion wxyz of an arm's tool at its measured joints."""
    T = bench.kinematics.tool_pose(bench.joints())
    where = "({:.3f}, {:.3f}, {:.3f}) m".format(*T[:3, 3])
    return PrimitiveOutcome("OK", (T[:3, 3].copy(), quaternion(T[:3, :3])), f"tool at {where}")


def _restated(outcome: PrimitiveOutcome, status: Status, detail: str) -> PrimitiveOutcome:
    """The same motion under another status, because it was asked another question."""
    value = msgspec.structs.replace(outcome.value, status=status, detail=detail)
    return PrimitiveOutcome(
        status, value, detail, error_m=outcome.error_m, evidence=outcome.evidence
    )


PRIMITIVES: tuple[Primitive, ...] = (
    solve_ik,
    move_to_joints,
    goto_pose_along_tool,
    goto_pose_from_above,
    move_linear,
    move_until_contact,
    preview_move,
    execute_preview,
    home_pose,
    wait,
    set_speed,
    dist_to,
)
