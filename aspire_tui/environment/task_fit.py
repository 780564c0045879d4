"""Fits a task written for one bench onto another: where things may lie and how large they may be.

The task's words, goal and judging stay; only places and sizes change, and all sizes alike. The gap
between things is the gripper's to use and stays too. A cell without a task area takes tasks as they
are written.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from aspire_tui.environment.task import Distractors, ObjectDef, TaskDef
from drivers.types import TaskArea


def misfit(task: TaskDef, area: TaskArea | None) -> str:
    """Why a task cannot be fitted onto a bench; empty when it can.

    What is made of parts, printed, screwed down or on a rail keeps its size: its parts have to meet
    each other and the gripper as they do.
    """
    if area is None:
        return ""
    for thing in task.objects:
        whole = not thing.parts and thing.hold == "free" and thing.rail is None
        if not whole and max(thing.size_m) > area.longest_side_m:
            return (
                f"the {thing.name} is {1e3 * max(thing.size_m):.0f} mm long and cannot be made "
                f"smaller; this cell takes things of up to {1e3 * area.longest_side_m:.0f} mm"
            )
    return ""


def fit(task: TaskDef, area: TaskArea | None, cameras: Sequence[str] = ()) -> TaskDef:
    """The task as this cell's arm can do it and its cameras can judge it.

    Args:
        cameras: The cell's, in its order; those a task names and a cell lacks do not judge. Empty:
            the task's own are taken.
    """
    judging = tuple(c for c in task.cameras if c in cameras) or tuple(cameras[:1])
    if cameras and judging != task.cameras:
        task = msgspec.structs.replace(task, cameras=judging)
    if area is None:
        return task
    longest = max(max(thing.size_m) for thing in task.objects)
    scale = min(1.0, area.longest_side_m / longest)
    return msgspec.structs.replace(
        task,
        objects=tuple(_scaled(thing, scale) for thing in task.objects),
        distractors=_smaller(task.distractors, scale),
        start=msgspec.structs.replace(task.start, x_m=area.x_m, y_m=area.y_m),
    )


def _scaled(thing: ObjectDef, scale: float) -> ObjectDef:
    """The same thing, smaller; its density is kept."""
    x, y, z = (round(side * scale, 4) for side in thing.size_m)
    return msgspec.structs.replace(
        thing, size_m=(x, y, z), mass_kg=max(0.005, thing.mass_kg * scale**3)
    )


def _smaller(others: Distractors, scale: float) -> Distractors:
    lo, hi = others.size_m
    return msgspec.structs.replace(others, size_m=(lo * scale, hi * scale))
