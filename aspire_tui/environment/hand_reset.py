"""Brings a scene to its start without a simulator's powers: by the arm itself, or by a person.

What is screwed down or printed stays where the cameras see it; what lies free is taken to its drawn
place by the robot's own primitives, a drawer is pushed shut, and what no arm can do (pour a spill,
set up what fell off the table) is asked of the operator with a picture of how it should be. After a
person may have reached in, only their word ``clear`` lets the arm move, and it moves slowly first.
No scripted hand is used anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.draw import Placed, ResetImpossible, draw
from aspire_tui.environment.footprint import (
    bar_to_hold,
    find_by_outline,
    handle_at,
    rows_of,
)
from aspire_tui.environment.guidance import residuals
from aspire_tui.environment.parking import park
from aspire_tui.environment.perception.objects import ObjectEstimate, locate
from aspire_tui.environment.perception.overlay import draw_masks
from aspire_tui.environment.perception.topdown import grasp_on_box
from aspire_tui.environment.primitives.grasping import gripper_shape
from aspire_tui.environment.primitives.gripper import close_gripper, open_gripper, set_gripper
from aspire_tui.environment.primitives.motion import (
    goto_pose_along_tool,
    home_pose,
    move_linear,
    move_until_contact,
)
from aspire_tui.environment.primitives.registry import Primitive
from aspire_tui.environment.task import TaskDef

NEAR_PLACE_M = 0.025
AT_PLACE_M = 0.035
DRAWS = 40
APPROACH_M = 0.08
CARRY_M = 0.10
LOOK_M = 0.16
RAISED_M, ASIDE_M = 0.02, 0.13
ROUNDS = 3
LOWEST_M = 0.017
MOST_TURN_RAD = np.deg2rad(60.0)
CLEAR = "clear"
SLOW = 0.25
"""Of full speed, for the first move after a person may have reached in."""

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Seen:
    """Where one thing is now: centre (3,) of a box, or origin of an outline, and its yaw."""

    xyz_m: FloatArray
    yaw_rad: float
    grip_xyz_m: FloatArray
    grip_yaw_rad: float
    """Along which the fingers open."""


def start_for(task: TaskDef, seed: int, attempt: int, bench: Workbench) -> list[Placed]:
    """A start for this seed round what cannot be moved.

    Raises:
        ResetImpossible: What is fixed is not seen, or leaves no room.
    """
    fixed = {o.name: _standing(task, o.name, bench) for o in task.objects if o.hold != "free"}
    if task.start.recalled:
        return draw(task, seed, attempt, bench.table_z_m)[0]
    for k in range(DRAWS):
        placed, _ = draw(task, seed, attempt + 1000 * k, bench.table_z_m)
        moved = [_at(p, fixed) for p in placed]
        if _apart(moved, task):
            return moved
    raise ResetImpossible(f"task {task.name}: no start fits round what is fixed on the table")


def _at(p: Placed, fixed: dict[str, tuple[float, float, float]]) -> Placed:
    name = p.thing.mount or p.thing.name
    if name not in fixed:
        return p
    x, y, yaw = fixed[name]
    return replace(p, xyz_m=(x, y, p.xyz_m[2]), yaw_rad=yaw)


def _standing(task: TaskDef, name: str, bench: Workbench) -> tuple[float, float, float]:
    """Where something fixed stands: by its own outline, or by what is mounted on it."""
    thing = task.object(name)
    view = bench.look(task.cameras[0])
    yaw = thing.place.yaw_rad[0] if thing.place is not None else 0.0
    for other in task.objects:
        if other.mount == name and other.rail is not None:
            at = handle_at(view, other, bench.table_z_m)
            if at is None:
                raise ResetImpossible(f"the handle of {other.name} is not seen")
            # How far it is drawn is unknown here; a frame stands within its own place.
            x = float(np.clip(at[0], *thing.place.x_m)) if thing.place else at[0]
            y = sum(thing.place.y_m) / 2 if thing.place else at[1]
            return x, y, yaw
    found = find_by_outline(view, thing, bench.table_z_m)
    if found is None or not found.good:
        raise ResetImpossible(f"{name} is not seen, and no arm can put it there")
    return found.x_m, found.y_m, found.yaw_rad


def _apart(placed: list[Placed], task: TaskDef) -> bool:
    """Nothing on anything else but what the start stacks or mounts."""
    stacked = {r.object for r in task.start.relations if r.relation == "on"}
    ground = [p for p in placed if p.thing.name not in stacked and not p.thing.mount]
    for i, a in enumerate(ground):
        for b in ground[:i]:
            room = (np.hypot(*a.thing.size_m[:2]) + np.hypot(*b.thing.size_m[:2])) / 2
            if np.hypot(a.xyz_m[0] - b.xyz_m[0], a.xyz_m[1] - b.xyz_m[1]) < room:
                return False
    return True


def by_arm(task: TaskDef, placed: list[Placed], bench: Workbench) -> str:
    """Let the arm bring every thing to its place; why it could not, or empty when done."""
    if task.spill is not None:
        return "a spill can only be poured by a person"
    stuck = park(bench)
    if stuck:
        return f"the arm did not go home: {stuck}"
    bench.forget()
    stacked = {r.object for r in task.start.relations if r.relation == "on"}
    # What is on top has to come off before what is below can move.
    for p in placed:
        if p.thing.hold == "free" and not p.thing.parts and p.thing.rail is None:
            _take_down(task, p, bench)
    ground = [p for p in placed if p.thing.name not in stacked]
    left = ""
    for _ in range(ROUNDS):
        # What is in another thing's place may have moved by the next round.
        left = next(filter(None, [_settled(task, p, bench) for p in ground]), "")
        if not left:
            break
    for p in placed:
        if not left and p.thing.name in stacked:
            left = _settled(task, p, bench)
    return left


def _settled(task: TaskDef, p: Placed, bench: Workbench) -> str:
    why = ""
    if p.thing.rail is not None:
        why = _push_shut(p, bench)
    elif p.thing.hold == "free":
        why = _bring(task, p, bench)
    return f"{p.thing.name}: {why}" if why else ""


def _take_down(task: TaskDef, p: Placed, bench: Workbench) -> None:
    """Put what stands on another thing on the table beside it; failing shows in what follows."""
    seen = _see(task, p, bench)
    if seen is None or seen.xyz_m[2] - p.thing.size_m[2] / 2 - bench.table_z_m < RAISED_M:
        return
    side = -ASIDE_M if seen.xyz_m[1] > 0 else ASIDE_M
    beside = (float(seen.xyz_m[0]), float(seen.xyz_m[1]) + side, p.thing.size_m[2] / 2)
    seen = _closer(p, seen, bench)
    _carry(replace(p, xyz_m=beside, yaw_rad=seen.yaw_rad), seen, 0.0, bench)
    home_pose.invoke(bench, {})


def _closer(p: Placed, seen: Seen, bench: Workbench) -> Seen:
    """The hand's own camera looks once more from above; what it does not see stays as it was."""
    hand = next((c.name for c in bench.cell.info.cameras if c.mount == bench.arm.name), None)
    if hand is None or p.thing.parts:
        return seen
    above = np.array([*seen.xyz_m[:2], seen.xyz_m[2] + LOOK_M])
    goto_pose_along_tool.invoke(
        bench, {"position": above, "quaternion_wxyz": np.array([0.0, 0.0, 1.0, 0.0])}
    )
    found = locate([bench.look(hand)], p.thing.name, table_z_m=bench.table_z_m)
    if not isinstance(found, ObjectEstimate):
        return seen
    if np.hypot(*(found.position[:2] - seen.xyz_m[:2])) > 0.03:
        return seen
    return _boxed(found, bench)


