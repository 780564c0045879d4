"""Moves of two arms at once: one path through both arms' joints, so that they arrive together.

Along a straight way both tools are the same share of their way at any moment: what both hold keeps
its shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aspire_tui.domain import Evidence, PlannedPath, Status
from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.motion.connect import connect
from aspire_tui.environment.motion.execution import arrived, refused
from aspire_tui.environment.motion.kinematics import LIMIT_MARGIN_RAD
from aspire_tui.environment.motion.line import steps_to, straight_line
from aspire_tui.environment.motion.mates import Mates, parts
from aspire_tui.environment.motion.path import Curve, Leg, polyline
from aspire_tui.environment.motion.planner import EDGE_RAD, Planner
from aspire_tui.environment.motion.pose import FloatArray, pose_error
from aspire_tui.environment.motion.reach import SAME_TURN_RAD, outside
from aspire_tui.environment.motion.survey import planner
from aspire_tui.environment.motion.timing import TimingFailed, time_path
from aspire_tui.environment.outcome import MotionResult, PrimitiveOutcome
from drivers.types import JointSpec, MotionReport, Trajectory

WORST_FIRST: tuple[Status, ...] = (
    "FAULT",
    "SLIPPED",
    "BLOCKED",
    "COLLISION",
    "LIMIT",
    "INVALID",
    "NOT_CONVERGED",
    "TIMEOUT",
    "STOPPED",
)


@dataclass(frozen=True, eq=False)
class PairPlan:
    """A way of both arms, joints of the one then of the other; or why there is none."""

    status: Status
    detail: str
    legs: tuple[Leg, ...] = ()
    planner: str = ""


class _Pair:
    """Both arms among what was seen and each other."""

    def __init__(self, bench: Workbench, targets: Sequence[FloatArray]) -> None:
        self.benches = bench.benches
        self.planners: tuple[Planner, ...] = tuple(
            planner(b, T, alone=True) for b, T in zip(self.benches, targets, strict=True)
        )
        self.mates = Mates(self.benches)
        self.names = [b.arm.name for b in self.benches]
        self.q_start = np.concatenate([b.joints_commanded() for b in self.benches])
        self.joints: tuple[JointSpec, ...] = tuple(j for b in self.benches for j in b.arm.joints)
        self.vmax = np.array([j.vmax_rad_s for j in self.joints])
        for each, q in zip(self.planners, self.split(self.q_start), strict=True):
            each.world.forgive(q)

    def split(self, q: FloatArray) -> list[FloatArray]:
        """Both arms' joints apart, along the last axis."""
        return parts(q, self.benches)

    def trouble(self, q: FloatArray, roam_m: Sequence[float], relaxed: bool) -> str:
        """What stands against both being there, in words; empty when nothing does."""
        own = self.split(q)
        for each, part, roam, name in zip(self.planners, own, roam_m, self.names, strict=True):
            if words := each.blocked(part, roam, relaxed):
                return f"{name}: {words}"
        return self.mates.touching(own)

    def clear(self, legs: Sequence[Leg], roam_m: Sequence[float], relaxed: bool) -> str:
        for leg in legs:
            for q in leg.samples(EDGE_RAD):
                if words := self.trouble(q, roam_m, relaxed):
                    return f"{words} would touch on the way"
        return ""

    def roam(self, *rows: FloatArray) -> list[float]:
        apart = [self.split(q) for q in rows]
        return [each.roam(*(p[i] for p in apart)) for i, each in enumerate(self.planners)]

    def route(self, q_from: FloatArray, q_to: FloatArray) -> PairPlan:
        """From rest to rest through both arms' joints, straight when that is free."""
        roam = self.roam(q_from, q_to)
        if words := self.trouble(q_to, roam, relaxed=True):
            return PairPlan("COLLISION", f"at the target {words} would touch")
        direct = polyline(np.array((q_from, q_to)), self.vmax, rounded=False)
        relaxed = bool(self.trouble(q_from, roam, False) or self.trouble(q_to, roam, False))
        why = self.clear(direct, roam, relaxed)
        if not why:
            return PairPlan("OK", "", direct, "straight")
        margin = LIMIT_MARGIN_RAD / 2
        lo = np.concatenate([b.kinematics.lo_rad for b in self.benches]) + margin
        hi = np.concatenate([b.kinematics.hi_rad for b in self.benches]) - margin
        found = connect(
            q_from,
            q_to,
            lo,
            hi,
            lambda q: not self.trouble(q, roam, relaxed),
            edge_rad=EDGE_RAD,
            rng=self.benches[0].rng,
        )
        for rounded in (True, False) if found.waypoints is not None else ():
            assert found.waypoints is not None
            legs = polyline(found.waypoints, self.vmax, rounded=rounded)
            if not self.clear(legs, roam, relaxed):
                return PairPlan("OK", "", legs, f"RRTConnect ({found.checks} checks)")
        detail = f"no way for both was found ({found.word}, {found.checks} checks): {why}"
        return PairPlan("PLANNING_ERROR", detail)

    def line(
        self, q_from: FloatArray, targets: Sequence[FloatArray]
    ) -> tuple[PairPlan, FloatArray]:
        """Both tools straight to their poses, at the same share of their way at any moment."""
        starts = self.split(q_from)
        arms = [b.kinematics for b in self.benches]
        steps = max(
            steps_to(k.tool_pose(q), T) for k, q, T in zip(arms, starts, targets, strict=True)
        )
        columns = []
        for k, q, T, name in zip(arms, starts, targets, self.names, strict=True):
            found = straight_line(k, q, T, least_steps=steps)
            if found.status != "OK":
                return PairPlan(found.status, f"{name}: {found.detail}"), q_from
            still = len(found.q) == 1
            columns.append(np.repeat(found.q, steps + 1, axis=0) if still else found.q)
        rows = np.concatenate(columns, axis=1)
        if np.abs(rows - rows[0]).max() < 1e-9:
            return PairPlan("OK", "", (), "already there"), q_from
        leg = Leg((Curve(rows, self.vmax),))
        if words := self.clear((leg,), self.roam(q_from, rows[-1]), relaxed=True):
            return PairPlan("COLLISION", words), q_from
        return PairPlan("OK", "", (leg,), "line"), rows[-1]


