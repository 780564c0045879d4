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


def straight_line(kinematics: Kinematics, q_start: FloatArray, T_base_target: FloatArray) -> Line:
    """Lead the tool from where joints ``q_start`` put it straight to a pose, turning evenly."""
    T_start = kinematics.tool_pose(q_start)
    length_m, turn_rad = pose_error(T_start, T_base_target)
    if length_m < 1e-6 and turn_rad < 1e-5:
        return Line("OK", "already there", None, q_start[None, :])
    steps = max(4, int(np.ceil(max(length_m / STEP_M, turn_rad / STEP_RAD))))
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
    q = np.array(rows)
    vmax = np.array([j.vmax_rad_s for j in kinematics.arm.joints])
    leg = Leg((Curve(q, vmax),), tool_length_m=length_m if length_m > 1e-6 else None)
    return Line("OK", "", leg, q)