def _boxed(found: ObjectEstimate, bench: Workbench) -> Seen:
    position, wxyz, _ = grasp_on_box(found, bench.table_z_m, gripper_shape(bench))
    yaw = np.pi / 2 - 2 * float(np.arctan2(wxyz[1], wxyz[2]))
    return Seen(found.position, found.yaw_rad, position, yaw)


def _bring(task: TaskDef, p: Placed, bench: Workbench) -> str:
    """Pick one thing up and put it where it belongs; why it is not there, or empty."""
    seen = _see(task, p, bench)
    if seen is None:
        return "not seen"
    if _off(p, seen) < NEAR_PLACE_M:
        return ""
    bottom = p.xyz_m[2] - p.thing.size_m[2] / 2 - bench.table_z_m
    why = _carry(p, _closer(p, seen, bench), bottom, bench)
    home_pose.invoke(bench, {})
    after = _see(task, p, bench)
    if after is not None and _off(p, after) < AT_PLACE_M:
        return ""
    return why or "not where it was put"


def _off(p: Placed, seen: Seen) -> float:
    """How far it lies from its place; what stands at another height is far."""
    if abs(seen.xyz_m[2] - p.xyz_m[2]) > RAISED_M:
        return float("inf")
    return float(np.hypot(seen.xyz_m[0] - p.xyz_m[0], seen.xyz_m[1] - p.xyz_m[1]))


