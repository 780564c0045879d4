"""Relations about things held up: upright in the gripper. Pure."""

from __future__ import annotations

import numpy as np

from aspire_tui.domain import Check
from aspire_tui.environment.judging import (
    Look,
    Marks,
    RelationKind,
    Sensed,
    Truth,
    judge_range,
)
from aspire_tui.environment.perception.picture import Picture
from aspire_tui.environment.perception.posture import posture
from aspire_tui.environment.task import Relation, TaskDef

BOTTOM_SD_M = 0.008
"""The lower edge of something in the gripper, seen from above."""

UPRIGHT_RAD = np.deg2rad(20.0)
TILT_SD_RAD = np.deg2rad(8.0)
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


KINDS = (RelationKind("upright_above", False, False, _checks, _truth, _measure),)
