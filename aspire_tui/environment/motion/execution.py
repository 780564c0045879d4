"""Carries out a planned move and tells how it really ended, from measured joints and fingers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from aspire_tui.domain import Evidence, PlannedPath, Status
from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.motion.path import polyline
from aspire_tui.environment.motion.planner import Plan
from aspire_tui.environment.motion.pose import FloatArray, lean, pose_error, quaternion
from aspire_tui.environment.motion.servo_lead import expected_lead, led, trim
from aspire_tui.environment.motion.timing import TimingFailed, time_path
from aspire_tui.environment.outcome import MotionResult, PrimitiveOutcome
from drivers.types import MotionReport, Trajectory

RECORDED_KNOTS = 40
SLIP_M = 0.002
"""Fingers this much closer together than before the move have lost what they held."""

GONE_N = 0.5
"""Below this force nothing is between the fingers any more."""

SHOWN_LEAN_RAD = 0.01

NO_DEPTH = "planned round the table, the arm and what was located: no camera here measures depth"

STALE_RAD = 0.05
"""A planned move is stale once any measured joint is this far from where it was planned."""


@dataclass(frozen=True, eq=False)
class Move:
    """A timed plan towards a tool pose, ready to be executed.

    Attributes:
        T_target: Shape (4, 4).
        trajectory: None when the plan failed; then ``status`` and ``detail`` say why.
    """

    T_target: FloatArray
    plan: Plan
    trajectory: Trajectory | None
    status: Status = "OK"
    detail: str = ""


def prepare(
    bench: Workbench, plan: Plan, T_target: FloatArray, tool_speed_m_s: float | None = None
) -> Move:
    """Give a plan its time, from where the arm is being held."""
    if plan.status != "OK":
        return Move(T_target, plan, None, plan.status, plan.detail)
    try:
        trajectory = time_path(
            plan.legs,
            bench.joints_commanded(),
            bench.arm.joints,
            speed=bench.speed,
            tool_speed_m_s=tool_speed_m_s,
        )
    except TimingFailed as error:
        return Move(T_target, plan, None, "PLANNING_ERROR", str(error))
    return Move(T_target, plan, led(bench, trajectory))


def execute(bench: Workbench, move: Move, notes: Sequence[str] = ()) -> PrimitiveOutcome:
    """Execute a prepared move, or report why there is none to execute."""
    if move.trajectory is None:
        return refused(bench, move.status, move.detail, move.T_target, move.plan, notes)
    bench.drop_previews()
    report = bench.cell.execute(bench.arm.name, move.trajectory)
    report = trim(bench, move.plan.q_end, report)
    return arrived(
        bench, report, move.T_target, _evidence(bench, move.plan, move.trajectory, notes)
    )


def arrived(
    bench: Workbench, report: MotionReport, T_target: FloatArray, evidence: Evidence
) -> PrimitiveOutcome:
    """What a driver's report means: was something hit, and is what was held still there?"""
    status: Status = report.status
    detail = report.detail
    contact = _contact(bench, report) if status in ("BLOCKED", "NOT_CONVERGED") else None
    if status == "BLOCKED":
        bench.mark_changed()
        where = (
            ""
            if contact is None
            else " pushed back along ({:.2f}, {:.2f}, {:.2f})".format(*contact)
        )
        detail = f"{report.blocked_joint or 'the arm'} was stopped{where}; {detail}"
    slipped = _check_hold(bench)
    if slipped:
        detail = f"{slipped}; the motion itself ended {report.status}"
        status = "SLIPPED" if status in ("OK", "NOT_CONVERGED", "BLOCKED") else status
    result = _result(
        bench,
        status,
        detail,
        T_target,
        max(0.0, report.ended_s - report.started_s - report.held_s),
        contact,
    )
    return _outcome(result, evidence)


def refused(
    bench: Workbench,
    status: Status,
    detail: str,
    T_target: FloatArray | None = None,
    plan: Plan | None = None,
    notes: Sequence[str] = (),
) -> PrimitiveOutcome:
    """The end of a motion call that moved nothing."""
    result = _result(bench, status, detail, T_target, 0.0, None)
    return _outcome(result, _evidence(bench, plan, None, notes), moved=False)


def rest(bench: Workbench) -> None:
    """Take the set-point back to where the arm is, so that it no longer presses on anything."""
    q_start, q_goal = bench.setpoint(), bench.joints()
    q_goal = q_goal + expected_lead(bench, q_goal)
    lo, hi = bench.kinematics.lo_rad, bench.kinematics.hi_rad
    vmax = np.array([j.vmax_rad_s for j in bench.arm.joints])
    legs = polyline(np.array((q_start, np.clip(q_goal, lo, hi))), vmax, rounded=False)
    trajectory = time_path(legs, q_start, bench.arm.joints, speed=bench.speed)
    bench.cell.execute(bench.arm.name, trajectory)


