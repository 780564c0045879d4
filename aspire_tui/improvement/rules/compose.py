"""Writes a plain program for a task from the task's data alone. Pure.

Relations become steps, steps become lines of code with the primitives any robot of this kind has.
One look, one grasp, one place: no retries and no second look, which is what skills are for. A task
this module has never seen gets its program the same way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from aspire_tui.environment.footprint import Rows, bar_to_hold, rows_of
from aspire_tui.environment.task import Relation, TaskDef

LIFT_M = 0.12
APPROACH_M = 0.10
ASIDE_M = 0.13
BEHIND_M = 0.026
"""From the middle of a handle's bar to where the closed fingers fit behind it."""


class CannotCompose(Exception):
    """The goal needs a step this composer has no words for."""


@dataclass(frozen=True)
class Step:
    """One thing to do, by the name of its code."""

    act: str
    object: str
    target: str = ""
    value_m: float = 0.0
    rows: Rows = ()
    """Rectangles of the object's outline: x, y, length along x, width."""


def plan_steps(task: TaskDef) -> list[Step]:
    """Order the goal's relations into steps, clearing what stands on things first."""
    above = {r.target: r.object for r in task.start.relations if r.relation == "on"}
    steps: list[Step] = []
    for relation in task.goal:
        if relation.relation == "covers":
            steps += _slide_steps(task, relation)
        elif relation.relation == "carried":
            steps += _fetch_steps(task, relation)
        elif relation.relation == "opened":
            steps += _pull_steps(task, relation)
        else:
            steps += _steps_for(relation, above)
    return steps


def _fetch_steps(task: TaskDef, r: Relation) -> list[Step]:
    place = next((name for name, thing in task.in_scope.items() if thing == r.object), "")
    if not place:
        raise CannotCompose(f"no name in scope says where {r.object!r} is to be driven to")
    return [Step("fetch", r.object, place)]


def _slide_steps(task: TaskDef, r: Relation) -> list[Step]:
    thing = task.object(r.object)
    if not thing.parts:
        raise CannotCompose(f"{r.object!r} has no parts to tell which way it is turned by")
    return [Step("slide_onto", r.object, r.target, value_m=thing.size_m[2], rows=rows_of(thing))]


def _pull_steps(task: TaskDef, r: Relation) -> list[Step]:
    thing = task.object(r.object)
    if thing.rail is None or not (thing.place or thing.mount):
        raise CannotCompose(f"{r.object!r} runs on no rail that the task describes")
    place = thing.place or task.object(thing.mount).place
    bars = [p for p in thing.parts if p.colour == thing.rail.handle]
    if place is None or not bars:
        raise CannotCompose(f"the task does not say which way {r.object!r} opens, or by what")
    bar = bars[0]
    low = thing.size_m[2] / 2 + bar.xyz_m[2] - bar.size_m[2] / 2
    rows = ((0.0, 0.0, bar.size_m[0], bar.size_m[1]), (low, bar.size_m[2], place.yaw_rad[0], 0.0))
    far = min(thing.rail.reach_m, (r.value_m or 0.08) + 0.02)
    return [Step("pull", f"{thing.rail.handle} handle", r.object, value_m=far, rows=rows)]


def _steps_for(r: Relation, above: dict[str, str]) -> list[Step]:
    if r.relation == "on":
        if above.get(r.target) == r.object:
            return []
        out = _clear(r.object, above) + _clear(r.target, above)
        above[r.target] = r.object
        return [
            *out,
            Step("look", r.object),
            Step("look", r.target),
            Step("pick", r.object),
            Step("place_on", r.object, r.target),
        ]
    if r.relation in ("lifted", "upright_above"):
        least = r.value_m if r.value_m is not None else 0.04
        return [
            *_clear(r.object, above),
            Step("pick", r.object),
            Step("raise", r.object, value_m=max(LIFT_M, least + 0.06)),
        ]
    raise CannotCompose(f"no steps are known for the relation {r.relation!r}")


def _clear(name: str, above: dict[str, str]) -> list[Step]:
    if name not in above:
        return []
    upper = above[name]
    out = [
        *_clear(upper, above),
        Step("look", upper),
        Step("pick", upper),
        Step("put_aside", upper),
    ]
    above.pop(name, None)
    return out


def compose(task: TaskDef) -> str:
    """The plain program for a task, as text."""
    lines = [f"# {task.instruction}", ""]
    for step in plan_steps(task):
        lines += _CODE[step.act](step)
    lines.append("RESULT = True")
    return "\n".join(lines) + "\n"


def _name(text: str) -> str:
    return text.replace(" ", "_").replace("-", "_")


def _look(s: Step) -> list[str]:
    n = _name(s.object)
    return [
        f"# where is the {s.object}?",
        f'{n}_position, {n}_quaternion, {n}_size = get_object_pose("{s.object}", '
        "return_bbox_extent=True)",
        "",
    ]


def _pick(s: Step) -> list[str]:
    return [
        f"# pick up the {s.object}",
        f'grasp_position, grasp_quaternion = sample_grasp_pose("{s.object}")',
        "open_gripper()",
        f"goto_pose(grasp_position, grasp_quaternion, z_approach={APPROACH_M})",
        "close_gripper()",
        f"goto_pose(grasp_position + np.array([0.0, 0.0, {LIFT_M}]), grasp_quaternion)",
        "",
    ]


