"""Writes a plain program for a task from the task's data alone. Pure.

Relations become steps, steps become lines of code with the primitives any robot of this kind has.
One look, one grasp, one place: no retries and no second look, which is what skills are for. A task
this module has never seen gets its program the same way.
"""

from __future__ import annotations

from dataclasses import dataclass

from aspire_tui.environment.task import Relation, TaskDef

LIFT_M = 0.12
APPROACH_M = 0.10
ASIDE_M = 0.13


class CannotCompose(Exception):
    """The goal needs a step this composer has no words for."""


@dataclass(frozen=True)
class Step:
    """One thing to do: ``look``, ``pick``, ``place_on``, ``put_aside`` or ``raise``."""

    act: str
    object: str
    target: str = ""
    value_m: float = 0.0


def plan_steps(task: TaskDef) -> list[Step]:
    """Order the goal's relations into steps, clearing what stands on things first."""
    above = {r.target: r.object for r in task.start.relations if r.relation == "on"}
    steps: list[Step] = []
    for relation in task.goal:
        steps += _steps_for(relation, above)
    return steps


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
    if r.relation == "lifted":
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


_CODE = {
    "look": _look,
    "pick": _pick,
    "place_on": _place_on,
    "put_aside": _put_aside,
    "raise": _raise,
}
