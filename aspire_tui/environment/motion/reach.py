"""Plans towards tool poses: which joints to take, and how to come in."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from aspire_tui.domain import Status
from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.motion.planner import Plan, Planner, joined
from aspire_tui.environment.motion.pose import FloatArray, pose_error
from aspire_tui.environment.motion.survey import planner

AXIAL_RAD = math.radians(15)
SAME_TURN_RAD = 0.05
TRIES = 3
"""How many joints for one pose are tried before a way to it is given up."""


def outside(bench: Workbench, xyz_m: FloatArray) -> str:
    """Why a tool point is outside the workspace; empty when it is inside."""
    space = bench.cell.info.workspace
    for axis, value, lo, hi in zip("xyz", xyz_m, space.lo_m, space.hi_m, strict=True):
        if not lo <= value <= hi:
            return f"target {axis} = {value:.3f} m is outside the workspace, {lo:.3f} to {hi:.3f} m"
    return ""


def reach(bench: Workbench, T_target: FloatArray) -> Plan:
    """Plan to a tool pose. A move along the hand's own axis is made as a straight line."""
    q_start = bench.joints_commanded()
    at = _refusal(bench, T_target, q_start)
    if at is not None:
        return at
    scene = planner(bench, T_target)
    arm = bench.kinematics
    same_turn_rad = SAME_TURN_RAD
    if arm.leans:
        # Where it leans now is not where it was told to point.
        same_turn_rad += arm.arm.orientation_tolerance_rad
    if _axial(arm.tool_pose(q_start), T_target, same_turn_rad):
        line = scene.line(q_start, T_target)
        if line.status == "OK":
            return line
    return _to_pose(bench, scene, T_target, q_start, lambda q: scene.plan(q_start, q))


def reach_by_line(bench: Workbench, T_approach: FloatArray, T_target: FloatArray) -> Plan:
    """Plan to an approach pose, then straight in to the target."""
    q_start = bench.joints_commanded()
    at = _refusal(bench, T_target, q_start) or _refusal(bench, T_approach, q_start)
    if at is not None:
        return at
    scene = planner(bench, T_target)

    def by_way_of(q_goal: FloatArray) -> Plan:
        # From the target outwards: its joints are the ones that matter most.
        out = scene.line(q_goal, T_approach)
        if out.status != "OK":
            return out
        way = scene.plan(q_start, out.q_end)
        inwards = Plan(
            "OK",
            "",
            tuple(leg.reversed() for leg in reversed(out.legs)),
            out.path[::-1],
            out.planner,
            out.planner_status,
        )
        return joined(way, inwards)

    return _to_pose(bench, scene, T_target, q_start, by_way_of)


def _to_pose(
    bench: Workbench,
    scene: Planner,
    T_target: FloatArray,
    q_start: FloatArray,
    way: Callable[[FloatArray], Plan],
) -> Plan:
    """The first joints for a pose that a way leads to, nearest to the present ones first."""
    first: Plan | None = None
    tried: list[FloatArray] = []
    bumps: list[str] = []

    def usable(q: FloatArray) -> bool:
        if any(np.max(np.abs(q - other)) < 0.05 for other in tried):
            return False
        bump = scene.trouble(q)
        if bump:
            bumps.append(bump)
        return not bump

    for _ in range(TRIES):
        found = bench.kinematics.solve(T_target, q_start, rng=bench.rng, accept=usable)
        if found.q is None:
            if first is None and bumps:
                return _none("COLLISION", f"at the target {bumps[0]} would touch", q_start)
            if first is None:
                x, y, z = T_target[:3, 3]
                reason = f"({x:.3f}, {y:.3f}, {z:.3f}) m cannot be reached: {found.reason}"
                return _none("IK_FAILED", reason, q_start)
            return first
        plan = way(found.q)
        if plan.status == "OK":
            return plan
        first = first or plan
        tried.append(found.q)
    assert first is not None
    return first


def _refusal(bench: Workbench, T: FloatArray, q_start: FloatArray) -> Plan | None:
    why = outside(bench, T[:3, 3])
    return _none("LIMIT", why, q_start) if why else None


def _none(status: Status, detail: str, q_start: FloatArray) -> Plan:
    return Plan(status, detail, (), q_start[None, :], "", status)


def _axial(T_start: FloatArray, T_target: FloatArray, same_turn_rad: float) -> bool:
    """Whether a move is a translation along the tool's own z, either way."""
    distance_m, turn_rad = pose_error(T_start, T_target)
    if turn_rad > same_turn_rad or distance_m < 1e-6:
        return False
    along = abs(float((T_target[:3, 3] - T_start[:3, 3]) @ T_start[:3, 2])) / distance_m
    return along > math.cos(AXIAL_RAD)
