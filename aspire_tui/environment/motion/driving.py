"""Ways of a driving base over the floor, by the map in the cell file; and how a drive really ended.

The outline is a circle; it keeps the room's buffer from walls and furniture. What stands on the
floor and is not in the map is not known here. Poses are x, y (metres), yaw (radians), room frame.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np

from aspire_tui.domain import Status
from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.motion.path import polyline
from aspire_tui.environment.motion.pose import FloatArray
from aspire_tui.environment.motion.timing import TimingFailed, time_path
from aspire_tui.environment.outcome import NavigationResult, PrimitiveOutcome
from drivers.room import BASE, nearest
from drivers.types import BaseSpec, MotionReport, Room

GRID_M: Final = 0.05
LOOK_M: Final = 0.02
"""A straight stretch is looked at this densely."""

EPS_M: Final = 1e-6
Pose2d = tuple[float, float, float]


@dataclass(frozen=True)
class DrivePlan:
    """Poses to drive by, or why there is no way."""

    status: Status
    detail: str
    poses: tuple[Pose2d, ...] = ()


@dataclass(frozen=True)
class Floor:
    """Where the middle of a base may be."""

    room: Room
    base: BaseSpec
    reach_m: float = field(init=False)
    """How far the middle stays from everything."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "reach_m", self.base.radius_m + self.room.buffer_m)

    def free(self, x_m: float, y_m: float, leaving_m: float = math.inf) -> bool:
        """``leaving_m``: how near a base that stands too near already may still be."""
        return nearest(self.room, x_m, y_m)[0] >= min(self.reach_m, leaving_m) - EPS_M

    def straight(self, a: Sequence[float], b: Sequence[float], leaving_m: float = math.inf) -> bool:
        length = math.hypot(b[0] - a[0], b[1] - a[1])
        count = max(1, math.ceil(length / LOOK_M))
        shares = (k / count for k in range(count + 1))
        return all(
            self.free(a[0] + s * (b[0] - a[0]), a[1] + s * (b[1] - a[1]), leaving_m) for s in shares
        )

    def why_not(self, x_m: float, y_m: float) -> tuple[Status, str]:
        """Why the middle may not be there; OK when it may."""
        lo, hi = self.room.lo_m, self.room.hi_m
        where = f"({x_m:.2f}, {y_m:.2f}) m"
        if not (lo[0] <= x_m <= hi[0] and lo[1] <= y_m <= hi[1]):
            return "LIMIT", f"{where} is outside the room"
        away_m, name = nearest(self.room, x_m, y_m)
        if away_m >= self.reach_m - EPS_M:
            return "OK", ""
        buffer = f"{100 * self.room.buffer_m:.0f} cm"
        gap_m = away_m - self.base.radius_m
        if away_m == 0.0:
            return "PLANNING_ERROR", f"the goal {where} lies in {name}, inside its {buffer} buffer"
        return (
            "PLANNING_ERROR",
            f"the goal {where} lies inside the {buffer} buffer of {name}: the base would be "
            f"{100 * gap_m:.0f} cm from it",
        )


def plan_drive(
    room: Room, base: BaseSpec, start: Sequence[float], goal: Sequence[float]
) -> DrivePlan:
    """From where the base stands to a pose, straight when free, else round what is mapped."""
    floor = Floor(room, base)
    status, why = floor.why_not(goal[0], goal[1])
    if status != "OK":
        return DrivePlan(status, why)
    yaw = nearest_turn(start[2], goal[2], base)
    corners = _way(floor, (start[0], start[1]), (goal[0], goal[1]))
    if not corners:
        return DrivePlan("PLANNING_ERROR", "no way there keeps the buffer from walls and furniture")
    lengths = [math.dist(a, b) for a, b in pairwise(corners)]
    total = sum(lengths)
    poses: list[Pose2d] = [(start[0], start[1], start[2])]
    gone = 0.0
    for corner, length in zip(corners[1:], lengths, strict=True):
        gone += length
        share = 1.0 if total == 0.0 else gone / total
        poses.append((corner[0], corner[1], start[2] + share * (yaw - start[2])))
    poses[-1] = (goal[0], goal[1], yaw)
    return DrivePlan("OK", "", tuple(poses))


def nearest_turn(yaw_now: float, yaw: float, base: BaseSpec) -> float:
    """The same heading as ``yaw``, the shortest turn away that the base's range allows."""
    near = yaw_now + math.remainder(yaw - yaw_now, math.tau)
    lo, hi = base.joints[2].lo_rad, base.joints[2].hi_rad
    return next((y for y in (near, near - math.tau, near + math.tau) if lo <= y <= hi), near)


def _way(
    floor: Floor, start: tuple[float, float], goal: tuple[float, float]
) -> list[tuple[float, float]]:
    """Corners of a way, both ends included; empty when there is none."""
    leaving = nearest(floor.room, *start)[0]
    if math.dist(start, goal) < EPS_M or floor.straight(start, goal, leaving):
        return [start, goal]
    found = _search(floor, start, goal, leaving)
    if not found:
        return []
    way, k = [start], 0
    while k < len(found) - 1:
        far = next(
            j
            for j in range(len(found) - 1, k, -1)
            if j == k + 1 or floor.straight(found[k], found[j], leaving)
        )
        way.append(found[far])
        k = far
    return way


