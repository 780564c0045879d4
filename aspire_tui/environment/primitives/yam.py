"""The real bimanual YAM's names: one frame for both arms, display RPY in degrees, sides by name.

Unlike there, gripper calls read back, home is planned, and nothing is clamped in silence. Calls
that raised there raise PrimitiveError here.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from aspire_tui.domain import Evidence, Keyframe, Status
from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.motion.execution import execute, prepare
from aspire_tui.environment.motion.pose import FloatArray, pose_matrix, quaternion
from aspire_tui.environment.motion.survey import planner
from aspire_tui.environment.outcome import PrimitiveOutcome
from aspire_tui.environment.perception.objects import NotFound
from aspire_tui.environment.primitives import yam_hands
from aspire_tui.environment.primitives.arguments import (
    Count,
    Key,
    Seconds,
    Vector,
)
from aspire_tui.environment.primitives.display_rpy import display_quaternion, rpy_of
from aspire_tui.environment.primitives.motion import MOTION
from aspire_tui.environment.primitives.perception import NoSuchCamera, find
from aspire_tui.environment.primitives.registry import Primitive
from aspire_tui.environment.primitives.team import home_both
from aspire_tui.environment.primitives.yam_hands import to_opening
from aspire_tui.environment.primitives.yam_words import (
    Bound,
    Degrees,
    Queries,
    Share,
    Side,
    camera_named,
    no_camera,
    yam,
)

XYZW = [1, 2, 3, 0]
LEAST_SERVO_M_S = 0.005


class ArmState(msgspec.Struct, frozen=True):
    """One arm now: joints in radians, opening 0 to 1, the tool in the cell's frame."""

    joint_pos: NDArray[np.float64]
    gripper_pos: float
    ee_pos: NDArray[np.float64]
    ee_quat: NDArray[np.float64]
    """xyzw."""
    ee_rpy: NDArray[np.float64]


class Detection3D(msgspec.Struct, frozen=True):
    """One thing that fits a query, as one camera has it."""

    label: str
    score: float
    box_2d: tuple[float, float, float, float]
    position_3d: NDArray[np.float64]
    quaternion_xyzw: NDArray[np.float64]
    rpy: NDArray[np.float64]
    half_extents: NDArray[np.float64]
    position_3d_source: Literal["depth"] = "depth"


@yam(
    "motion",
    ("OK",),
    "object with arms['left'|'right'] (joint_pos, gripper_pos, ee_pos, ee_quat xyzw, ee_rpy "
    "degrees) and left_ee_pos, right_joint_pos … as attributes",
    example="get_robot_state()",
)
def get_robot_state(bench: Workbench) -> PrimitiveOutcome:
    """Both arms as they are measured now."""
    arms = {b.arm.name: arm_state(b) for b in bench.benches}
    flat = {
        f"{name}_{field}": getattr(state, field)
        for name, state in arms.items()
        for field in ArmState.__struct_fields__
    }
    words = "; ".join(
        f"{name} at ({s.ee_pos[0]:.3f}, {s.ee_pos[1]:.3f}, {s.ee_pos[2]:.3f}) m"
        for name, s in arms.items()
    )
    kind = msgspec.defstruct("YamState", ["status", "detail", "arms", *flat], frozen=True)
    return PrimitiveOutcome("OK", kind("OK", "", arms, *flat.values()), words)


def arm_state(bench: Workbench) -> ArmState:
    """One arm as it is measured now."""
    T = bench.kinematics.tool_pose(bench.joints())
    span = bench.arm.gripper.open_width_m
    return ArmState(
        joint_pos=bench.joints(),
        gripper_pos=float(np.clip(bench.width_m() / span, 0.0, 1.0)),
        ee_pos=T[:3, 3].copy(),
        ee_quat=quaternion(T[:3, :3])[XYZW],
        ee_rpy=rpy_of(T[:3, :3]),
    )