def _see(task: TaskDef, p: Placed, bench: Workbench) -> Seen | None:
    view = bench.look(task.cameras[0])
    table = bench.table_z_m
    if p.thing.parts:
        fit = find_by_outline(view, p.thing, table)
        if fit is None or not fit.good:
            return None
        row = bar_to_hold(rows_of(p.thing))
        if row is None:
            return None
        c, s = np.cos(fit.yaw_rad), np.sin(fit.yaw_rad)
        x, y = fit.x_m + c * row[0] - s * row[1], fit.y_m + s * row[0] + c * row[1]
        across = fit.yaw_rad + (np.pi / 2 if row[2] >= row[3] else 0.0)
        at = np.array([fit.x_m, fit.y_m, table + p.thing.size_m[2] / 2])
        grip = np.array([x, y, max(LOWEST_M + table, at[2])])
        return Seen(at, fit.yaw_rad, grip, float(across))
    found = locate([view], p.thing.name, table_z_m=table)
    if not isinstance(found, ObjectEstimate):
        return None
    return _boxed(found, bench)


def _down(yaw_rad: float) -> FloatArray:
    """The hand straight down, opening along a yaw; the half turn nearest to its usual one."""
    turn = (yaw_rad - np.pi / 2 + np.pi / 2) % np.pi - np.pi / 2
    return np.array([0.0, -np.sin(turn / 2), np.cos(turn / 2), 0.0])


def _carry(p: Placed, seen: Seen, bottom_m: float, bench: Workbench) -> str:
    before = (seen.grip_yaw_rad - np.pi / 2 + np.pi / 2) % np.pi - np.pi / 2
    turn = float(np.clip((p.yaw_rad - seen.yaw_rad + np.pi / 2) % np.pi - np.pi / 2, -1.0, 1.0))
    if abs(before + turn) > np.pi / 2 + MOST_TURN_RAD / 2:
        turn = 0.0
    offset = seen.grip_xyz_m[:2] - seen.xyz_m[:2]
    c, s = np.cos(turn), np.sin(turn)
    place = np.array(p.xyz_m[:2]) + np.array([[c, -s], [s, c]]) @ offset
    in_hand = float(seen.grip_xyz_m[2] - (seen.xyz_m[2] - p.thing.size_m[2] / 2))
    z = bench.table_z_m + bottom_m + in_hand + 0.003
    first, last = _down(before + np.pi / 2), _down(before + turn + np.pi / 2)
    up = np.array([0.0, 0.0, CARRY_M])
    target = np.array([*place, z])
    steps: tuple[tuple[Primitive, dict[str, Any]], ...] = (
        (open_gripper, {}),
        (
            goto_pose_along_tool,
            {"position": seen.grip_xyz_m, "quaternion_wxyz": first, "z_approach": APPROACH_M},
        ),
        (close_gripper, {}),
        (goto_pose_along_tool, {"position": seen.grip_xyz_m + up, "quaternion_wxyz": first}),
        (
            goto_pose_along_tool,
            {"position": target, "quaternion_wxyz": last, "z_approach": APPROACH_M},
        ),
        (open_gripper, {}),
        (goto_pose_along_tool, {"position": target + up, "quaternion_wxyz": last}),
    )
    for primitive, arguments in steps:
        outcome = primitive.invoke(bench, arguments)
        if outcome.status not in ("OK", "NOT_CONVERGED"):
            open_gripper.invoke(bench, {})
            return f"{primitive.name} {outcome.status}: {outcome.summary}"
    return ""


