"""Speed of the stand-in: physics with keyframes, pictures by size, scene rebuilds.

``python -m tests.bench sim`` or ``python -m tests.bench.bench_sim``. Processor time of one core, so
that other work on the machine does not count.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

import drivers
from drivers.cellfile import load_cell
from drivers.sim.cell import SimCell
from drivers.sim.raycam import camera_path
from drivers.sim.scene import SceneObject, SceneSpec
from drivers.types import CellInfo
from tests.bench.figure import Figure, at_least
from tests.drivers.sim.scripted import ARM, Kinematics, quintic

COMMAND = "python -m tests.bench sim"
SIZES = ((160, 120), (320, 240), (640, 480))
TASKS = 6
REAL_TIME_GOAL = 20.0


def figures() -> list[Figure]:
    """Measure everything; about half a minute."""
    return [*_real_time(), *(_frame(w, h) for w, h in SIZES), _rebuild()]


def _cell(width: int = 320, height: int = 240) -> SimCell:
    info: CellInfo = load_cell(Path(drivers.__file__).parent / "cells" / "yam.toml").info
    cameras = tuple(msgspec.structs.replace(c, width=width, height=height) for c in info.cameras)
    cell = SimCell(msgspec.structs.replace(info, cameras=cameras))
    cell.stand_in.reset_scene(_scene(0))
    return cell


def _scene(seed: int) -> SceneSpec:
    """Three cubes and two distractors."""
    colours = ((0.8, 0.1, 0.1), (0.1, 0.6, 0.2), (0.1, 0.2, 0.7), (0.9, 0.5, 0.1), (0.5, 0.5, 0.5))
    things = tuple(
        SceneObject(
            name=f"thing {i}",
            shape="box" if i < 3 else "cylinder",
            size_m=(0.04, 0.04, 0.04),
            rgb=rgb,
            mass_kg=0.06,
            xyz_m=(0.26 + 0.05 * i, 0.15 - 0.08 * i, 0.02),
            yaw_rad=0.3 * i,
        )
        for i, rgb in enumerate(colours)
    )
    return SceneSpec(things[:3], things[3:], appearance_seed=seed, noise_seed=seed)


def _task(cell: SimCell, seed: int, goals: list[np.ndarray], looks: bool) -> None:
    """Reset, look, pick a cube, put it down elsewhere, look: what a trial asks of a cell."""

    def look() -> None:
        if looks:
            _look(cell)

    cell.stand_in.reset_scene(_scene(seed))
    look()
    look()
    over, at, above_place, place = goals
    for goal in (over, at):
        cell.execute(ARM, quintic(cell, goal))
    cell.grip(ARM, 0.0, 20.0)
    cell.execute(ARM, quintic(cell, over))
    look()
    for goal in (above_place, place):
        cell.execute(ARM, quintic(cell, goal))
    cell.grip(ARM, 0.075, 20.0)
    cell.execute(ARM, quintic(cell, above_place))
    cell.wait(1.0)
    look()
    look()


def _real_time() -> list[Figure]:
    """Simulated seconds per second of one core, planning left out."""
    cell = _cell()
    down = Kinematics().down
    picks = ((0.26, 0.15, 0.14), (0.26, 0.15, 0.02), (0.42, -0.2, 0.14), (0.42, -0.2, 0.03))
    goals = [down(np.array(point), 0.0) for point in picks]
    factors = []
    for looks in (False, True):
        started_s, cpu_s = cell.now_s(), time.process_time()
        for seed in range(TASKS):
            _task(cell, seed, goals, looks)
        factors.append((cell.now_s() - started_s) / (time.process_time() - cpu_s))
    moving, looking = factors
    return [
        Figure("stand-in, one task, no pictures", "-", f"{moving:.0f} x real time", COMMAND),
        Figure(
            "stand-in, one task, 10 keyframes 320x240",
            f">= {REAL_TIME_GOAL:.0f} x real time per core",
            f"{looking:.0f} x real time (n={TASKS} tasks)",
            COMMAND,
            at_least(REAL_TIME_GOAL, looking),
        ),
    ]


def _look(cell: SimCell) -> None:
    for camera in cell.info.cameras:
        cell.frame(camera.name)


def _frame(width: int, height: int) -> Figure:
    cell = _cell(width, height)
    median = _median_ms(lambda: _look(cell), 9) / len(cell.info.cameras)
    return Figure(
        f"RGB-D frame {width}x{height}", "-", f"{median:.1f} ms, {camera_path()}", COMMAND
    )


def _rebuild() -> Figure:
    cell = _cell()
    seeds = iter(range(1, 100))
    median = _median_ms(lambda: cell._world._load(_scene(next(seeds))), 15)
    settled = _median_ms(lambda: cell.stand_in.reset_scene(_scene(next(seeds))), 15)
    return Figure(
        "scene rebuild · with 0.5 s of settling", "-", f"{median:.0f} · {settled:.0f} ms", COMMAND
    )


def _median_ms(act: Callable[[], object], n: int) -> float:
    act()
    times = []
    for _ in range(n):
        before = time.process_time()
        act()
        times.append(time.process_time() - before)
    return 1e3 * statistics.median(times)


if __name__ == "__main__":
    for figure in figures():
        print(f"{figure.name:44} {figure.goal:32} {figure.value}", file=sys.stdout)
