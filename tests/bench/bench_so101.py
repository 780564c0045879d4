"""What five joints reach: inverse kinematics, leaning, lines and arrival of the SO-101's stand-in.

``python -m tests.bench so101``. Processor time of one core. Targets are top-down poses over the
cell's task area, at the heights a pick, a lift and a stack use.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import drivers
from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.motion.kinematics import Kinematics
from aspire_tui.environment.motion.line import straight_line
from aspire_tui.environment.motion.pose import FloatArray, lean, pose_error, pose_matrix
from aspire_tui.environment.primitives import motion
from aspire_tui.environment.primitives.registry import catalogue
from drivers.cellfile import load_cell
from drivers.sim.cell import SimCell
from drivers.sim.scene import SceneSpec
from drivers.types import CellInfo
from tests.bench.figure import Figure, at_least

COMMAND = "python -m tests.bench so101"
POSES = 200
MOVES = 30
REACHED_GOAL = 0.95
HEIGHTS_M = {"grasp": 0.02, "lift": 0.14, "above a stack": 0.165}


def figures() -> list[Figure]:
    """Measure everything; under a minute."""
    cell = load_cell(Path(drivers.__file__).parent / "cells" / "so101.toml")
    kinematics = Kinematics(cell.info.arms[0])
    home = np.array(kinematics.arm.home_rad)
    kinematics.solve(_down(0.2, 0, 0.1, 0), home, rng=np.random.default_rng(0))
    rows = [_inverse(kinematics, cell.info, what, z) for what, z in HEIGHTS_M.items()]
    far = _timed(
        lambda: kinematics.solve(_down(0.5, 0, 0.1, 0), home, rng=np.random.default_rng(0))
    )[0]
    return [
        *(figure for pair in rows for figure in pair),
        Figure("SO-101 IK, saying that a pose is out of reach", "-", f"{far:.0f} ms", COMMAND),
        _lines(kinematics, cell.info),
        _arrival(SimCell(cell), kinematics),
    ]


def _down(x: float, y: float, z: float, yaw: float) -> FloatArray:
    return pose_matrix(np.array((x, y, z)), np.array((0, -np.sin(yaw / 2), np.cos(yaw / 2), 0)))


def _poses(info: CellInfo, z: float) -> list[FloatArray]:
    """Over the task area, any yaw a grasp from above may have."""
    assert info.task_area is not None
    (x0, x1), (y0, y1) = info.task_area.x_m, info.task_area.y_m
    rng = np.random.default_rng(5)
    return [
        _down(*rng.uniform((x0, y0), (x1, y1)), z, rng.uniform(-0.79, 0.79)) for _ in range(POSES)
    ]


def _timed(function: Callable[[], Any]) -> tuple[float, Any]:
    began = time.process_time()
    value = function()
    return 1000 * (time.process_time() - began), value


def _inverse(kinematics: Kinematics, info: CellInfo, what: str, z: float) -> tuple[Figure, Figure]:
    home, rng = np.array(kinematics.arm.home_rad), np.random.default_rng(0)
    ms, leans = [], []
    for T in _poses(info, z):
        spent, found = _timed(lambda T=T: kinematics.solve(T, home, rng=rng))
        ms.append(spent)
        if found.q is not None:
            leans.append(np.degrees(lean(kinematics.tool_pose(found.q), T)))
    k = len(leans)
    return (
        Figure(
            f"SO-101 IK at {what} height ({z:g} m), reached to 1 mm",
            f">= {REACHED_GOAL:.0%}",
            f"{k}/{POSES}, leaning {np.median(leans):.1f}° median, {max(leans):.1f}° most",
            COMMAND,
            at_least(REACHED_GOAL, k / POSES),
        ),
        Figure(
            f"SO-101 IK at {what} height, time",
            "-",
            f"{np.median(ms):.1f} ms median, {np.percentile(ms, 90):.0f} p90, {max(ms):.0f} worst",
            COMMAND,
        ),
    )


def _lines(kinematics: Kinematics, info: CellInfo) -> Figure:
    home, rng = np.array(kinematics.arm.home_rad), np.random.default_rng(0)
    ms, straight, tried = [], 0, 0
    for T in _poses(info, 0.02)[:60]:
        q = kinematics.solve(T, home, rng=rng).q
        if q is None:
            continue
        up = T.copy()
        up[2, 3] += 0.1
        spent, line = _timed(lambda q=q, up=up: straight_line(kinematics, q, up))
        ms.append(spent)
        tried += 1
        straight += line.status == "OK"
    return Figure(
        "SO-101, straight up 100 mm from a grasp",
        f">= {REACHED_GOAL:.0%}",
        f"{straight}/{tried}, {np.median(ms):.0f} ms median",
        COMMAND,
        at_least(REACHED_GOAL, straight / tried),
    )


def _arrival(sim: SimCell, kinematics: Kinematics) -> Figure:
    """Where the measured tool is after moves of servos that sag, against where it was sent."""
    sim.stand_in.reset_scene(SceneSpec(noise_seed=1))
    arm = sim.info.arms[0]
    bench = Workbench(sim, arm, kinematics, "bench", np.random.default_rng(0))
    goto = catalogue(motion.PRIMITIVES, "capx", "")["goto_pose"]
    off_mm = []
    for T in _poses(sim.info, 0.08)[:MOVES]:
        wxyz = np.array((0.0, 0.0, 1.0, 0.0))
        outcome = goto.invoke(bench, {"position": T[:3, 3], "quaternion_wxyz": wxyz})
        if outcome.status == "OK":
            reached = kinematics.tool_pose(bench.joints())
            off_mm.append(1000 * pose_error(reached, pose_matrix(T[:3, 3], wxyz))[0])
    return Figure(
        "SO-101 stand-in, measured tool after a move",
        "-",
        f"{len(off_mm)}/{MOVES} arrived, {np.median(off_mm):.1f} mm off median, "
        f"{max(off_mm):.1f} worst",
        COMMAND,
    )


if __name__ == "__main__":
    for f in figures():
        sys.stdout.write(f"{f.name}: {f.value} (goal {f.goal}, {f.met})\n")
