"""Set-points for servos that stay behind them by what they carry, as small servo arms do.

A plan says where the joints are to be. What such servos are told leads it by the arm's own weight
over their stiffness, known from the arm's model and the cell file; what is left on arrival is taken
away by looking at the encoders and leading a little more. Arms without ``sag_rad_per_Nm`` are told
the plan itself.
"""

from __future__ import annotations

import msgspec
import numpy as np

from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.motion.path import polyline
from aspire_tui.environment.motion.pose import FloatArray
from aspire_tui.environment.motion.timing import time_path, within_limits
from drivers.types import MotionReport, Trajectory

TRIMS = 2
LEAD_EVERY_S = 0.08

QUIET_S = 0.15
"""Servos come to rest this long after a driver calls a move arrived."""

CLOSE_RAD = 0.003
"""Nearer than this no trim brings a joint: stiction and the encoder's steps are as large."""

LEFT_RAD = 0.015
"""A joint further off than this after trimming has not arrived."""


def expected_lead(bench: Workbench, q: FloatArray) -> FloatArray:
    """How far set-points must lead joints ``q`` at rest, shape (n,); zeros for stiff servos."""
    if not bench.arm.sag_rad_per_Nm:
        return np.zeros(bench.kinematics.n)
    return np.array(bench.arm.sag_rad_per_Nm) * bench.kinematics.gravity_Nm(q)


def led(bench: Workbench, trajectory: Trajectory) -> Trajectory:
    """The set-points that bring the joints along a trajectory, starting at the present ones."""
    if not bench.arm.sag_rad_per_Nm:
        return trajectory
    q, t = trajectory.q_rad, trajectory.t_s
    lead, slope = _lead_along(bench, trajectory)
    lo, hi = bench.kinematics.lo_rad, bench.kinematics.hi_rad
    wanted = q + lead
    told = np.clip(wanted, lo, hi)
    dq = np.where(told == wanted, trajectory.dq_rad_s + slope, 0.0)
    dq[[0, -1]] = 0.0
    return within_limits(Trajectory(t, told, dq), bench.arm.joints, bench.speed)


def _lead_along(bench: Workbench, trajectory: Trajectory) -> tuple[FloatArray, FloatArray]:
    """The lead at each knot and how fast it changes, both of shape (K, n)."""
    from scipy.interpolate import CubicSpline

    q, t = trajectory.q_rad, trajectory.t_s
    # Weight changes slowly along a path: a spline through a few moments is smoother than the knots.
    at = np.linspace(0.0, t[-1], max(4, int(np.ceil(t[-1] / LEAD_EVERY_S)) + 1))
    at = t[np.unique(np.searchsorted(t, at).clip(0, len(t) - 1))]
    lead = np.array([expected_lead(bench, row) for row in q[np.searchsorted(t, at)]])
    # What is not explained by weight at the start (a touch, stiction) is given up on the way.
    share = at / t[-1]
    fading = 1.0 - share * share * (3.0 - 2.0 * share)
    lead += np.outer(fading, bench.setpoint() - q[0] - lead[0])
    spline = CubicSpline(at, lead, bc_type="clamped")
    return spline(t), spline(t, 1)


def trim(bench: Workbench, q_goal: FloatArray, report: MotionReport) -> MotionReport:
    """Bring the measured joints onto the goal after a move ended near it.

    Returns:
        The report of the whole move, judged by the measured joints.
    """
    if not bench.arm.trim_rad or report.status not in ("OK", "NOT_CONVERGED"):
        return report
    expected = q_goal + expected_lead(bench, q_goal)
    most = bench.arm.trim_rad
    lo = np.maximum(bench.kinematics.lo_rad, expected - most)
    hi = np.minimum(bench.kinematics.hi_rad, expected + most)
    for _ in range(TRIMS):
        bench.cell.wait(QUIET_S)
        off = q_goal - bench.joints()
        if np.abs(off).max() <= CLOSE_RAD:
            break
        told = bench.setpoint()
        after = np.where(np.abs(off) > CLOSE_RAD, np.clip(told + off, lo, hi), told)
        if np.abs(after - told).max() < 1e-4:
            break
        step = bench.cell.execute(bench.arm.name, _short(bench, told, after))
        report = msgspec.structs.replace(
            report, ended_s=step.ended_s, held_s=report.held_s + step.held_s
        )
        if step.status not in ("OK", "NOT_CONVERGED"):
            return msgspec.structs.replace(
                report, status=step.status, detail=step.detail, blocked_joint=step.blocked_joint
            )
    bench.cell.wait(QUIET_S)
    return _judged(bench, q_goal, report)


def _judged(bench: Workbench, q_goal: FloatArray, report: MotionReport) -> MotionReport:
    q = bench.joints()
    off = np.abs(q - q_goal)
    worst = int(np.argmax(off))
    near = off[worst] <= LEFT_RAD
    detail = (
        ""
        if near
        else (
            f"{bench.arm.joints[worst].name} stayed {off[worst]:.3f} rad from its target after "
            f"{TRIMS} trims (at most {LEFT_RAD})"
        )
    )
    return msgspec.structs.replace(
        report,
        status="OK" if near else "NOT_CONVERGED",
        detail=detail,
        q_target_rad=tuple(q_goal.tolist()),
        q_reached_rad=tuple(q.tolist()),
        error_rad=float(off[worst]),
        ended_s=bench.cell.now_s(),
    )


def _short(bench: Workbench, told: FloatArray, after: FloatArray) -> Trajectory:
    vmax = np.array([j.vmax_rad_s for j in bench.arm.joints])
    legs = polyline(np.array((told, after)), vmax, rounded=False)
    return time_path(legs, told, bench.arm.joints, speed=bench.speed)