def _fetch(s: Step) -> list[str]:
    return [
        f"# drive to the {s.object}, pick it up and hold it",
        f"navigate_to_pose([{s.target}[0], {s.target}[1], 0.0])",
        f'pregrasps, grasps = sample_grasp_pose("{s.object}")',
        f'grasp_object(pregrasps[0], grasps[0], "{s.object}")',
        "lift_arm()",
        "",
    ]


def _place_on(s: Step) -> list[str]:
    a, b = _name(s.object), _name(s.target)
    return [
        f"# place it on the {s.target}",
        f"in_hand = grasp_position[2] - ({a}_position[2] - {a}_size[2] / 2)",
        f"top = {b}_position[2] + {b}_size[2] / 2",
        f"place_position = np.array([{b}_position[0], {b}_position[1], top + in_hand + 0.003])",
        f"goto_pose(place_position, grasp_quaternion, z_approach={APPROACH_M})",
        "open_gripper()",
        f"goto_pose(place_position + np.array([0.0, 0.0, {APPROACH_M}]), grasp_quaternion)",
        "home_pose()",
        "",
    ]


def _put_aside(s: Step) -> list[str]:
    a = _name(s.object)
    return [
        f"# put the {s.object} on the table beside where it was",
        f"side = -1.0 if {a}_position[1] > 0 else 1.0",
        f"in_hand = grasp_position[2] - ({a}_position[2] - {a}_size[2] / 2)",
        f"aside_position = np.array([{a}_position[0], {a}_position[1] + side * {ASIDE_M}, "
        "in_hand + 0.003])",
        f"goto_pose(aside_position, grasp_quaternion, z_approach={APPROACH_M})",
        "open_gripper()",
        f"goto_pose(aside_position + np.array([0.0, 0.0, {APPROACH_M}]), grasp_quaternion)",
        "home_pose()",
        "",
    ]


def _raise(s: Step) -> list[str]:
    return [
        f"# hold the {s.object} up",
        f"goto_pose(grasp_position + np.array([0.0, 0.0, {s.value_m:.2f}]), grasp_quaternion)",
        "",
    ]


def _slide_onto(s: Step) -> list[str]:
    a, b = _name(s.object), _name(s.target)
    grip = bar_to_hold(s.rows)
    if grip is None:
        raise CannotCompose("no part of the outline leaves room for the fingers on both sides")
    across = 0.0 if grip[2] >= grip[3] else 1.5708
    return [
        f"# slide the {s.object} onto the {s.target}, held across one of its bars",
        f"outline = {[list(row) for row in s.rows]}",
        f'{b}_pose = find_outline("{s.target}", outline)',
        f'{a}_pose = find_outline("{s.object}", outline, height_m={s.value_m})',
        f"turn = ({b}_pose[2] - {a}_pose[2] + np.pi) % (2 * np.pi) - np.pi",
        f"ways = [({a}_pose[2] + {across} + k * np.pi) % (2 * np.pi) - np.pi for k in (0, 1, 2)]",
        "before = min(ways, key=lambda w: max(abs(w), abs(w + turn)))",
        "after = np.clip(before + turn, -1.7, 1.7)",
        "",
        "def held_at(pose):",
        "    c, s = np.cos(pose[2]), np.sin(pose[2])",
        f"    x, y = {grip[0]}, {grip[1]}",
        "    return np.array([pose[0] + c * x - s * y, pose[1] + s * x + c * y, 0.017])",
        "",
        "def down(angle):",
        "    return np.array([0.0, -np.sin(angle / 2), np.cos(angle / 2), 0.0])",
        "",
        f"start, end = held_at({a}_pose), held_at({b}_pose)",
        "open_gripper()",
        f"goto_pose(start, down(before), z_approach={APPROACH_M})",
        "close_gripper()",
        "for share in (0.25, 0.5, 0.75, 1.0):",
        "    move_linear(start + share * (end - start), down(before + share * (after - before)))",
        "open_gripper()",
        "move_linear(end + np.array([0.0, 0.0, 0.1]))",
        "home_pose()",
        "",
    ]


def _pull(s: Step) -> list[str]:
    (_, _, long, wide), (low, tall, yaw, _) = s.rows
    turn = round((yaw + math.pi / 2) % math.pi - math.pi / 2, 4)
    return [
        f"# pull the {s.target} by its handle, the closed fingers behind the bar",
        f'bar = find_outline("{s.object}", [[0.0, 0.0, {long}, {wide}]], height_m={tall}, '
        f"base_m={round(low, 4)})",
        f"way = np.array([np.cos({yaw}), np.sin({yaw}), 0.0])",
        f"height = {round(low + tall / 2 - 0.003, 4)}",
        f"behind = np.array([bar[0], bar[1], height]) - {BEHIND_M} * way",
        "# the fingers are narrower across their opening",
        f"turn = {turn}",
        "hand = np.array([0.0, -np.sin(turn / 2), np.cos(turn / 2), 0.0])",
        "up = np.array([0.0, 0.0, 0.1])",
        "set_gripper(0.0)",
        "goto_pose(behind + up, hand)",
        "move_linear(behind, hand)",
        f"move_linear(behind + {round(s.value_m + BEHIND_M, 4)} * way, hand)",
        f"move_linear(behind + {round(s.value_m + BEHIND_M - 0.01, 4)} * way, hand)",
        f"move_linear(behind + {round(s.value_m + BEHIND_M - 0.01, 4)} * way + up, hand)",
        "home_pose()",
        "",
    ]


_CODE = {
    "pull": _pull,
    "slide_onto": _slide_onto,
    "fetch": _fetch,
    "look": _look,
    "pick": _pick,
    "place_on": _place_on,
    "put_aside": _put_aside,
    "raise": _raise,
}
