"""The relation of a thing that is carried: in the hand and clear of the table. Pure."""

from __future__ import annotations

from aspire_tui.domain import Check
from aspire_tui.environment.judging import (
    HEIGHT_SD_M,
    Look,
    RelationKind,
    Sensed,
    Truth,
    judge_range,
)
from aspire_tui.environment.task import Relation, TaskDef

CLEAR_M = 0.04
PRESSING_N = 1.0


def _least(r: Relation) -> float:
    return CLEAR_M if r.value_m is None else r.value_m


def _checks(task: TaskDef, r: Relation, looks: list[Look], s: Sensed) -> list[Check]:
    """Off the table by every camera and by the hand's height; in the hand by opening and force."""
    thing, least = task.object(r.object), _least(r)
    height = thing.size_m[2]
    out = []
    for look in looks:
        seen = look.second.get(r.object)
        clear = None if seen is None else seen.top_z_m - height - s.table_z_m
        name = f"{r.object} above table"
        out.append(judge_range(name, look.camera, clear, "m", least, None, sd=HEIGHT_SD_M))
    narrow, wide = min(thing.size_m), max(thing.size_m)
    fingers = ("gripper closed on it", "gripper", s.width_m, "m", 0.6 * narrow, 1.2 * wide)
    out.append(judge_range(*fingers, sd=0.0005))
    force = ("gripper presses", "gripper", s.grip_force_N, "N", PRESSING_N, None)
    out.append(judge_range(*force, sd=0.1))
    # The hand holds it somewhere between its top and its bottom: this much at least is below it.
    raised = s.tool_xyz_m[2] - height - s.table_z_m
    hand = ("hand above table", "joints", raised, "m", least - height / 2, None)
    out.append(judge_range(*hand, sd=0.002))
    return out


def _truth(task: TaskDef, r: Relation, t: Truth) -> tuple[bool, dict[str, float]]:
    height = task.object(r.object).size_m[2]
    clear = t.objects[r.object].xyz_m[2] - height / 2 - t.table_z_m
    held = r.object in t.gripped
    values = {f"{r.object} clearance_m": clear, f"{r.object} gripped": float(held)}
    return clear > _least(r) and held, values


KINDS = (RelationKind("carried", False, False, _checks, _truth),)
