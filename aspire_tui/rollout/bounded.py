"""A cell within an unattended grant: every trajectory stays inside the granted box, or none of it
moves. The cell's own limits stand behind it in any case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from aspire_tui.environment.motion.kinematics import Kinematics
from aspire_tui.rollout.wrapped import WrappedCell
from drivers.cell import Cell
from drivers.types import FloatArray, GripReport, MotionReport, Trajectory

STEP_S = 0.02
EDGE_M = 1e-3
"""How far beyond the box the rounding of a plan may lie."""


@dataclass(frozen=True)
class Box:
    """Where the tool point may be, in the base frame."""

    lo_m: tuple[float, float, float]
    hi_m: tuple[float, float, float]


class BoundedCell(WrappedCell):
    """Without a box it only hands on."""

    def __init__(self, cell: Cell, *kinematics: Kinematics) -> None:
        """``kinematics``: of every arm of the cell."""
        super().__init__(cell)
        self._kinematics = {each.arm.name: each for each in kinematics}
        self.box: Box | None = None
        self.hold_next = ""
        """Who holds the cell before it is told to move again; empty for nobody."""

    def _before_moving(self) -> None:
        """The gap between two motions is where a cell holds that lost its people."""
        who, self.hold_next = self.hold_next, ""
        if who:
            self._cell.hold("nobody is present", who)

    def execute(self, arm: str, trajectory: Trajectory) -> MotionReport:
        outside = self._outside(arm, trajectory)
        if not outside:
            self._before_moving()
            return super().execute(arm, trajectory)
        return self._refused(arm, trajectory, outside)

    def execute_together(self, trajectories: Mapping[str, Trajectory]) -> dict[str, MotionReport]:
        outside = next((w for arm, t in trajectories.items() if (w := self._outside(arm, t))), "")
        if not outside:
            self._before_moving()
            return super().execute_together(trajectories)
        return {arm: self._refused(arm, t, outside) for arm, t in trajectories.items()}

    def _refused(self, arm: str, trajectory: Trajectory, why: str) -> MotionReport:
        names = [spec.name for spec in self._cell.info.arms]
        status = self._cell.status()
        q = status.arms[names.index(arm)].q_rad
        return MotionReport(
            "LIMIT",
            why,
            tuple(float(v) for v in trajectory.q_rad[-1]),
            q,
            float(np.abs(np.asarray(trajectory.q_rad[-1]) - np.asarray(q)).max()),
            status.t_s,
            status.t_s,
        )

    def _outside(self, arm: str, trajectory: Trajectory) -> str:
        """Where the tool would first leave the box; empty when it never does.

        A tool that is outside already (the box was granted around it) may only come in.
        """
        box = self.box
        if box is None:
            return ""
        points = np.array([self._kinematics[arm].tool_pose(q)[:3, 3] for q in _sampled(trajectory)])
        lo, hi = np.asarray(box.lo_m) - EDGE_M, np.asarray(box.hi_m) + EDGE_M
        beyond = np.maximum(np.maximum(lo - points, points - hi), 0.0).max(axis=1)
        allowed = np.minimum.accumulate(np.concatenate([beyond[:1], beyond[:-1]])) + 1e-6
        wrong = np.flatnonzero(beyond > allowed)
        if not len(wrong):
            return ""
        x, y, z = points[wrong[0]]
        return (
            f"the tool of {arm} would be at ({x:.3f}, {y:.3f}, {z:.3f}) m, outside the box granted "
            "for unattended work; nothing moved"
        )

    def grip(
        self, arm: str, width_m: float, force_N: float, speed_m_s: float | None = None
    ) -> GripReport:
        self._before_moving()
        return super().grip(arm, width_m, force_N, speed_m_s)


def _sampled(trajectory: Trajectory) -> FloatArray:
    """Joints along the path as the driver will interpolate it, shape (N, n)."""
    t, q, dq = (
        np.asarray(a, float) for a in (trajectory.t_s, trajectory.q_rad, trajectory.dq_rad_s)
    )
    times = np.append(np.arange(0.0, t[-1], STEP_S), t[-1])
    i = np.clip(np.searchsorted(t, times, side="right") - 1, 0, len(t) - 2)
    h = (t[i + 1] - t[i])[:, None]
    u = (times - t[i])[:, None] / h
    return np.asarray(
        q[i] * (2 * u**3 - 3 * u**2 + 1)
        + dq[i] * h * (u**3 - 2 * u**2 + u)
        + q[i + 1] * (3 * u**2 - 2 * u**3)
        + dq[i + 1] * h * (u**3 - u**2)
    )
