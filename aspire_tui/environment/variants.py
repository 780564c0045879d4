"""Perturbed variants of a task by name and seed: other objects, another goal, other places. Pure.

In the manner of LIBERO-Pro: a program that only works on the task as it was written has learned the
task, not what it says. ``TASK+object-3`` is the third object variant; the same name is the same
variant on any machine.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np

from aspire_tui.environment.task import ObjectDef, Place, Relation, Start, SubTask, TaskDef

COLOURS: Final = ("red", "green", "blue", "yellow", "purple", "orange")
SMALLER: Final = (0.86, 0.97)
"""Objects shrink, so that what a gripper could hold it still can."""

LIMITS_M: Final = {
    "lifted": (0.06, 0.14),
    "upright_above": (0.04, 0.10),
    "opened": (0.05, 0.095),
    "raised_by_both": (0.06, 0.14),
    "shut": (0.008, 0.013),
}
"""Between which heights and lengths another goal is drawn; all within what a cell can do."""

SHARES: Final = {"covers": (0.70, 0.90), "wiped": (0.03, 0.10)}


class NoVariant(ValueError):
    """The task has nothing that this kind of variant could change."""


def vary(task: TaskDef, kind: str, seed: int) -> TaskDef:
    """The variant of a task; its name says which it is.

    Raises:
        NoVariant: The kind is unknown, or changes nothing about this task.
    """
    if kind not in KINDS:
        raise NoVariant(f"no variant is called {kind!r}; there are {', '.join(KINDS)}")
    rng = np.random.default_rng([seed, zlib.crc32(f"{task.name} {kind}".encode())])
    changed = KINDS[kind](task, rng)
    if changed == task:
        raise NoVariant(f"task {task.name} has no {kind} variant: nothing in it could differ")
    return msgspec.structs.replace(changed, name=f"{task.name}+{kind}-{seed}")


# -- object --------------------------------------------------------------------------------------


def _other_objects(task: TaskDef, rng: np.random.Generator) -> TaskDef:
    """Other colours for what can be moved, and cubes, cans and blocks of another size."""
    used = {o.colour for o in task.objects} | {p.colour for o in task.objects for p in o.parts}
    used |= {o.rail.handle for o in task.objects if o.rail is not None}
    used |= {task.spill.colour} if task.spill is not None else set()
    free = [c for c in COLOURS if c not in used]
    order = [free[int(i)] for i in rng.permutation(len(free))]
    out = task
    for thing in task.objects:
        if thing.hold != "free" or not order:
            continue
        colour = order.pop()
        new = thing.name.replace(thing.colour, colour)
        scale = 1.0 if thing.parts or task.spill is not None else float(rng.uniform(*SMALLER))
        resized = msgspec.structs.replace(thing, colour=colour, size_m=_scaled(thing, scale))
        out = _renamed(out, thing.name, new, resized)
    colours = tuple(c for c in task.distractors.colours if c not in {o.colour for o in out.objects})
    others = msgspec.structs.replace(task.distractors, colours=colours)
    return msgspec.structs.replace(out, distractors=others)


def _scaled(thing: ObjectDef, scale: float) -> tuple[float, float, float]:
    x, y, z = (round(side * scale, 4) for side in thing.size_m)
    return x, y, z


def _renamed(task: TaskDef, old: str, new: str, thing: ObjectDef) -> TaskDef:
    """The task with one thing called and made otherwise, wherever it is named."""

    def told(r: Relation) -> Relation:
        named = {"object": r.object, "target": r.target}
        return msgspec.structs.replace(r, **{k: new if v == old else v for k, v in named.items()})

    objects = tuple(
        msgspec.structs.replace(thing, name=new) if o.name == old else o for o in task.objects
    )
    start = msgspec.structs.replace(
        task.start, relations=tuple(told(r) for r in task.start.relations)
    )
    spill = task.spill
    if spill is not None and spill.wiper == old:
        spill = msgspec.structs.replace(spill, wiper=new)
    return msgspec.structs.replace(
        task,
        objects=objects,
        start=start,
        spill=spill,
        instruction=_reworded(task.instruction, old, new),
        goal=tuple(told(r) for r in task.goal),
        subtasks=tuple(
            SubTask(s.name, _reworded(s.instruction, old, new), tuple(told(r) for r in s.goal))
            for s in task.subtasks
        ),
    )


def _reworded(text: str, old: str, new: str) -> str:
    """Colour words of a name, wherever the text has them."""
    before, after = old.split()[0], new.split()[0]
    return re.sub(rf"\b{re.escape(before)}\b", after, text)


# -- goal ----------------------------------------------------------------------------------------


def _other_goal(task: TaskDef, rng: np.random.Generator) -> TaskDef:
    """The other way round where two things are stacked; another limit elsewhere."""
    goal, text = [], task.instruction
    for r in task.goal:
        changed, text = _other_relation(r, text, rng)
        goal.append(changed)
    swapped = {(r.object, r.target) for r in task.goal if r.relation == "on"}
    start = tuple(
        msgspec.structs.replace(r, object=r.target, target=r.object)
        if r.relation == "on" and (r.target, r.object) in swapped
        else r
        for r in task.start.relations
    )
    told = msgspec.structs.replace(task.start, relations=start)
    return msgspec.structs.replace(task, goal=tuple(goal), instruction=text, start=told)


def _other_relation(r: Relation, text: str, rng: np.random.Generator) -> tuple[Relation, str]:
    if r.relation == "on":
        swapped = msgspec.structs.replace(r, object=r.target, target=r.object)
        return swapped, f"Put the {r.target} on top of the {r.object} and let go."
    if r.relation in LIMITS_M:
        limit = round(float(rng.uniform(*LIMITS_M[r.relation])), 3)
        words = re.sub(r"[\d.]+ cm", f"{100 * limit:g} cm", text)
        return msgspec.structs.replace(r, value_m=limit), words
    if r.relation in SHARES:
        share = round(float(rng.uniform(*SHARES[r.relation])), 2)
        limit_text = f" (at {'least' if r.relation == 'covers' else 'most'} {100 * share:.0f} %)."
        return msgspec.structs.replace(r, share=share), text.rstrip(".") + limit_text
    return r, text


# -- spatial -------------------------------------------------------------------------------------


def _other_place(task: TaskDef, rng: np.random.Generator) -> TaskDef:
    """Everything on the other side of the table, or nearer or farther, within the same reach."""
    mirror = bool(rng.random() < 0.5)
    shift = float(rng.uniform(-0.02, 0.02))
    start = task.start
    moved = Start(
        x_m=_moved(start.x_m, shift),
        y_m=_mirrored(start.y_m, mirror),
        yaw_rad=start.yaw_rad,
        gap_m=start.gap_m,
        relations=start.relations,
        attempts=start.attempts,
    )
    if start.y_m[0] == -start.y_m[1]:
        # A middle region mirrored is itself: keep to one half of it.
        half = start.y_m[1] * 0.35
        moved = msgspec.structs.replace(
            moved, y_m=(start.y_m[0], half) if mirror else (-half, start.y_m[1])
        )
    objects = tuple(
        o
        if o.place is None
        else msgspec.structs.replace(
            o,
            place=Place(
                _moved(o.place.x_m, shift),
                _mirrored(o.place.y_m, mirror),
                _turned(o.place.yaw_rad, mirror),
            ),
        )
        for o in task.objects
    )
    spill = task.spill
    if spill is not None and mirror:
        depth = spill.rows * 0.01
        lo, hi = spill.y_m
        spill = msgspec.structs.replace(spill, y_m=(-hi - depth, -lo - depth))
    return msgspec.structs.replace(task, start=moved, objects=objects, spill=spill)


def _moved(span: tuple[float, float], by_m: float) -> tuple[float, float]:
    return round(span[0] + by_m, 4), round(span[1] + by_m, 4)


def _mirrored(span: tuple[float, float], mirror: bool) -> tuple[float, float]:
    return (-span[1], -span[0]) if mirror else span


def _turned(span: tuple[float, float], mirror: bool) -> tuple[float, float]:
    return (-span[1], -span[0]) if mirror else span


KINDS: Final[dict[str, Callable[[TaskDef, np.random.Generator], TaskDef]]] = {
    "object": _other_objects,
    "goal": _other_goal,
    "spatial": _other_place,
}
