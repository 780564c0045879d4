"""What a call would do: the primitive itself, run on a copy of the bench whose cell cannot move."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import msgspec
import numpy as np

from aspire_tui.domain import CallPreview, PlannedPath
from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.motion.pose import quaternion
from aspire_tui.environment.primitives.arguments import InvalidArgument
from aspire_tui.environment.primitives.registry import Primitive
from aspire_tui.rollout.wrapped import WrappedCell
from drivers.types import Trajectory

KNOTS_KEPT = 40
TURNED_RAD = 1e-3
"""A joint that turns less than this is not named."""


class _WouldMove(Exception):
    """The first thing the call asked the cell to do."""

    def __init__(
        self,
        trajectory: Trajectory | None = None,
        grip: tuple[float, float] | None = None,
        wait_s: float = 0.0,
        arm: str = "",
        together: Mapping[str, Trajectory] | None = None,
    ) -> None:
        super().__init__()
        self.trajectory, self.grip, self.wait_s = trajectory, grip, wait_s
        self.arm, self.together = arm, together or {}


class LookingCell(WrappedCell):
    """A cell that can be looked at and read; whatever would move it is caught instead."""

    def execute(self, arm: str, trajectory: Trajectory) -> NoReturn:
        raise _WouldMove(trajectory, arm=arm)

    def execute_together(self, trajectories: Mapping[str, Trajectory]) -> NoReturn:
        raise _WouldMove(together=trajectories)

    def grip(
        self, arm: str, width_m: float, force_N: float, speed_m_s: float | None = None
    ) -> NoReturn:
        raise _WouldMove(grip=(width_m, force_N))

    def wait(self, duration_s: float) -> NoReturn:
        raise _WouldMove(wait_s=duration_s)

    def resume(self, who: str) -> NoReturn:
        raise _WouldMove()

    def abort(self, who: str) -> None:
        """Nothing of a preview can be in flight."""

    def close(self) -> None:
        """The cell is somebody else's."""


def preview(bench: Workbench, primitive: Primitive, args: Mapping[str, Any]) -> CallPreview:
    """Plan a call without moving; the bench and its random numbers stay as they are."""
    try:
        checked = primitive.check(args)
    except InvalidArgument as error:
        return CallPreview(primitive.moves, "INVALID", str(error))
    if not primitive.moves:
        return CallPreview(False, detail="looks or computes; moves nothing")
    aside = bench.aside(LookingCell(bench.cell))
    try:
        outcome = primitive.function(aside, **checked)
    except _WouldMove as would:
        return _told(bench, would)
    return CallPreview(True, outcome.status, outcome.summary, path=outcome.evidence.path)


def _told(bench: Workbench, would: _WouldMove) -> CallPreview:
    if would.grip is not None:
        width_m, force_N = would.grip
        now_m = bench.width_m()
        detail = f"fingers {1000 * now_m:.0f} to {1000 * width_m:.0f} mm, at most {force_N:.0f} N"
        return CallPreview(True, detail=detail, width_m=width_m, force_N=force_N)
    if would.together:
        return _together(bench, would.together)
    if would.trajectory is None:
        return CallPreview(
            True, detail=f"stands still for {would.wait_s:g} s", duration_s=would.wait_s
        )
    return _move(bench.of_arm(would.arm), would.trajectory)


def _together(bench: Workbench, trajectories: Mapping[str, Trajectory]) -> CallPreview:
    """Several arms at once: the one that travels furthest is drawn, all are told."""
    told = {arm: _move(bench.of_arm(arm), each) for arm, each in trajectories.items()}
    first = max(told.values(), key=lambda t: t.travel_m)
    words = "; ".join(f"{arm} {t.detail}" for arm, t in told.items())
    return msgspec.structs.replace(first, detail=f"together: {words}")


def _move(bench: Workbench, trajectory: Trajectory) -> CallPreview:
    rows = trajectory.q_rad
    poses = [bench.kinematics.tool_pose(q) for q in rows]
    points = np.array([T[:3, 3] for T in poses])
    target = poses[-1]
    turns = np.abs(rows - rows[0]).max(axis=0)
    most = int(np.argmax(turns))
    joint = bench.arm.joints[most].name if turns[most] > TURNED_RAD else ""
    travel = float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())
    reach = float(np.linalg.norm(points[-1] - np.array(bench.arm.base_xyz_m)))
    w, x, y, z = (float(v) for v in quaternion(target[:3, :3]))
    keep = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), KNOTS_KEPT)).astype(int))
    return CallPreview(
        moves=True,
        detail=_way(travel, trajectory.duration_s, float(points[:, 2].min())),
        target_xyz_m=_three(points[-1]),
        target_wxyz=(w, x, y, z),
        reach_m=round(reach, 4),
        travel_m=round(travel, 4),
        duration_s=round(trajectory.duration_s, 3),
        joint=joint,
        turn_rad=round(float(turns[most]), 4),
        path=PlannedPath(
            planner="preview",
            planner_status="OK",
            duration_s=trajectory.duration_s,
            q_rad=tuple(tuple(round(float(v), 5) for v in rows[i]) for i in keep),
            tool_xyz_m=tuple(_three(points[i]) for i in keep),
        ),
    )


def _three(p: np.ndarray[Any, Any]) -> tuple[float, float, float]:
    return round(float(p[0]), 5), round(float(p[1]), 5), round(float(p[2]), 5)


def _way(travel_m: float, duration_s: float, lowest_m: float) -> str:
    return f"{travel_m:.3f} m in {duration_s:.1f} s, lowest z {lowest_m:.3f} m"
