"""What a task may ask for, and how cameras, sensors and the referee each judge it. Pure.

Each relation is judged twice, apart: :meth:`RelationKind.checks` from what cameras and sensors
measured (the verifier), and :meth:`RelationKind.truth` from the simulator (the referee). The
success tests are those of the robosuite tasks; a stack is judged at rest with the gripper away.
"""

from __future__ import annotations

import msgspec
import numpy as np

from aspire_tui.domain import Check
from aspire_tui.environment import (
    relations_carried,
    relations_moved,
    relations_people,
    relations_placed,
    relations_raised,
)
from aspire_tui.environment.judging import (
    HEIGHT_SD_M,
    RELEASE_GAP_M,
    Look,
    RelationKind,
    Sensed,
    Sighting,
    Truth,
    TruthPose,
    judge_range,
)
from aspire_tui.environment.task import ObjectDef, Relation, TaskDef

__all__ = [
    "RELATIONS",
    "Look",
    "RelationKind",
    "Sensed",
    "Sighting",
    "Truth",
    "TruthPose",
    "judge_range",
]


def _height(o: ObjectDef) -> float:
    return o.size_m[2]


def _lifted_checks(task: TaskDef, r: Relation, looks: list[Look], s: Sensed) -> list[Check]:
    thing = task.object(r.object)
    least = r.value_m if r.value_m is not None else 0.04
    out = []
    for look in looks:
        seen = look.second.get(r.object)
        clearance = None if seen is None else seen.top_z_m - _height(thing) - s.table_z_m
        doubt = HEIGHT_SD_M if seen is None else seen.height_sd_m
        out.append(
            judge_range(
                f"{r.object} above table", look.camera, clearance, "m", least, None, sd=doubt
            )
        )
    narrow = min(thing.size_m)
    out.append(
        judge_range(
            "gripper closed on it", "gripper", s.width_m, "m", 0.6 * narrow, None, sd=0.0005
        )
    )
    return out


def _lifted_truth(task: TaskDef, r: Relation, t: Truth) -> tuple[bool, dict[str, float]]:
    thing = task.object(r.object)
    clearance = t.objects[r.object].xyz_m[2] - _height(thing) / 2 - t.table_z_m
    least = r.value_m if r.value_m is not None else 0.04
    return clearance > least, {f"{r.object} clearance_m": clearance}


def _on_checks(task: TaskDef, r: Relation, looks: list[Look], s: Sensed) -> list[Check]:
    top, base = task.object(r.object), task.object(r.target)
    stacked = _height(top) + _height(base)
    out = [
        judge_range(
            "gripper has let go",
            "gripper",
            s.width_m,
            "m",
            min(top.size_m[:2]) + RELEASE_GAP_M,
            None,
            sd=0.0005,
        )
    ]
    for look in looks:
        a, a0 = look.second.get(r.object), look.first.get(r.object)
        b = look.second.get(r.target)
        height = None if a is None else a.top_z_m - s.table_z_m
        out.append(
            judge_range(
                f"top of {r.object}",
                look.camera,
                height,
                "m",
                stacked - 0.016,
                stacked + 0.016,
                sd=HEIGHT_SD_M,
            )
        )
        moved = None
        if a is not None and a0 is not None:
            moved = float(np.hypot(a.x_m - a0.x_m, a.y_m - a0.y_m))
        out.append(judge_range("at rest", look.camera, moved, "m", None, 0.012, sd=0.002))
        apart = None
        if a is not None and b is not None:
            apart = float(np.hypot(a.x_m - b.x_m, a.y_m - b.y_m))
        out.append(_over(r, look.camera, apart, top, base))
    return out


def _over(
    r: Relation, camera: str, apart_m: float | None, top: ObjectDef, base: ObjectDef
) -> Check:
    """Its middle over the other: beyond the edge nothing stands, but a camera that sees only parts
    of the two may put their middles so far apart; only where they cannot touch is that a FAIL."""
    edge = 0.5 * max(base.size_m[:2])
    over = judge_range(f"over {r.target}", camera, apart_m, "m", None, edge, sd=HEIGHT_SD_M)
    touching = edge + 0.5 * max(top.size_m[:2]) + HEIGHT_SD_M
    if over.outcome == "FAIL" and apart_m is not None and apart_m < touching:
        return msgspec.structs.replace(over, outcome="UNSURE", why="over the edge, yet not fallen")
    return over


def _on_truth(task: TaskDef, r: Relation, t: Truth) -> tuple[bool, dict[str, float]]:
    a, b = t.objects[r.object], t.objects[r.target]
    top, base = task.object(r.object), task.object(r.target)
    rise = a.xyz_m[2] - b.xyz_m[2]
    expected = (_height(top) + _height(base)) / 2
    apart = float(np.hypot(a.xyz_m[0] - b.xyz_m[0], a.xyz_m[1] - b.xyz_m[1]))
    ok = (
        abs(rise - expected) < 0.01
        and apart < 0.5 * max(base.size_m[:2])
        and r.object not in t.gripped
        and a.speed_m_s < 0.02
    )
    return ok, {
        f"{r.object} rise_m": rise,
        f"{r.object} apart_m": apart,
        f"{r.object} gripped": float(r.object in t.gripped),
    }


def _rests_checks(task: TaskDef, r: Relation, looks: list[Look], s: Sensed) -> list[Check]:
    """As ``on``, by the cameras alone: a hand may be holding something else by now."""
    return [c for c in _on_checks(task, r, looks, s) if c.source != "gripper"]


RELATIONS: dict[str, RelationKind] = {
    k.name: k
    for k in (
        RelationKind("lifted", False, False, _lifted_checks, _lifted_truth),
        RelationKind("on", True, True, _on_checks, _on_truth),
        RelationKind("rests_on", True, False, _rests_checks, _on_truth),
        *relations_raised.KINDS,
        *relations_placed.KINDS,
        *relations_moved.KINDS,
        *relations_carried.KINDS,
        *relations_people.KINDS,
    )
}
