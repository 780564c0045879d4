"""Relations about things held up: upright, by both arms, by the second arm alone. Pure."""

from __future__ import annotations

import numpy as np

from aspire_tui.domain import Check
from aspire_tui.environment.judging import (
    Look,
    Marks,
    RelationKind,
    Sensed,
    Truth,
    judge_looks,
    judge_range,
)
from aspire_tui.environment.perception.picture import Picture
from aspire_tui.environment.perception.posture import lowest_seen, posture
from aspire_tui.environment.task import Relation, TaskDef

BOTTOM_SD_M = 0.008
"""The lower edge of something in the gripper, seen from above."""

UPRIGHT_RAD = float(np.deg2rad(20.0))
TILT_SD_RAD = float(np.deg2rad(8.0))
CLEAR_M = 0.05


def _measure(
    picture: Picture, task: TaskDef, r: Relation, marks: Marks, table_z_m: float
) -> dict[str, float]:
    found = posture(picture, r.object, table_z_m)
    if found is None:
        return {}
    return {
        f"{r.object} bottom": found.bottom_z_m - table_z_m,
        f"{r.object} tilt": found.tilt_rad,
    }


def _checks(task: TaskDef, r: Relation, looks: list[Look], s: Sensed) -> list[Check]:
    least = CLEAR_M if r.value_m is None else r.value_m
    out = []
    for look in looks:
        # The camera on the hand sees what it holds from above: neither its lower end nor its lean.
        bottom = look.measured.get(f"{r.object} bottom")
        tilt = look.measured.get(f"{r.object} tilt")
        out.append(
            judge_range(
                f"{r.object} above table", look.camera, bottom, "m", least, None, sd=BOTTOM_SD_M
            )
        )
        out.append(
            judge_range(
                f"{r.object} upright", look.camera, tilt, "rad", None, UPRIGHT_RAD, sd=TILT_SD_RAD
            )
        )
    narrow = min(task.object(r.object).size_m[:2])
    out.append(
        judge_range(
            "gripper closed on it",
            "gripper",
            s.width_m,
            "m",
            0.6 * narrow,
            1.2 * narrow,
            sd=0.0005,
        )
    )
    return out


def _truth(task: TaskDef, r: Relation, t: Truth) -> tuple[bool, dict[str, float]]:
    thing, pose = task.object(r.object), t.objects[r.object]
    _, x, y, _ = pose.wxyz
    up = 1.0 - 2.0 * (x * x + y * y)
    tilt = float(np.arccos(np.clip(up, -1.0, 1.0)))
    radius = max(thing.size_m[:2]) / 2
    bottom = pose.xyz_m[2] - abs(up) * thing.size_m[2] / 2 - np.sin(tilt) * radius - t.table_z_m
    least = CLEAR_M if r.value_m is None else r.value_m
    ok = bottom > least and tilt < UPRIGHT_RAD and r.object in t.gripped
    return ok, {f"{r.object} bottom_m": float(bottom), f"{r.object} tilt_rad": tilt}


# -- by two arms ---------------------------------------------------------------------------------

BOTH_M, HANDED_M = 0.10, 0.10


def _bottom_measure(
    picture: Picture, task: TaskDef, r: Relation, marks: Marks, table_z_m: float
) -> dict[str, float]:
    bottom = lowest_seen(picture, r.object, table_z_m)
    return {} if bottom is None else {f"{r.object} bottom": bottom - table_z_m}


def _bottoms(r: Relation, looks: list[Look], least: float) -> list[Check]:
    name, bottom = f"{r.object} above table", f"{r.object} bottom"
    return judge_looks(name, looks, bottom, "m", least, None, sd=BOTTOM_SD_M)


def _round(name: str, width_m: float, narrow_m: float) -> Check:
    lo, hi = 0.6 * narrow_m, 1.6 * narrow_m
    return judge_range(name, "gripper", width_m, "m", lo, hi, sd=0.0005)


def _grip_width(task: TaskDef, r: Relation) -> float:
    """What the fingers are round: the narrowest part of another colour, else of all."""
    thing = task.object(r.object)
    named = [p for p in thing.parts if p.colour and p.colour != thing.colour] or [*thing.parts]
    return min(min(p.size_m[:2]) for p in named)


def _both_checks(task: TaskDef, r: Relation, looks: list[Look], s: Sensed) -> list[Check]:
    narrow = _grip_width(task, r)
    hands = [
        _round(f"hand {i + 1} closed on it", width, narrow) for i, width in enumerate(s.widths_m)
    ]
    return [*hands, *_bottoms(r, looks, BOTH_M if r.value_m is None else r.value_m)]


def _both_truth(task: TaskDef, r: Relation, t: Truth) -> tuple[bool, dict[str, float]]:
    pose, thing = t.objects[r.object], task.object(r.object)
    bottom = pose.xyz_m[2] - thing.size_m[2] / 2 - t.table_z_m
    hands = sum(r.object in held for held in t.holding.values())
    least = BOTH_M if r.value_m is None else r.value_m
    ok = bottom > least and hands == len(t.holding) and hands > 1
    return ok, {f"{r.object} bottom_m": bottom, "hands": float(hands)}


def _handed_checks(task: TaskDef, r: Relation, looks: list[Look], s: Sensed) -> list[Check]:
    narrow = _grip_width(task, r)
    out = _bottoms(r, looks, HANDED_M if r.value_m is None else r.value_m)
    if len(s.widths_m) < 2:
        return [*out, judge_range("second hand closed on it", "gripper", None, "m", 0, 1, sd=0)]
    open_m = 1.6 * narrow
    let_go = judge_range("first hand open", "gripper", s.widths_m[0], "m", open_m, None, sd=0.0005)
    return [*out, let_go, _round("second hand closed on it", s.widths_m[1], narrow)]


def _handed_truth(task: TaskDef, r: Relation, t: Truth) -> tuple[bool, dict[str, float]]:
    pose, thing = t.objects[r.object], task.object(r.object)
    x, y = pose.wxyz[1], pose.wxyz[2]
    tilt = float(np.arccos(np.clip(1.0 - 2.0 * (x * x + y * y), -1.0, 1.0)))
    reach = abs(np.cos(tilt)) * thing.size_m[2] / 2 + np.sin(tilt) * thing.size_m[0] / 2
    bottom = float(pose.xyz_m[2] - reach - t.table_z_m)
    first, second = (r.object in held for held in [*t.holding.values()][:2])
    least = HANDED_M if r.value_m is None else r.value_m
    values = {f"{r.object} bottom_m": bottom, "first": float(first), "second": float(second)}
    return bottom > least and second and not first, values


KINDS = (
    RelationKind("upright_above", False, False, _checks, _truth, _measure),
    RelationKind("raised_by_both", False, False, _both_checks, _both_truth, _bottom_measure),
    RelationKind("handed_over", False, False, _handed_checks, _handed_truth, _bottom_measure),
)
