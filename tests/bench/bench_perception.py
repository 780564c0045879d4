"""How well and how fast perception measures the stand-in's scenes, with its noise on and off.

``python -m tests.bench.bench_perception`` prints the same rows alone.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from aspire_tui.environment.bench import View, Workbench
from aspire_tui.environment.evidence import encode_depth_png, encode_rgb_png
from aspire_tui.environment.motion.kinematics import Kinematics
from aspire_tui.environment.perception.cloud import TableCloud
from aspire_tui.environment.perception.grasps import GripperShape, sample_grasps
from aspire_tui.environment.perception.objects import ObjectEstimate, locate
from aspire_tui.environment.perception.prompt import parse
from aspire_tui.environment.perception.segment import search
from aspire_tui.environment.reset import draw
from aspire_tui.environment.task_file import find_task
from drivers.cellfile import load_cell
from drivers.sim.cell import SimCell
from drivers.sim.truth import ObjectTruth
from tests.bench.figure import Figure, at_most

COMMAND = "python -m tests.bench perception"
YAM = Path(__file__).parents[2] / "drivers" / "cells" / "yam.toml"
SCENES = 100
IDEAL_MM, IDEAL_DEG = 4.0, 5.0


@dataclass
class Errors:
    """Of one camera: horizontal and vertical millimetres, yaw in degrees; how often it saw none."""

    xy_mm: list[float] = field(default_factory=list)
    z_mm: list[float] = field(default_factory=list)
    yaw_deg: list[float] = field(default_factory=list)
    unseen: int = 0

    def add(self, found: ObjectEstimate, truth: ObjectTruth) -> None:
        off = 1e3 * (found.position - np.array(truth.xyz_m))
        self.xy_mm.append(float(np.hypot(off[0], off[1])))
        self.z_mm.append(abs(float(off[2])))
        w, x, y, z = truth.wxyz
        yaw = np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
        quarter = np.pi / 2
        turned = (found.yaw_rad - yaw + quarter / 2) % quarter - quarter / 2
        self.yaw_deg.append(abs(float(np.rad2deg(turned))))


def figures() -> list[Figure]:
    """All rows: accuracy on stand-in scenes, then milliseconds per call."""
    rows = []
    for noise in (False, True):
        for name in ("cube_stack", "cube_restack"):
            for camera, errors in _measure(noise, name, SCENES).items():
                rows += _rows(noise, name, camera, errors)
    return rows + _speeds()


def _measure(noise: bool, task_name: str, scenes: int) -> dict[str, Errors]:
    cell = SimCell(load_cell(YAM), noise=noise)
    kinematics = Kinematics(cell.info.arms[0])
    task = find_task(task_name)
    out = {camera: Errors() for camera in task.cameras}
    for seed in range(scenes):
        placed, spec = draw(task, seed, 1, cell.info.workspace.table_z_m)
        cell.stand_in.reset_scene(spec)
        truth = cell.stand_in.truth()
        bench = _bench(cell, kinematics)
        for camera, errors in out.items():
            view = bench.look(camera)
            for p in placed:
                found = locate([view], p.thing.name, table_z_m=bench.table_z_m)
                if isinstance(found, ObjectEstimate):
                    errors.add(found, truth.objects[p.thing.name])
                else:
                    errors.unseen += 1
    cell.close()
    return out


def _bench(cell: SimCell, kinematics: Kinematics) -> Workbench:
    return Workbench(cell, cell.info.arms[0], kinematics, "", np.random.default_rng(0))


def _rows(noise: bool, task: str, camera: str, errors: Errors) -> list[Figure]:
    what = f"{task}, {camera} camera, noise {'on' if noise else 'off'}"
    unseen = f"not measured {errors.unseen} of {errors.unseen + len(errors.xy_mm)}"
    if not errors.xy_mm:
        return [Figure(what, "-", unseen, COMMAND)]
    xy, z, yaw = (_quantiles(v) for v in (errors.xy_mm, errors.z_mm, errors.yaw_deg))
    ideal = not noise
    met = at_most(1.0, max(xy[2] / IDEAL_MM, yaw[2] / IDEAL_DEG)) if ideal else "-"
    return [
        Figure(
            what,
            f"<= {IDEAL_MM:.0f} mm, {IDEAL_DEG:.0f} deg at p99" if ideal else "-",
            f"xy {_text(xy)} mm, z {_text(z)} mm, yaw {_text(yaw)} deg (p50/p90/p99), {unseen}",
            COMMAND,
            met,
        )
    ]


def _quantiles(values: list[float]) -> tuple[float, float, float]:
    p50, p90, p99 = np.quantile(values, [0.5, 0.9, 0.99])
    return float(p50), float(p90), float(p99)


def _text(values: tuple[float, float, float]) -> str:
    return "/".join(f"{v:.1f}" for v in values)


def _speeds() -> list[Figure]:
    cell = SimCell(load_cell(YAM))
    _, spec = draw(find_task("cube_stack"), 1, 1, 0.0)
    cell.stand_in.reset_scene(spec)
    view = _bench(cell, Kinematics(cell.info.arms[0])).look("scene")
    cloud = TableCloud.of(view, 0.0)
    assert cloud is not None
    asked = parse("red cube")
    mask = search(view.rgb, asked, cloud).segments[0].mask
    thing, others = cloud.points[mask & cloud.valid], cloud.points[~mask & cloud.above_table()]
    acts: dict[str, Callable[[], object]] = {
        "locate a named thing": lambda: locate([view], "red cube", table_z_m=0.0),
        "segment by text": lambda: search(view.rgb, asked, TableCloud.of(view, 0.0)),
        "sample grasps": lambda: sample_grasps(thing, others, 0.0, GripperShape()),
        "encode a keyframe losslessly": lambda: _encode(view),
    }
    rows = [
        Figure(f"{name}, 320x240", "-", f"{_median_ms(act):.0f} ms", COMMAND)
        for name, act in acts.items()
    ]
    cell.close()
    return rows


def _encode(view: View) -> None:
    encode_rgb_png(view.rgb)
    if view.frame.depth is not None:
        encode_depth_png(view.frame.depth)


def _median_ms(act: Callable[[], object], n: int = 15) -> float:
    act()
    times = []
    for _ in range(n):
        before = time.process_time()
        act()
        times.append(time.process_time() - before)
    return 1e3 * statistics.median(times)


if __name__ == "__main__":
    for figure in figures():
        print(f"{figure.name:48} {figure.goal:28} {figure.value}", file=sys.stdout)
