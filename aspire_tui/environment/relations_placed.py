"""Relations of a thing to a place: covering a printed outline, round a peg, in a tray. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np

from aspire_tui.domain import Check
from aspire_tui.environment.footprint import (
    find_by_outline,
    handle_at,
    handle_offset,
    patches_of,
)
from aspire_tui.environment.judging import (
    RELEASE_GAP_M,
    Look,
    Marks,
    RelationKind,
    Sensed,
    Truth,
    judge_range,
)
from aspire_tui.environment.perception.outlines import coverage
from aspire_tui.environment.perception.picture import Picture
from aspire_tui.environment.task import ObjectDef, Relation, TaskDef

COVERED = 0.85
COVERED_SD = 0.04
"""About 1.5 mm of a bar's edge: less than a pixel of the scene camera, which a fit over hundreds of
edge pixels can tell."""

ROUND_M = 0.03
"""A nut whose middle is this near to the peg's has it in its hole."""

LOW_M = 0.05
PLACE_SD_M = 0.004
CLOSED_SHARE = 0.6
"""Fingers closer together than this share of a thing's width have nothing of it between them."""

HEIGHT_SD_M = 0.006

SURE_MISFIT = 0.08
"""An outline cut off by the picture's edge may fit another way round; the right way it disagrees by
0.03 of its area at most, the wrong way round by 0.12 and more."""


def yaw_of(wxyz: tuple[float, float, float, float]) -> float:
    """Turn about the vertical of a thing that lies flat."""
    w, x, y, z = wxyz
    return float(np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z)))


def _upright(wxyz: tuple[float, float, float, float]) -> float:
    _, x, y, _ = wxyz
    return float(1 - 2 * (x * x + y * y))


# -- covers ------------------------------------------------------------------------------------


def _mark_target(picture: Picture, task: TaskDef, r: Relation, table_z_m: float) -> dict[str, Any]:
    found = find_by_outline(picture, task.object(r.target), table_z_m)
    if found is None or not found.good or found.misfit > SURE_MISFIT:
        return {}
    return {f"{r.target} pose": (found.x_m, found.y_m, found.yaw_rad)}


def _covers_measure(
    picture: Picture, task: TaskDef, r: Relation, marks: Marks, table_z_m: float
) -> dict[str, float]:
    target = marks.get(f"{r.target} pose")
    thing = task.object(r.object)
    found = find_by_outline(picture, thing, table_z_m)
    if target is None or found is None or not found.good or found.misfit > SURE_MISFIT:
        return {}
    pose = (found.x_m, found.y_m, found.yaw_rad)
    turned = (found.yaw_rad - target[2] + np.pi) % (2 * np.pi) - np.pi
    return {
        f"{r.object} coverage": coverage(patches_of(thing), target, pose),
        f"{r.object} off": float(np.hypot(pose[0] - target[0], pose[1] - target[1])),
        f"{r.object} turned": abs(float(turned)),
    }


def _covers_checks(task: TaskDef, r: Relation, looks: list[Look], s: Sensed) -> list[Check]:
    least = COVERED if r.share is None else r.share
    out = [_let_go(task.object(r.object), s)]
    for look in looks:
        name = f"{r.target} covered"
        value = look.measured.get(f"{r.object} coverage")
        off, turned = (look.measured.get(f"{r.object} {k}") for k in ("off", "turned"))
        why = ""
        if off is not None and turned is not None:
            why = f"{1000 * off:.0f} mm and {np.rad2deg(turned):.0f} degrees off"
        out.append(
            judge_range(name, look.camera, value, "share", least, None, sd=COVERED_SD, why=why)
        )
    return out


def _covers_truth(task: TaskDef, r: Relation, t: Truth) -> tuple[bool, dict[str, float]]:
    thing = task.object(r.object)
    a, b = t.objects[r.object], t.objects[r.target]
    pose = (a.xyz_m[0], a.xyz_m[1], yaw_of(a.wxyz))
    target = (b.xyz_m[0], b.xyz_m[1], yaw_of(b.wxyz))
    flat = _upright(a.wxyz) > 0.98 and a.xyz_m[2] - t.table_z_m < 0.75 * thing.size_m[2]
    share = coverage(patches_of(thing), target, pose) if flat else 0.0
    off = float(np.hypot(pose[0] - target[0], pose[1] - target[1]))
    turned = abs((pose[2] - target[2] + np.pi) % (2 * np.pi) - np.pi)
    ok = share > (COVERED if r.share is None else r.share) and r.object not in t.gripped
    return ok, {
        f"{r.target} coverage": share,
        f"{r.object} off_m": off,
        f"{r.object} turned_rad": turned,
    }


def _let_go(thing: ObjectDef, s: Sensed) -> Check:
    """Fingers wider apart than its narrowest part, or closer than they could be round it."""
    narrow = min(min(p.long_m, p.wide_m) for p in patches_of(thing))
    if s.width_m < CLOSED_SHARE * narrow:
        hi = CLOSED_SHARE * narrow
        return judge_range("gripper has let go", "gripper", s.width_m, "m", None, hi, sd=0.0005)
    lo = narrow + RELEASE_GAP_M
    return judge_range("gripper has let go", "gripper", s.width_m, "m", lo, None, sd=0.0005)


# -- around ------------------------------------------------------------------------------------


def _mark_peg(picture: Picture, task: TaskDef, r: Relation, table_z_m: float) -> dict[str, Any]:
    found = find_by_outline(picture, task.object(r.target), table_z_m)
    if found is None or not found.good:
        return {}
    return {f"{r.target} xy": (found.x_m, found.y_m)}