def plan_pair(bench: Workbench, targets: Sequence[FloatArray], back_m: float = 0.0) -> PairPlan:
    """Both tools to their poses; from ``back_m`` behind them, along their own z, straight in."""
    for b, T in zip(bench.benches, targets, strict=True):
        if why := outside(b, T[:3, 3]):
            return PairPlan("LIMIT", f"{b.arm.name}: {why}")
    pair = _Pair(bench, targets)
    if back_m:
        before = [T.copy() for T in targets]
        for T in before:
            T[:3, 3] -= back_m * T[:3, 2]
        first, q = _to_poses(pair, before)
        if first.status != "OK":
            return first
        second, _ = pair.line(q, targets)
        return second if second.status != "OK" else _joined(first, second)
    if _same_turn(pair, targets):
        straight, _ = pair.line(pair.q_start, targets)
        if straight.status == "OK":
            return straight
        if any(b.holding is not None for b in bench.benches):
            return straight
    return _to_poses(pair, targets)[0]


def _same_turn(pair: _Pair, targets: Sequence[FloatArray]) -> bool:
    starts = zip(pair.benches, pair.split(pair.q_start), targets, strict=True)
    return all(pose_error(b.kinematics.tool_pose(q), T)[1] <= SAME_TURN_RAD for b, q, T in starts)


def _to_poses(pair: _Pair, targets: Sequence[FloatArray]) -> tuple[PairPlan, FloatArray]:
    rows = []
    for b, q, T, each in zip(
        pair.benches, pair.split(pair.q_start), targets, pair.planners, strict=True
    ):
        found = b.kinematics.solve(
            T,
            q,
            rng=b.rng,
            accept=lambda x, each=each: not each.trouble(x),  # type: ignore[misc]
        )
        if found.q is None:
            x, y, z = T[:3, 3]
            why = f"{b.arm.name}: ({x:.3f}, {y:.3f}, {z:.3f}) m cannot be reached: {found.reason}"
            return PairPlan("IK_FAILED", why), pair.q_start
        rows.append(found.q)
    q_goal = np.concatenate(rows)
    return pair.route(pair.q_start, q_goal), q_goal