def _push_shut(p: Placed, bench: Workbench) -> str:
    """Push a drawer in by the front of its handle until it stops."""
    assert p.thing.rail is not None
    view = bench.look(bench.cell.info.cameras[0].name)
    at = handle_at(view, p.thing, bench.table_z_m)
    if at is None:
        return "its handle is not seen"
    out = np.array([np.cos(p.yaw_rad), np.sin(p.yaw_rad)])
    front = np.array(at) + 0.05 * out
    z = bench.table_z_m + 0.75 * p.thing.size_m[2]
    hand = _down(p.yaw_rad)
    steps: tuple[tuple[Primitive, dict[str, Any]], ...] = (
        (set_gripper, {"width_m": 0.0}),
        (
            goto_pose_along_tool,
            {"position": np.array([*front, z + 0.10]), "quaternion_wxyz": hand},
        ),
        (move_linear, {"position": np.array([*front, z]), "quaternion_wxyz": hand}),
        (
            move_until_contact,
            {
                "direction": np.array([*-out, 0.0]),
                "distance_m": 0.05 + p.thing.rail.reach_m + 0.02,
                "speed": 0.08,
            },
        ),
    )
    why = ""
    for primitive, arguments in steps:
        outcome = primitive.invoke(bench, arguments)
        if outcome.status not in ("OK", "NOT_FOUND"):
            why = f"{primitive.name} {outcome.status}: {outcome.summary}"
            break
    tool = bench.kinematics.tool_pose(bench.joints())[:3, 3]
    away = np.array([*(tool[:2] + 0.012 * out), tool[2]])
    move_linear.invoke(bench, {"position": away})
    move_linear.invoke(bench, {"position": away + np.array([0.0, 0.0, 0.12])})
    return why or park(bench)


def by_operator(task: TaskDef, placed: list[Placed], bench: Workbench, why: str) -> str:
    """Ask a person to set the scene as a picture shows it; why it was not, or empty when done."""
    view = bench.look(task.cameras[0])
    told = [r.words() for r in residuals(view, placed, bench.table_z_m)]
    if task.spill is not None:
        told.append(f"pour the {task.spill.colour} spill where the picture shows it")
    bench.evidence.keyframe(view, reference_picture(view, task, placed, bench.table_z_m))
    text = "Set the scene: " + "; ".join(told)
    if why:
        text += f". The arm could not: {why}"
    heard = bench.operator.ask(f"{text[:400]}. Hands out of the cell, then answer {CLEAR!r}.")
    if heard.status != "OK":
        return f"nobody set the scene ({heard.status}: {heard.text})"
    if heard.text.strip().lower() != CLEAR:
        return f"the cell was not declared {CLEAR} (answer {heard.text!r}); nothing moved"
    speed, bench.speed = bench.speed, min(bench.speed, SLOW)
    try:
        stuck = park(bench)
    finally:
        bench.speed = speed
    bench.forget()
    return f"the arm did not go home: {stuck}" if stuck else ""


def reference_picture(
    view: Any, task: TaskDef, placed: list[Placed], table_z_m: float
) -> NDArray[np.uint8]:
    """The camera's picture with the outline of every thing where it should be."""
    from aspire_tui.environment.footprint import patches_of
    from aspire_tui.environment.perception.camera import invert, project
    from aspire_tui.environment.perception.outlines import distance

    masks = []
    reach = np.arange(-0.12, 0.12, 0.002)
    own = np.stack(np.meshgrid(reach, reach), axis=-1).reshape(-1, 2)
    for p in placed:
        inside = own[distance(patches_of(p.thing), own) < 0]
        c, s = np.cos(p.yaw_rad), np.sin(p.yaw_rad)
        xy = inside @ np.array([[c, s], [-s, c]]) + np.array(p.xyz_m[:2])
        top = np.full(len(xy), p.xyz_m[2] + p.thing.size_m[2] / 2)
        T = invert(view.T_base_cam)
        pixel = project(np.column_stack([xy, top]) @ T[:3, :3].T + T[:3, 3], view.K)
        u, v = np.rint(pixel).astype(int).T
        mask = np.zeros(view.rgb.shape[:2], bool)
        seen = (u >= 0) & (u < mask.shape[1]) & (v >= 0) & (v < mask.shape[0])
        mask[v[seen], u[seen]] = True
        masks.append(mask)
    return draw_masks(view.rgb, masks)