def _search(
    floor: Floor, start: tuple[float, float], goal: tuple[float, float], leaving_m: float
) -> list[tuple[float, float]]:
    """A* over a grid laid through the start; the goal hangs on every cell it can be seen from."""

    def at(cell: tuple[int, int]) -> tuple[float, float]:
        return start[0] + GRID_M * cell[0], start[1] + GRID_M * cell[1]

    frontier: list[tuple[float, tuple[int, int]]] = [(0.0, (0, 0))]
    cost: dict[tuple[int, int], float] = {(0, 0): 0.0}
    before: dict[tuple[int, int], tuple[int, int]] = {}
    done: set[tuple[int, int]] = set()
    while frontier:
        _, cell = heapq.heappop(frontier)
        if cell in done:
            continue
        done.add(cell)
        here = at(cell)
        if math.dist(here, goal) <= 1.5 * GRID_M and floor.straight(here, goal, leaving_m):
            way = [goal, here]
            while cell in before:
                cell = before[cell]
                way.append(at(cell))
            return way[::-1]
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1)):
            near = (cell[0] + dx, cell[1] + dy)
            there = at(near)
            if near in done or not floor.straight(here, there, leaving_m):
                continue
            price = cost[cell] + math.hypot(dx, dy) * GRID_M
            if price < cost.get(near, math.inf):
                cost[near], before[near] = price, cell
                heapq.heappush(frontier, (price + math.dist(there, goal), near))
    return []


def base_pose(bench: Workbench) -> FloatArray:
    """Where the base takes itself to be: x, y in metres and yaw in radians, room frame."""
    sample = bench.cell.status().base
    if sample is None:
        raise ValueError(f"cell {bench.cell.info.name} has no base that drives")
    return np.array(sample.q_rad)


def drive(bench: Workbench, goal: Sequence[float]) -> PrimitiveOutcome:
    """Drive to a pose and say how that ended. What cameras saw before is forgotten: they moved."""
    info = bench.cell.info
    if info.base is None or info.room is None:
        raise ValueError(f"cell {info.name} has no base that drives")
    sample = bench.cell.status().base
    start = base_pose(bench) if sample is None else np.array(sample.q_cmd_rad)
    plan = plan_drive(info.room, info.base, start.tolist(), goal)
    if plan.status != "OK":
        return ended(bench, plan.status, plan.detail, goal)
    joints = info.base.joints
    vmax = np.array([j.vmax_rad_s for j in joints])
    legs = polyline(np.array(plan.poses), vmax, rounded=False)
    try:
        trajectory = time_path(legs, start, joints, speed=bench.speed)
    except TimingFailed as error:
        return ended(bench, "PLANNING_ERROR", str(error), goal)
    bench.base_moves()
    report = bench.cell.execute(BASE, trajectory)
    detail = report.detail
    contact = _pushed_back(bench, report) if report.status in ("BLOCKED", "NOT_CONVERGED") else None
    if report.status == "BLOCKED":
        detail = f"the base was stopped; {detail}"
    duration_s = max(0.0, report.ended_s - report.started_s - report.held_s)
    return ended(bench, report.status, detail, goal, duration_s, contact, len(plan.poses) - 1)


def ended(
    bench: Workbench,
    status: Status,
    detail: str,
    goal: Sequence[float],
    duration_s: float = 0.0,
    contact: tuple[float, float, float] | None = None,
    stretches: int = 0,
) -> PrimitiveOutcome:
    """The end of a drive, from the measured pose."""
    x, y, yaw = (float(v) for v in base_pose(bench))
    error_m = math.dist((x, y), (goal[0], goal[1]))
    result = NavigationResult(
        status=status,
        detail=detail,
        target=(float(goal[0]), float(goal[1]), float(goal[2])),
        reached=(x, y, yaw),
        error_m=error_m,
        error_rad=abs(math.remainder(yaw - goal[2], math.tau)),
        duration_s=duration_s,
        contact_direction=contact,
    )
    summary = detail or "arrived"
    summary += f"; base at ({x:.2f}, {y:.2f}) m, {math.degrees(yaw):.0f}°"
    if stretches:
        summary += f", {100 * error_m:.1f} cm off, {stretches} stretches, {duration_s:.1f} s"
    return PrimitiveOutcome(status, result, summary, error_m=error_m)


def _pushed_back(bench: Workbench, report: MotionReport) -> tuple[float, float, float] | None:
    log = bench.cell.samples(BASE, report.started_s)
    if not len(log.t_s):
        return None
    behind = (log.q_rad - log.q_cmd_rad)[:, :2]
    worst = behind[int(np.argmax(np.linalg.norm(behind, axis=1)))]
    size = float(np.linalg.norm(worst))
    return (float(worst[0] / size), float(worst[1] / size), 0.0) if size > 1e-6 else None