def _joined(first: PairPlan, second: PairPlan) -> PairPlan:
    return PairPlan(
        "OK", "", first.legs + second.legs, f"{first.planner} + {second.planner}".strip(" +")
    )


def to_joints(bench: Workbench, rows: Sequence[FloatArray]) -> PairPlan:
    """Both arms to joints."""
    for b, q in zip(bench.benches, rows, strict=True):
        if not b.kinematics.within_limits(q):
            return PairPlan("LIMIT", f"{b.arm.name}: the target is beyond a joint limit")
        if why := outside(b, b.kinematics.tool_pose(q)[:3, 3]):
            return PairPlan("LIMIT", f"{b.arm.name}: {why}")
    targets = [b.kinematics.tool_pose(q) for b, q in zip(bench.benches, rows, strict=True)]
    pair = _Pair(bench, targets)
    return pair.route(pair.q_start, np.concatenate(list(rows)))


def execute_pair(
    bench: Workbench, plan: PairPlan, targets: Sequence[FloatArray]
) -> PrimitiveOutcome:
    """Carry a plan out with both arms at once; the outcome is that of the arm that did worse."""
    benches = bench.benches
    if plan.status != "OK":
        return refused(benches[0], plan.status, plan.detail, targets[0])
    joints = tuple(j for b in benches for j in b.arm.joints)
    q_start = np.concatenate([b.joints_commanded() for b in benches])
    try:
        timed = time_path(plan.legs, q_start, joints, speed=bench.speed)
    except TimingFailed as error:
        return refused(benches[0], "PLANNING_ERROR", str(error), targets[0])
    rows = zip(parts(timed.q_rad, benches), parts(timed.dq_rad_s, benches), strict=True)
    each = {
        b.arm.name: Trajectory(timed.t_s, q, dq) for b, (q, dq) in zip(benches, rows, strict=True)
    }
    bench.drop_previews()
    reports = bench.cell.execute_together(each)
    outcomes = [
        arrived(b, reports[b.arm.name], T, _evidence(b, plan, each[b.arm.name]))
        for b, T in zip(benches, targets, strict=True)
    ]
    return _worse(benches, outcomes, reports)


def _worse(
    benches: Sequence[Workbench],
    outcomes: Sequence[PrimitiveOutcome],
    reports: dict[str, MotionReport],
) -> PrimitiveOutcome:
    def rank(i: int) -> int:
        status = outcomes[i].status
        return WORST_FIRST.index(status) if status in WORST_FIRST else len(WORST_FIRST)

    worst = min(range(len(outcomes)), key=rank)
    chosen = outcomes[worst]
    words = "; ".join(f"{b.arm.name}: {o.summary}" for b, o in zip(benches, outcomes, strict=True))
    value = chosen.value
    assert isinstance(value, MotionResult)
    notes = tuple(words.split("; "))
    evidence = Evidence(path=chosen.evidence.path, notes=notes)
    return PrimitiveOutcome(chosen.status, value, words, error_m=chosen.error_m, evidence=evidence)


def _evidence(bench: Workbench, plan: PairPlan, trajectory: Trajectory) -> Evidence:
    rows = trajectory.q_rad
    keep = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), 40)).astype(int))
    points = [bench.kinematics.tool_pose(rows[i])[:3, 3].round(5) for i in keep]
    return Evidence(
        path=PlannedPath(
            planner=plan.planner,
            planner_status=plan.status,
            duration_s=trajectory.duration_s,
            q_rad=tuple(tuple(round(float(x), 5) for x in rows[i]) for i in keep),
            tool_xyz_m=tuple((float(p[0]), float(p[1]), float(p[2])) for p in points),
        )
    )
