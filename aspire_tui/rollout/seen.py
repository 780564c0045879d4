"""What a cell's own sensors see of it now: joints, fingers, things on the table, the table itself.

Nothing here asks a simulator. What no camera shows is named as absent.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aspire_tui.domain import SeenCell, SeenTable, SeenThing
from aspire_tui.environment.bench import View, Workbench
from aspire_tui.environment.motion.survey import survey
from aspire_tui.environment.perception.cloud import TableCloud
from aspire_tui.environment.perception.objects import ObjectEstimate, locate
from aspire_tui.environment.task import TaskDef

MAP_SD_M = 0.01
"""One cell of the height map: how well the place of an unnamed thing is known."""

SMALLEST_M, LARGEST_M = 0.006, 0.5
BESIDE_M = 0.03
"""What stands this close round a named thing is that thing."""

HELD_N = 2.0
"""Fingers that press harder than this have something between them."""


def see(bench: Workbench, task: TaskDef) -> SeenCell:
    """Look once with every camera the task judges by; the bench has seen nothing before."""
    known = {c.name for c in bench.cell.info.cameras if c.depth}
    cameras = [c for c in task.cameras if c in known] or sorted(known)
    views = [bench.look(c) for c in cameras]
    absent: list[str] = []
    things = _named(bench, task, views, absent)
    things += _unnamed(bench, things, absent)
    table = _table(bench, views)
    if table is None:
        absent.append("the table: no camera shows enough of it; it is where the cell file says")
    sample = bench.sample()
    if sample.grip_force_N > HELD_N:
        absent.append(
            f"what the fingers hold: they press {sample.grip_force_N:.1f} N, "
            f"{1000 * sample.width_m:.0f} mm apart"
        )
    absent.append("what no camera sees: behind and under things, beyond the pictures")
    return SeenCell(
        cell_s=bench.cell.now_s(),
        q_rad=tuple(round(q, 5) for q in sample.q_rad),
        width_m=round(sample.width_m, 5),
        grip_force_N=round(sample.grip_force_N, 2),
        things=tuple(things),
        table=table,
        absent=tuple(absent),
        keyframes=tuple(bench.evidence.keyframe(v) for v in views),
    )


def _named(
    bench: Workbench, task: TaskDef, views: Sequence[View], absent: list[str]
) -> list[SeenThing]:
    out = []
    for thing in task.objects:
        found = locate(views, thing.name, table_z_m=bench.table_z_m)
        if not isinstance(found, ObjectEstimate):
            absent.append(f"{thing.name}: {found.reason[:160]}")
            continue
        x, y, z = (round(float(v), 4) for v in found.position)
        a, b, c = (round(float(v), 4) for v in found.extent)
        out.append(
            SeenThing(
                name=thing.name,
                xyz_m=(x, y, z),
                yaw_rad=round(found.yaw_rad, 4),
                size_m=(a, b, c),
                sigma_m=round(found.sigma_m, 4),
                cameras=found.cameras,
                notes=found.notes[:4],
            )
        )
    return out


def _unnamed(bench: Workbench, named: Sequence[SeenThing], absent: list[str]) -> list[SeenThing]:
    """What else stands on the table, as the obstacle map has it."""
    out: list[SeenThing] = []
    for box in survey(bench).patches():
        x, y, z = box.centre_m
        size = (2 * box.half_m[0], 2 * box.half_m[1], 2 * box.half_m[2])
        if any(_is_part_of(t, x, y) for t in named):
            continue
        if not all(SMALLEST_M <= side <= LARGEST_M for side in size):
            absent.append(f"something of {size[0]:.2f} × {size[1]:.2f} m at ({x:.2f}, {y:.2f}) m")
            continue
        out.append(
            SeenThing(
                name=f"seen {len(out) + 1}",
                xyz_m=(round(x, 4), round(y, 4), round(z, 4)),
                yaw_rad=0.0,
                size_m=(round(size[0], 4), round(size[1], 4), round(size[2], 4)),
                sigma_m=MAP_SD_M,
                notes=("as the obstacle map has it: upright, turned with the axes",),
            )
        )
    return out


def _is_part_of(thing: SeenThing, x_m: float, y_m: float) -> bool:
    reach = float(np.hypot(*thing.size_m[:2])) / 2 + BESIDE_M
    return float(np.hypot(x_m - thing.xyz_m[0], y_m - thing.xyz_m[1])) <= reach


def _table(bench: Workbench, views: Sequence[View]) -> SeenTable | None:
    """The table as the first camera that shows it has it, before any agreement with the cell."""
    for view in views:
        cloud = TableCloud.of(view, bench.table_z_m)
        if cloud is None or cloud.plane is None or not cloud.based:
            continue
        plane = cloud.plane
        space = bench.cell.info.workspace
        x = (space.lo_m[0] + space.hi_m[0]) / 2
        y = (space.lo_m[1] + space.hi_m[1]) / 2
        n = plane.normal
        return SeenTable(
            camera=view.camera,
            z_m=round(float((plane.offset_m - n[0] * x - n[1] * y) / n[2]), 5),
            tilt_rad=round(float(np.arccos(min(1.0, float(n[2])))), 5),
            residual_m=round(plane.residual_m, 5),
            points=plane.points,
        )
    return None