@yam("perception", ("OK",), "picture (H,W,3) uint8", example='get_camera_image("top")')
def get_camera_image(bench: Workbench, camera: Key) -> PrimitiveOutcome:
    """One picture: ``top`` is the fixed camera, ``left`` and ``right`` those on the hands."""
    try:
        view = bench.look(camera_named(bench, camera))
    except NoSuchCamera as error:
        return no_camera(error)
    evidence = Evidence(keyframes=(bench.evidence.keyframe(view),))
    size = f"{view.camera} {view.rgb.shape[1]}x{view.rgb.shape[0]}"
    return PrimitiveOutcome("OK", view.rgb, size, evidence=evidence)


@yam(
    "perception",
    ("OK", "NOT_FOUND"),
    "{query: [object with label, score, box_2d, position_3d, quaternion_xyzw, rpy, half_extents, "
    "position_3d_source]}; empty lists when not found",
    example='detect_objects_oneshot("red cube")',
)
def detect_objects_oneshot(
    bench: Workbench,
    query: Queries,
    camera: Key = "top",
    max_retries: Count = 3,
    stack: Key | None = None,
) -> PrimitiveOutcome:
    """Find things by words with one camera, looking again up to ``max_retries`` times."""
    try:
        name = camera_named(bench, camera)
    except NoSuchCamera as error:
        return no_camera(error)
    value: dict[str, list[Detection3D]] = {q: [] for q in query}
    frames: list[Keyframe] = []
    reasons: list[str] = []
    for _ in range(min(max_retries, 5)):
        view = bench.look(name)
        for q in (q for q in query if not value[q]):
            found, kept = find(bench, q, [view], stack)
            frames += kept
            if isinstance(found, NotFound):
                reasons.append(f"{q}: {found.reason}")
                continue
            x, y, z, w = found.wxyz[XYZW]
            R = _rotation(found.wxyz)
            value[q].append(
                Detection3D(
                    label=q,
                    score=found.score,
                    box_2d=_outline(view, found.points),
                    position_3d=found.position,
                    quaternion_xyzw=np.array((x, y, z, w)),
                    rpy=rpy_of(R @ np.diag((-1.0, 1.0, -1.0))),
                    half_extents=np.asarray(found.extent) / 2,
                )
            )
        if all(value.values()):
            break
    missing = [q for q in query if not value[q]]
    status: Status = "NOT_FOUND" if len(missing) == len(query) else "OK"
    words = "; ".join(
        f"{q} at ({', '.join(f'{v:.3f}' for v in d[0].position_3d)}) m"
        for q, d in value.items()
        if d
    )
    evidence = Evidence(keyframes=tuple(frames[:8]), notes=tuple(dict.fromkeys(reasons))[:8])
    return PrimitiveOutcome(status, value, words or reasons[0], evidence=evidence)


def _rotation(wxyz: FloatArray) -> FloatArray:
    return pose_matrix(np.zeros(3), wxyz)[:3, :3]


def _outline(view: Any, points: FloatArray) -> tuple[float, float, float, float]:
    """The box round points in a picture: x1, y1, x2, y2 in pixels."""
    local = (points - view.T_base_cam[:3, 3]) @ view.T_base_cam[:3, :3]
    uv = (local[:, :2] / local[:, 2:]) * np.diag(view.K)[:2] + view.K[:2, 2]
    (x1, y1), (x2, y2) = uv.min(axis=0), uv.max(axis=0)
    return float(x1), float(y1), float(x2), float(y2)


# -- moving --------------------------------------------------------------------------------


