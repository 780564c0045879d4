"""Straight lines of the tool, by inverse kinematics chained from one small step to the next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aspire_tui.domain import Status
from aspire_tui.environment.motion.kinematics import Kinematics
from aspire_tui.environment.motion.path import Curve, Leg
from aspire_tui.environment.motion.pose import FloatArray, between, pose_error

STEP_M = 0.005
STEP_RAD = 0.04
POSITION_TOL_M = 5e-4
ROTATION_TOL_RAD = 0.005
JUMP_RAD = 0.25
"""A joint that turns further than this in one step of the tool has jumped to another solution."""

EASING = np.array((1.0, 2.0, 3.0, 4.0, 3.0, 2.0, 1.0)) / 16
"""Weights of neighbouring steps of a line on an arm that leans."""


@dataclass(frozen=True, eq=False)
class Line:
    """A straight tool path as joints, or where along it and why it could not go on.

    Attributes:
        status: OK, IK_FAILED or PLANNING_ERROR.
        leg: Ready to be timed; None unless OK and longer than nothing.
        q: Shape (K, n), joints at even steps; up to the point of failure.
    """

    status: Status
    detail: str
    leg: Leg | None
    q: FloatArray

    @property
    def q_end(self) -> FloatArray:
        end: FloatArray = self.q[-1]
        return end


def steps_to(T_start: FloatArray, T_target: FloatArray) -> int:
    """In how many steps a straight way is followed."""
    length_m, turn_rad = pose_error(T_start, T_target)
    return max(4, int(np.ceil(max(length_m / STEP_M, turn_rad / STEP_RAD))))


def straight_line(
    kinematics: Kinematics, q_start: FloatArray, T_base_target: FloatArray, least_steps: int = 4
) -> Line:
    """Lead the tool from where joints ``q_start`` put it straight to a pose, turning evenly."""
    T_start = kinematics.tool_pose(q_start)
    length_m, turn_rad = pose_error(T_start, T_base_target)
    if length_m < 1e-6 and turn_rad < 1e-5:
        return Line("OK", "already there", None, q_start[None, :])
    steps = max(least_steps, steps_to(T_start, T_base_target))
    own_rad = kinematics.arm.orientation_tolerance_rad
    rotation_tol_rad = own_rad if kinematics.leans else ROTATION_TOL_RAD
    rows = [q_start]
    for i in range(1, steps + 1):
        share = i / steps
        T = between(T_start, T_base_target, share)
        # Carrying the last step on is a better start than standing still.
        guess = rows[-1] if i == 1 else 2 * rows[-1] - rows[-2]
        q = kinematics.follow(T, guess)
        miss_m, miss_rad = pose_error(kinematics.tool_pose(q), T)
        x, y, z = T[:3, 3]
        where = f"{100 * share:.0f} % along the line, at ({x:.3f}, {y:.3f}, {z:.3f})"
        if miss_m > POSITION_TOL_M or miss_rad > rotation_tol_rad:
            detail = f"no joints {where}: {miss_m * 1000:.1f} mm and {miss_rad:.3f} rad off"
            return Line("IK_FAILED", detail, None, np.array(rows))
        jump = float(np.max(np.abs(q - rows[-1])))
        if jump > JUMP_RAD:
            joint = kinematics.arm.joints[int(np.argmax(np.abs(q - rows[-1])))].name
            detail = f"{joint} would have to jump {jump:.2f} rad {where}"
            return Line("PLANNING_ERROR", detail, None, np.array(rows))
        rows.append(q)
    q = _eased(kinematics, np.array(rows)) if kinematics.leans else np.array(rows)
    vmax = np.array([j.vmax_rad_s for j in kinematics.arm.joints])
    leg = Leg((Curve(q, vmax),), tool_length_m=length_m if length_m > 1e-6 else None)
    return Line("OK", "", leg, q)


def _eased(kinematics: Kinematics, q: FloatArray) -> FloatArray:
    """The same places of the tool, with joints that bend gently where an arm begins to lean.

    There a joint meets its limit and the others take over at once; a spline through that corner
    would have to be followed slowly from end to end.
    """
    reach = len(EASING) // 2
    # Turned over at both ends, so that the ends stay where they are.
    before, after = 2 * q[0] - q[reach:0:-1], 2 * q[-1] - q[-2 : -reach - 2 : -1]
    if len(before) < reach or len(after) < reach:
        return q
    padded = np.concatenate((before, q, after))
    smooth = np.array([EASING @ padded[i : i + len(EASING)] for i in range(len(q))])
    lo, hi = kinematics.lo_rad, kinematics.hi_rad
    for i in range(1, len(q) - 1):
        goal = kinematics.tool_pose(q[i])[:3, 3]
        row = np.clip(smooth[i], lo, hi)
        for _ in range(2):
            J = kinematics.jacobian(row)[:3]
            row = np.clip(
                row + np.linalg.pinv(J) @ (goal - kinematics.tool_pose(row)[:3, 3]), lo, hi
            )
        smooth[i] = row
    smooth[0], smooth[-1] = q[0], q[-1]
    return smooth