def stale(bench: Workbench, q_planned: FloatArray) -> str:
    """Why a move planned at some joints must not be executed now; empty when it may."""
    drift = np.abs(bench.joints() - q_planned)
    worst = int(np.argmax(drift))
    if drift[worst] <= STALE_RAD:
        return ""
    name = bench.arm.joints[worst].name
    return f"{name} moved {drift[worst]:.3f} rad since the preview, at most {STALE_RAD} rad"


def _result(
    bench: Workbench,
    status: Status,
    detail: str,
    T_target: FloatArray | None,
    duration_s: float,
    contact: tuple[float, float, float] | None,
) -> MotionResult:
    q = bench.joints()
    T = bench.kinematics.tool_pose(q)
    result = MotionResult(
        status=status,
        detail=detail,
        reached_xyz_m=_three(T[:3, 3]),
        reached_wxyz=_four(quaternion(T[:3, :3])),
        duration_s=duration_s,
        contact_direction=contact,
        joints_rad=tuple(float(x) for x in q),
    )
    if T_target is None:
        return result
    error_m, error_rad = pose_error(T, T_target)
    return msgspec.structs.replace(
        result,
        target_xyz_m=_three(T_target[:3, 3]),
        target_wxyz=_four(quaternion(T_target[:3, :3])),
        error_m=error_m,
        error_rad=error_rad,
        lean_rad=lean(T, T_target) if bench.kinematics.leans else None,
    )


def _outcome(result: MotionResult, evidence: Evidence, moved: bool = True) -> PrimitiveOutcome:
    reached = result.reached_xyz_m or (0.0, 0.0, 0.0)
    summary = result.detail or "arrived"
    if moved:
        summary += " at ({:.3f}, {:.3f}, {:.3f}) m".format(*reached)
        if result.error_m is not None:
            summary += f", {1000 * result.error_m:.1f} mm off, {result.duration_s:.2f} s"
        if result.lean_rad is not None and result.lean_rad > SHOWN_LEAN_RAD:
            summary += f", leaning {np.degrees(result.lean_rad):.1f}°"
    return PrimitiveOutcome(
        result.status, result, summary, error_m=result.error_m, evidence=evidence
    )


def _evidence(
    bench: Workbench, plan: Plan | None, trajectory: Trajectory | None, notes: Sequence[str]
) -> Evidence:
    if not any(camera.depth for camera in bench.cell.info.cameras):
        notes = (*notes, NO_DEPTH)
    if plan is None:
        return Evidence(notes=tuple(notes))
    rows = plan.path if trajectory is None else trajectory.q_rad
    keep = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), RECORDED_KNOTS)).astype(int))
    path = PlannedPath(
        planner=plan.planner,
        planner_status=plan.planner_status,
        duration_s=0.0 if trajectory is None else trajectory.duration_s,
        q_rad=tuple(tuple(round(float(x), 5) for x in rows[i]) for i in keep),
        tool_xyz_m=tuple(_three(bench.kinematics.tool_pose(rows[i])[:3, 3].round(5)) for i in keep),
    )
    return Evidence(path=path, notes=tuple(notes))


def _check_hold(bench: Workbench) -> str:
    """Whether what was held before the move still is; when not, the belief is dropped."""
    holding = bench.holding
    if holding is None:
        return ""
    sample = bench.sample()
    closer_m = holding.width_m - sample.width_m
    gone = sample.grip_force_N < GONE_N <= holding.force_N
    if closer_m <= SLIP_M and not gone:
        return ""
    bench.holds(None)
    bench.mark_changed()
    return (
        f"lost what was held: fingers {1000 * sample.width_m:.1f} mm apart, were "
        f"{1000 * holding.width_m:.1f} mm, force {sample.grip_force_N:.1f} N"
    )


def _contact(bench: Workbench, report: MotionReport) -> tuple[float, float, float] | None:
    """Which way the tool was pushed back, from where joints fell behind their set-points."""
    log = bench.cell.samples(bench.arm.name, report.started_s)
    if not len(log.t_s):
        return None
    behind = log.q_rad - log.q_cmd_rad
    if bench.arm.sag_rad_per_Nm:
        # What the arm's weight takes was there before anything was touched.
        behind = behind - behind[0]
    # Once blocked, the set-point is taken back to where the arm is; before that is the moment.
    blocked = report.status == "BLOCKED"
    worst = int(np.argmax(np.abs(behind).max(axis=1))) if blocked else len(behind) - 1
    linear = bench.kinematics.jacobian(log.q_rad[worst])[:3] @ behind[worst]
    size = float(np.linalg.norm(linear))
    return _three(linear / size) if size > 1e-6 else None


def _three(v: FloatArray) -> tuple[float, float, float]:
    return float(v[0]), float(v[1]), float(v[2])


def _four(v: FloatArray) -> tuple[float, float, float, float]:
    return float(v[0]), float(v[1]), float(v[2]), float(v[3])
