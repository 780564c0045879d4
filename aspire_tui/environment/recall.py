"""The start of a past trial as a start to be set again: where its cameras saw things. Pure.

What is recalled is what was measured when that trial's reset was verified, not where a procedure
meant to put things; other things that stood about are not recalled.
"""

from __future__ import annotations

import msgspec

from aspire_tui.domain import Check
from aspire_tui.environment.draw import Placed
from aspire_tui.environment.footprint import find_by_outline
from aspire_tui.environment.guidance import residuals
from aspire_tui.environment.perception.objects import ObjectEstimate, locate
from aspire_tui.environment.perception.picture import Picture
from aspire_tui.environment.task import Distractors, Recalled, TaskDef


class NotRecalled(Exception):
    """A thing of the task was not seen in the picture of that start; one line."""


def recalled_in(picture: Picture, task: TaskDef, table_z_m: float) -> tuple[Recalled, ...]:
    """Where every thing that lies free stood. Raises NotRecalled."""
    out = []
    covered = {r.target for r in task.start.relations if r.relation == "on"}
    for thing in task.objects:
        if thing.mount or thing.hold != "free":
            continue
        if thing.parts:
            fit = find_by_outline(picture, thing, table_z_m)
            if fit is None or not fit.good:
                raise NotRecalled(f"{thing.name} is not seen whole at that start")
            at, yaw = (fit.x_m, fit.y_m, table_z_m + thing.size_m[2] / 2), fit.yaw_rad
        else:
            found = locate([picture], thing.name, table_z_m=table_z_m)
            if not isinstance(found, ObjectEstimate):
                raise NotRecalled(f"{thing.name} at that start: {found.reason}")
            x, y, z = (float(v) for v in found.position)
            bottom = 0.0 if thing.name in covered else max(0.0, found.bottom_z_m - table_z_m)
            z = table_z_m + (bottom if bottom > 0.01 else 0.0) + thing.size_m[2] / 2
            at, yaw = (x, y, z), found.yaw_rad
        rounded = (round(at[0], 4), round(at[1], 4), round(at[2], 4))
        out.append(Recalled(thing.name, rounded, round(float(yaw), 4)))
    return tuple(out)


def recalling(task: TaskDef, name: str, places: tuple[Recalled, ...], said: str) -> TaskDef:
    """The task with that start, set by a person; ``said`` is kept as where it is from."""
    start = msgspec.structs.replace(
        task.start, recalled=places, recalled_from=said, by="operator", region=""
    )
    return msgspec.structs.replace(
        task, name=name, start=start, distractors=Distractors(count=(0, 0))
    )


def residual_checks(picture: Picture, placed: list[Placed], table_z_m: float) -> list[Check]:
    """How far each thing is from where it was recalled, and what would mend it, for the record."""
    out = []
    for r in residuals(picture, placed, table_z_m):
        name, off = f"{r.name} residual", r.off_m
        if off is None:
            out.append(Check(name, picture.camera, None, "m", None, None, "UNSURE", r.words()))
        else:
            value = round(off, 4)
            out.append(Check(name, picture.camera, value, "m", None, None, "PASS", r.words()))
    return out
