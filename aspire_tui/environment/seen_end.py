"""The end of an attempt as it was seen: pictures and sensors, judged without any cell. Pure.

The verifier judges what it has just looked at this way, and what was kept of it can be judged
again: the same pictures and the same task give the same checks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from aspire_tui.domain import Check, Outcome
from aspire_tui.environment.judging import AFAR_M, HEIGHT_SD_M, HELD_AFAR_SD_M, Marks
from aspire_tui.environment.perception.measure import surface_top
from aspire_tui.environment.perception.objects import ObjectEstimate, locate
from aspire_tui.environment.perception.picture import Picture
from aspire_tui.environment.perception.without_depth import blind
from aspire_tui.environment.relations import RELATIONS, Look, Sensed, Sighting
from aspire_tui.environment.task import TaskDef


@dataclass(frozen=True)
class SeenEnd:
    """Two looks of each camera, a second apart, and what else the verifier knows."""

    first: Mapping[str, Picture]
    second: Mapping[str, Picture]
    sensed: Sensed
    held: bool
    """Something is between fingers."""
    marks: Mapping[str, Marks] = field(default_factory=dict)


def checks_of(task: TaskDef, end: SeenEnd) -> list[Check]:
    """Every relation of the goal, by each camera and sensor alone."""
    looks = [
        Look(
            camera,
            _sighted(task, end.first[camera], end),
            _sighted(task, end.second[camera], end),
            _measured(task, end.second[camera], end),
        )
        for camera in task.cameras
    ]
    return [c for r in task.goal for c in RELATIONS[r.relation].checks(task, r, looks, end.sensed)]


def fuse(checks: Sequence[Check]) -> tuple[Outcome, str]:
    """PASS by at least one camera or sensor for every check, FAIL by none."""
    for c in checks:
        if c.outcome == "FAIL":
            return "FAIL", f"{c.name}: {_range(c)} ({c.source})"
    for name in dict.fromkeys(c.name for c in checks):
        votes = [c for c in checks if c.name == name]
        if not any(c.outcome == "PASS" for c in votes):
            why = votes[0].why or _range(votes[0])
            return "UNSURE", f"{name}: {why} ({', '.join(c.source for c in votes)})"
    return "PASS", f"all of {len(checks)} checks agree"


def _range(c: Check) -> str:
    if c.lo is None and c.hi is None:
        return c.why
    value = "no value" if c.value is None else f"{c.value:g} {c.unit}"
    if c.lo is None:
        return f"{value}, at most {c.hi:g}"
    if c.hi is None:
        return f"{value}, at least {c.lo:g}"
    return f"{value}, expected {c.lo:g} to {c.hi:g}"


def _sighted(task: TaskDef, picture: Picture, end: SeenEnd) -> dict[str, Sighting]:
    if all(RELATIONS[r.relation].measure is not None for r in task.goal):
        return {}
    return {o.name: s for o in task.objects if (s := _sight(picture, o.name, end))}


def _sight(picture: Picture, name: str, end: SeenEnd) -> Sighting | None:
    if blind(picture):
        return None  # How high a thing is, on another or held, no camera without depth can tell.
    table_z_m = end.sensed.table_z_m
    found = locate([picture], name, table_z_m=table_z_m)
    if isinstance(found, ObjectEstimate):
        x, y, top = float(found.position[0]), float(found.position[1]), found.top_z_m
    elif not end.held:
        return None
    else:
        # Between the fingers no box can be fitted; how high the seen surface reaches can be told.
        surface = surface_top(picture, name, table_z_m)
        if surface is None:
            return None
        x, y, top = surface
    away = float(np.linalg.norm(picture.T_base_cam[:3, 3] - (x, y, top)))
    doubt = HELD_AFAR_SD_M if end.held and away > AFAR_M else HEIGHT_SD_M
    return Sighting(x, y, top, doubt)


def _measured(task: TaskDef, picture: Picture, end: SeenEnd) -> dict[str, float]:
    out: dict[str, float] = {}
    marks = end.marks.get(picture.camera, {})
    for r in task.goal:
        own = RELATIONS[r.relation].measure
        if own is not None:
            out.update(own(picture, task, r, marks, end.sensed.table_z_m))
    return out