def _around_measure(
    picture: Picture, task: TaskDef, r: Relation, marks: Marks, table_z_m: float
) -> dict[str, float]:
    peg = marks.get(f"{r.target} xy")
    thing = task.object(r.object)
    if peg is None:
        return {}
    lying = find_by_outline(picture, thing, table_z_m)
    if lying is None:
        return {}
    # Where it lies on top of the peg instead, its silhouette fits that height better.
    raised = find_by_outline(
        picture, thing, table_z_m, raised_m=task.object(r.target).size_m[2] - thing.size_m[2] / 2
    )
    best = lying
    height = 0.0
    if raised is not None and raised.misfit < lying.misfit:
        best, height = raised, task.object(r.target).size_m[2]
    if not best.good:
        return {}
    return {
        f"{r.object} to {r.target}": float(np.hypot(best.x_m - peg[0], best.y_m - peg[1])),
        f"{r.object} height": height,
    }


def _around_checks(task: TaskDef, r: Relation, looks: list[Look], s: Sensed) -> list[Check]:
    out = [_let_go(task.object(r.object), s)]
    for look in looks:
        apart = look.measured.get(f"{r.object} to {r.target}")
        height = look.measured.get(f"{r.object} height")
        name = f"{r.object} round {r.target}"
        out.append(
            judge_range(name, look.camera, apart, "m", None, ROUND_M - PLACE_SD_M, sd=PLACE_SD_M)
        )
        name = f"{r.object} down"
        out.append(judge_range(name, look.camera, height, "m", None, LOW_M, sd=HEIGHT_SD_M))
    return out


def _around_truth(task: TaskDef, r: Relation, t: Truth) -> tuple[bool, dict[str, float]]:
    a, b = t.objects[r.object], t.objects[r.target]
    apart = float(np.hypot(a.xyz_m[0] - b.xyz_m[0], a.xyz_m[1] - b.xyz_m[1]))
    low = a.xyz_m[2] - t.table_z_m
    ok = apart < ROUND_M and low < LOW_M and r.object not in t.gripped
    return ok, {f"{r.object} apart_m": apart, f"{r.object} z_m": low}


# -- in ----------------------------------------------------------------------------------------


def _in_measure(
    picture: Picture, task: TaskDef, r: Relation, marks: Marks, table_z_m: float
) -> dict[str, float]:
    thing, tray = task.object(r.object), task.object(r.target)
    own = find_by_outline(picture, thing, table_z_m, raised_m=floor_m(tray))
    at = handle_at(picture, tray, table_z_m)
    if own is None or at is None or not own.good:
        return {}
    place = tray.place or (task.object(tray.mount).place if tray.mount else None)
    yaw = 0.0 if place is None else place.yaw_rad[0]
    c, s = np.cos(yaw), np.sin(yaw)
    x, y = handle_offset(tray)
    dx, dy = own.x_m - at[0], own.y_m - at[1]
    along, across = c * dx + s * dy + x, -s * dx + c * dy + y
    return {f"{r.object} in {r.target}": margin_inside(thing, tray, along, across)}


def floor_m(tray: ObjectDef) -> float:
    """Height of the tray's floor above what it stands on: of its widest part."""
    if not tray.parts:
        return 0.0
    floor = max(tray.parts, key=lambda p: p.size_m[0] * p.size_m[1])
    return tray.size_m[2] / 2 + floor.xyz_m[2] + floor.size_m[2] / 2


def margin_inside(thing: ObjectDef, tray: ObjectDef, along_m: float, across_m: float) -> float:
    """How far inside the edge of the tray's floor the middle of a thing is; negative outside."""
    floor = max(tray.parts, key=lambda p: p.size_m[0] * p.size_m[1])
    u = floor.size_m[0] / 2 - abs(along_m - floor.xyz_m[0])
    v = floor.size_m[1] / 2 - abs(across_m - floor.xyz_m[1])
    return float(min(u, v))


def _in_checks(task: TaskDef, r: Relation, looks: list[Look], s: Sensed) -> list[Check]:
    out = [_let_go(task.object(r.object), s)]
    for look in looks:
        value = look.measured.get(f"{r.object} in {r.target}")
        name = f"{r.object} in {r.target}"
        out.append(judge_range(name, look.camera, value, "m", 0.0, None, sd=2 * PLACE_SD_M))
    return out


def _in_truth(task: TaskDef, r: Relation, t: Truth) -> tuple[bool, dict[str, float]]:
    thing, tray = task.object(r.object), task.object(r.target)
    a, b = t.objects[r.object], t.objects[r.target]
    yaw = yaw_of(b.wxyz)
    c, s = np.cos(yaw), np.sin(yaw)
    dx, dy = a.xyz_m[0] - b.xyz_m[0], a.xyz_m[1] - b.xyz_m[1]
    margin = margin_inside(thing, tray, c * dx + s * dy, -s * dx + c * dy)
    low = a.xyz_m[2] - t.table_z_m < floor_m(tray) + 0.75 * max(thing.size_m)
    ok = margin > 0 and low and r.object not in t.gripped
    return ok, {f"{r.object} margin_m": margin, f"{r.object} z_m": a.xyz_m[2] - t.table_z_m}


KINDS = (
    RelationKind(
        "covers", True, True, _covers_checks, _covers_truth, _covers_measure, _mark_target
    ),
    RelationKind("around", True, True, _around_checks, _around_truth, _around_measure, _mark_peg),
    RelationKind("in", True, True, _in_checks, _in_truth, _in_measure),
)
