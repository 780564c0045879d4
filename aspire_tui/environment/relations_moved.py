"""Relations about what changed since the start: a drawer drawn, a spill wiped. Pure.

Each camera compares with what it saw itself at the verified start, so that what its calibration
gets wrong drops out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aspire_tui.domain import Check
from aspire_tui.environment.footprint import handle_at
from aspire_tui.environment.judging import (
    Look,
    Marks,
    RelationKind,
    Sensed,
    Truth,
    judge_looks,
    judge_range,
)
from aspire_tui.environment.perception.cloud import TableCloud
from aspire_tui.environment.perception.outlines import coloured
from aspire_tui.environment.perception.picture import Picture
from aspire_tui.environment.task import Relation, SpillDef, TaskDef

OPEN_M = 0.08
SHUT_M = 0.012
DRAWN_SD_M = 0.004

LEFT = 0.03
LEFT_SD = 0.012
"""About what a changed light on the edge of a spill makes of it."""

STANDS_M = 0.010
LEAST_SPILL_PIXELS = 100
TASK_SPILL = "spill"


# -- opened, shut ------------------------------------------------------------------------------


def _mark_handle(picture: Picture, task: TaskDef, r: Relation, table_z_m: float) -> dict[str, Any]:
    at = handle_at(picture, task.object(r.object), table_z_m)
    return {} if at is None else {f"{r.object} at": at}


def _drawn_measure(
    picture: Picture, task: TaskDef, r: Relation, marks: Marks, table_z_m: float
) -> dict[str, float]:
    start = marks.get(f"{r.object} at")
    at = handle_at(picture, task.object(r.object), table_z_m)
    if start is None or at is None:
        return {}
    return {f"{r.object} drawn": float(np.hypot(at[0] - start[0], at[1] - start[1]))}


def _opened_checks(task: TaskDef, r: Relation, looks: list[Look], s: Sensed) -> list[Check]:
    least = OPEN_M if r.value_m is None else r.value_m
    drawn = f"{r.object} drawn"
    return judge_looks(f"{r.object} open", looks, drawn, "m", least, None, sd=DRAWN_SD_M)


def _shut_checks(task: TaskDef, r: Relation, looks: list[Look], s: Sensed) -> list[Check]:
    most = SHUT_M if r.value_m is None else r.value_m
    drawn = f"{r.object} drawn"
    return judge_looks(f"{r.object} shut", looks, drawn, "m", None, most, sd=DRAWN_SD_M)


def _opened_truth(task: TaskDef, r: Relation, t: Truth) -> tuple[bool, dict[str, float]]:
    drawn = t.slides_m[r.object]
    least = OPEN_M if r.value_m is None else r.value_m
    return drawn > least, {f"{r.object} drawn_m": drawn}


def _shut_truth(task: TaskDef, r: Relation, t: Truth) -> tuple[bool, dict[str, float]]:
    drawn = t.slides_m[r.object]
    most = SHUT_M if r.value_m is None else r.value_m
    return drawn < most, {f"{r.object} drawn_m": drawn}


# -- wiped -------------------------------------------------------------------------------------


def spill_of(task: TaskDef) -> SpillDef:
    """The spill a task talks about."""
    if task.spill is None:
        raise KeyError(f"task {task.name} has no [spill]")
    return task.spill


def _mark_spill(picture: Picture, task: TaskDef, r: Relation, table_z_m: float) -> dict[str, Any]:
    cloud = TableCloud.of(picture, table_z_m)
    if cloud is None:
        return {}
    spilt = coloured(picture.rgb, spill_of(task).colour) & ~_standing(cloud)
    if int(np.count_nonzero(spilt)) < LEAST_SPILL_PIXELS:
        return {}
    return {TASK_SPILL: spilt, "ground": _ground_m2(cloud)}


def _ground_m2(cloud: TableCloud) -> NDArray[np.float64]:
    """How much of the table each pixel shows, up to one factor for all, shape (H, W)."""
    everywhere = np.ones(cloud.shape, bool)
    xy = cloud.on_level(everywhere, cloud.table_z_m)
    away = np.hypot(*(xy - cloud.eye()[:2]).T)
    height = float(cloud.eye()[2] - cloud.table_z_m)
    return np.asarray((np.hypot(away, height) ** 3 / height).reshape(cloud.shape))


def _standing(cloud: TableCloud) -> NDArray[np.bool_]:
    return np.asarray(cloud.height_m > max(STANDS_M, 4 * cloud.depth_noise_m), bool)


def _wiped_measure(
    picture: Picture, task: TaskDef, r: Relation, marks: Marks, table_z_m: float
) -> dict[str, float]:
    before = marks.get(TASK_SPILL)
    cloud = TableCloud.of(picture, table_z_m)
    if before is None or cloud is None or before.shape != cloud.shape:
        return {}
    area = marks["ground"]
    now = coloured(picture.rgb, spill_of(task).colour)
    hidden = before & (_standing(cloud) | ~cloud.valid) & ~now
    # Single pixels without a reading show the table in colour all the same.
    hidden &= _standing(cloud) | _crowded(~cloud.valid)
    whole = float(area[before].sum())
    return {
        "spill left": float(area[before & now].sum()) / whole,
        "spill hidden": float(area[hidden].sum()) / whole,
    }


def _crowded(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    from scipy import ndimage

    return np.asarray(ndimage.uniform_filter(mask.astype(np.float32), 5) > 0.5)


def _wiped_checks(task: TaskDef, r: Relation, looks: list[Look], s: Sensed) -> list[Check]:
    most = LEFT if r.share is None else r.share
    out = []
    for look in looks:
        left, hidden = look.measured.get("spill left"), look.measured.get("spill hidden")
        check = judge_range("spill left", look.camera, left, "share", None, most, sd=LEFT_SD)
        if check.outcome == "PASS" and (hidden is None or hidden > LEFT_SD):
            share = 100 * (hidden or 0.0)
            why = f"something stands on {share:.0f} % of where it was"
            check = Check(check.name, check.source, None, "share", None, most, "UNSURE", why)
        out.append(check)
    return out


def _wiped_truth(task: TaskDef, r: Relation, t: Truth) -> tuple[bool, dict[str, float]]:
    left = 1.0 if t.film_left is None else t.film_left
    return left < (LEFT if r.share is None else r.share), {"spill left": left}


KINDS = (
    RelationKind(
        "opened", False, True, _opened_checks, _opened_truth, _drawn_measure, _mark_handle
    ),
    RelationKind("shut", False, True, _shut_checks, _shut_truth, _drawn_measure, _mark_handle),
    RelationKind("wiped", False, True, _wiped_checks, _wiped_truth, _wiped_measure, _mark_spill),
)