@yam(
    "motion",
    (*MOTION, "IK_FAILED"),
    "dict: status, side, delta_pos, delta_norm_m, start_/target_/actual_ee_pos, actual_delta_pos, "
    "actual_target_error_m, max_joint_delta_rad, steps, duration_s",
    moves=True,
    example='servo_ee_delta("left", [0.0, 0.0, 0.02])',
)
def servo_ee_delta(
    bench: Workbench,
    side: Side,
    delta_pos: Vector,
    duration_s: Seconds = 1.0,
    steps: Count = 30,
    gripper_pos: Share | None = None,
    max_translation_m: Bound = 0.035,
    max_component_m: Bound = 0.030,
    max_joint_delta_rad: Bound = 0.22,
    max_ik_pos_error_m: Bound = 0.018,
    command_hz: Count = 60,
) -> PrimitiveOutcome:
    """Move one tool a small straight step, within bounds; meeting what was seen may be its purpose.

    Beyond a bound, or stopped on the way, raises PrimitiveError with the reason. ``steps``,
    ``command_hz`` and ``max_ik_pos_error_m`` are the YAM's: here the driver interpolates, and a
    step is planned to half a millimetre or refused.
    """
    own = bench.of_arm(side)
    norm = float(np.linalg.norm(delta_pos))
    beyond = ""
    if norm > max_translation_m:
        beyond = f"{norm:.3f} m is more than max_translation_m {max_translation_m:.3f}"
    elif float(np.abs(delta_pos).max()) > max_component_m:
        beyond = f"a component is more than max_component_m {max_component_m:.3f} m"
    if beyond:
        return PrimitiveOutcome("LIMIT", None, f"{side}: {beyond}", raises=True)
    q = own.joints_commanded()
    start = own.kinematics.tool_pose(q)
    T = start.copy()
    T[:3, 3] += delta_pos
    plan = planner(own, T).line(q, T, touch=True)
    turn = float(np.abs(plan.q_end - q).max()) if plan.status == "OK" else 0.0
    if plan.status == "OK" and turn > max_joint_delta_rad:
        why = f"{side}: a joint would turn {turn:.2f} rad, at most {max_joint_delta_rad:.2f}"
        return PrimitiveOutcome("LIMIT", None, why, raises=True)
    speed = max(LEAST_SERVO_M_S, norm / max(duration_s, 0.1))
    outcome = execute(own, prepare(own, plan, T, tool_speed_m_s=speed))
    if outcome.status != "OK":
        return PrimitiveOutcome(
            outcome.status, None, outcome.summary, raises=True, evidence=outcome.evidence
        )
    if gripper_pos is not None:
        gripped = to_opening(own, gripper_pos, None, None)
        if gripped.status not in ("OK", "EMPTY_GRASP"):
            return PrimitiveOutcome(gripped.status, None, gripped.summary, raises=True)
    at = own.kinematics.tool_pose(own.joints())[:3, 3]
    value = {
        "status": "Success",
        "side": side,
        "delta_pos": delta_pos,
        "delta_norm_m": norm,
        "start_ee_pos": start[:3, 3].copy(),
        "target_ee_pos": T[:3, 3].copy(),
        "predicted_target_ee_pos": own.kinematics.tool_pose(plan.q_end)[:3, 3].copy(),
        "actual_ee_pos": at.copy(),
        "actual_delta_pos": at - start[:3, 3],
        "actual_target_error_m": float(np.linalg.norm(at - T[:3, 3])),
        "ik_pos_error_m": 0.0,
        "max_joint_delta_rad": turn,
        "steps": int(steps),
        "duration_s": outcome.value.duration_s,
    }
    return PrimitiveOutcome(
        "OK", value, outcome.summary, error_m=outcome.error_m, evidence=outcome.evidence
    )


@yam("motion", MOTION, "MotionResult of the arm that did worse", moves=True, example="go_home()")
def go_home(bench: Workbench) -> PrimitiveOutcome:
    """Both arms to their home joints: planned, within speed, aware of what is held."""
    return home_both.function(bench)


@yam("geometry", ("OK",), "quaternion xyzw (4,)", example="display_rpy_to_quat([0.0, 0.0, 90.0])")
def display_rpy_to_quat(bench: Workbench, rpy_deg: Degrees) -> PrimitiveOutcome:
    """Quaternion xyzw of display RPY in degrees: the xyz-euler of [-pitch, roll, -yaw - 90]."""
    q = display_quaternion(rpy_deg)
    return PrimitiveOutcome("OK", q, "xyzw ({:.4f}, {:.4f}, {:.4f}, {:.4f})".format(*q))


PRIMITIVES: tuple[Primitive, ...] = (
    get_robot_state,
    get_camera_image,
    detect_objects_oneshot,
    servo_ee_delta,
    go_home,
    *yam_hands.PRIMITIVES,
    display_rpy_to_quat,
)
