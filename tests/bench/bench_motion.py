"""Speed and reach of motion planning: inverse kinematics, plans, timing, a whole goto_pose.

``python -m tests.bench motion`` or ``python -m tests.bench.bench_motion``. Processor time of one
core, so that other work on the machine does not count. No scene is simulated: what was "seen" is a
fixed height map of four blocks and a wall.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import drivers
from aspire_tui.environment.motion.collision import Box
from aspire_tui.environment.motion.kinematics import Kinematics
from aspire_tui.environment.motion.line import straight_line
from aspire_tui.environment.motion.planner import Plan, Planner
from aspire_tui.environment.motion.pose import FloatArray, pose_matrix
from aspire_tui.environment.motion.timing import time_path
from drivers.cellfile import load_cell
from drivers.types import CellInfo
from tests.bench.figure import Figure, at_least

COMMAND = "python -m tests.bench motion"
POSES = 200
REACHED_GOAL = 0.95

BLOCKS = (
    Box((0.30, 0.12, 0.03), (0.03, 0.03, 0.03)),
    Box((0.26, -0.14, 0.03), (0.03, 0.03, 0.03)),
    Box((0.42, 0.08, 0.06), (0.03, 0.03, 0.06)),
    Box((0.42, -0.15, 0.03), (0.03, 0.03, 0.03)),
)
WALL = Box((0.35, 0.0, 0.10), (0.08, 0.015, 0.10))


def figures() -> list[Figure]:
    """Measure everything; about ten seconds."""
    info = load_cell(Path(drivers.__file__).parent / "cells" / "yam.toml").info
    kinematics = Kinematics(info.arms[0])
    _warm(kinematics)
    return [
        *_inverse(kinematics),
        _line(kinematics),
        _world(kinematics, info),
        *_plans(kinematics, info),
        _timing(kinematics),
        _goto(kinematics, info),
    ]


def _down(x: float, y: float, z: float, yaw: float) -> FloatArray:
    return pose_matrix(np.array((x, y, z)), np.array((0, -np.sin(yaw / 2), np.cos(yaw / 2), 0)))


def _poses(seed: int) -> list[FloatArray]:
    """Top-down poses over the part of the table that tasks use, any yaw within a quarter turn."""
    rng = np.random.default_rng(seed)
    lo, hi = (0.20, -0.22, 0.01, -0.79), (0.44, 0.22, 0.20, 0.79)
    return [_down(*rng.uniform(lo, hi)) for _ in range(POSES)]


def _timed(function: Callable[[], Any]) -> tuple[float, Any]:
    began = time.process_time()
    value = function()
    return 1000 * (time.process_time() - began), value


def _spread(ms: list[float], what: str) -> str:
    return (
        f"{np.median(ms):.1f} ms median, {np.percentile(ms, 90):.1f} p90, "
        f"{max(ms):.0f} worst ({what})"
    )


def _warm(kinematics: Kinematics) -> None:
    """Imports and first calls, which happen once per process."""
    home = np.array(kinematics.arm.home_rad)
    kinematics.solve(_down(0.3, 0, 0.1, 0), home, rng=np.random.default_rng(0))
    assert kinematics.self_collision(home) == ""
    T = kinematics.tool_pose(home)
    T[2, 3] -= 0.05
    line = straight_line(kinematics, home, T)
    assert line.leg is not None
    time_path((line.leg,), home, kinematics.arm.joints)


def _inverse(kinematics: Kinematics) -> list[Figure]:
    home, rng = np.array(kinematics.arm.home_rad), np.random.default_rng(0)
    ms, reached = [], 0
    for T in _poses(0):
        spent, found = _timed(lambda T=T: kinematics.solve(T, home, rng=rng))
        ms.append(spent)
        reached += found.q is not None
    far = [_timed(lambda: kinematics.solve(_down(0.9, 0, 0.1, 0), home, rng=rng))[0]]
    return [
        Figure("IK, one top-down pose", "-", _spread(ms, f"n={POSES}"), COMMAND),
        Figure(
            "IK, poses reached to 1 mm",
            f">= {REACHED_GOAL:.0%}",
            f"{reached}/{POSES}",
            COMMAND,
            at_least(REACHED_GOAL, reached / POSES),
        ),
        Figure("IK, saying that a pose is out of reach", "-", f"{max(far):.0f} ms", COMMAND),
    ]


def _joints(kinematics: Kinematics, count: int, seed: int) -> list[FloatArray]:
    home, rng = np.array(kinematics.arm.home_rad), np.random.default_rng(seed)
    found = (kinematics.solve(T, home, rng=rng).q for T in _poses(seed))
    return [q for q in found if q is not None][:count]


def _line(kinematics: Kinematics) -> Figure:
    ms = []
    for q in _joints(kinematics, 60, 1):
        T = kinematics.tool_pose(q)
        T[2, 3] += 0.1
        ms.append(_timed(lambda q=q, T=T: straight_line(kinematics, q, T))[0])
    return Figure("straight tool line of 100 mm", "-", _spread(ms, f"n={len(ms)}"), COMMAND)


def _planner(kinematics: Kinematics, info: CellInfo, boxes: tuple[Box, ...], seed: int) -> Planner:
    world = kinematics.shape.among(boxes, table_z_m=0.0)
    return Planner(kinematics, world, info.workspace, np.random.default_rng(seed))


def _world(kinematics: Kinematics, info: CellInfo) -> Figure:
    boxes = (*BLOCKS, WALL) * 8
    ms = [_timed(lambda: _planner(kinematics, info, boxes, 0))[0] for _ in range(20)]
    return Figure("collision world of 40 boxes", "-", _spread(ms, "n=20"), COMMAND)


def _plans(kinematics: Kinematics, info: CellInfo) -> list[Figure]:
    home, rng = np.array(kinematics.arm.home_rad), np.random.default_rng(0)
    sides = [kinematics.solve(_down(0.34, y, 0.05, 0), home, rng=rng).q for y in (0.15, -0.15)]
    assert sides[0] is not None and sides[1] is not None
    free, round_ = [], []
    found = 0
    for seed in range(20):
        scene = _planner(kinematics, info, (), seed)
        free.append(_timed(lambda s=scene: s.plan(sides[0], sides[1]))[0])
        scene = _planner(kinematics, info, (*BLOCKS, WALL), seed)
        spent, plan = _timed(lambda s=scene: s.plan(sides[0], sides[1]))
        round_.append(spent)
        found += plan.status == "OK"
    return [
        Figure("plan, free", "-", _spread(free, "n=20"), COMMAND),
        Figure("plan round a wall", "-", _spread(round_, f"{found}/20 found"), COMMAND),
    ]


def _timing(kinematics: Kinematics) -> Figure:
    ms = []
    for q in _joints(kinematics, 60, 2):
        T = kinematics.tool_pose(q)
        T[2, 3] += 0.1
        line = straight_line(kinematics, q, T)
        if line.leg is not None:
            legs = (line.leg, line.leg.reversed())
            ms.append(_timed(lambda g=legs, q=q: time_path(g, q, kinematics.arm.joints))[0])
    return Figure("timing of a path of two legs", "-", _spread(ms, f"n={len(ms)}"), COMMAND)


def _goto(kinematics: Kinematics, info: CellInfo) -> Figure:
    """IK, world, plan to an approach point, line in, timing: from one pose to the next."""
    home, rng = np.array(kinematics.arm.home_rad), np.random.default_rng(0)
    q, ms, done = home, [], 0

    def one(T: FloatArray) -> Plan | None:
        found = kinematics.solve(T, q, rng=rng)
        if found.q is None:
            return None
        scene = _planner(kinematics, info, BLOCKS, 0)
        T_back = T.copy()
        T_back[2, 3] += 0.08
        out = scene.line(found.q, T_back)
        if out.status != "OK":
            return None
        plan = scene.plan(q, out.q_end)
        if plan.status == "OK":
            legs = (*plan.legs, *(leg.reversed() for leg in out.legs))
            time_path(legs, q, kinematics.arm.joints)
            return Plan("OK", "", legs, np.array((q, found.q)), "", "")
        return None

    for T in _poses(3)[:60]:
        spent, plan = _timed(lambda T=T: one(T))
        if plan is not None:
            ms.append(spent)
            done += 1
            q = plan.q_end
    return Figure("goto_pose with approach, all planning", "-", _spread(ms, f"n={done}"), COMMAND)


if __name__ == "__main__":
    for f in figures():
        sys.stdout.write(f"{f.name}: {f.value} (goal {f.goal}, {f.met})\n")
