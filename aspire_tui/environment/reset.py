"""Brings the scene to a task's start and proves it, with a verdict of its own.

A simulated cell is set through its stand-in socket; what was set is then checked by the cameras
like on any cell, against where the reset procedure put things (not against simulator truth).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec
import numpy as np

from aspire_tui.domain import Check, ResetOutcome, ResetVerdict
from aspire_tui.environment.bench import View, Workbench
from aspire_tui.environment.draw import COLOURS, Placed, ResetImpossible, draw
from aspire_tui.environment.footprint import find_by_outline, handle_at, handle_offset
from aspire_tui.environment.hand_reset import by_arm, by_operator, start_for
from aspire_tui.environment.parking import begin_at, park
from aspire_tui.environment.perception.objects import ObjectEstimate, locate
from aspire_tui.environment.recall import residual_checks
from aspire_tui.environment.relations import RELATIONS, judge_range
from aspire_tui.environment.task import ObjectDef, Relation, TaskDef
from drivers.errors import CellRefused
from drivers.sim.scene import SceneSpec
from drivers.types import CellInfo

__all__ = ["COLOURS", "Placed", "ResetImpossible", "draw", "reset", "verify_reset"]

PLACED_M = 0.04
"""How far from its place a camera may see a thing before the reset counts as failed."""

SEEN_AFTER_S = 0.4
"""So long after a scene was set every camera of a cell on the wall clock shows it."""


class Setter(Protocol):
    """The part of a stand-in a reset needs. No hardware host offers it."""

    def reset_scene(self, spec: SceneSpec) -> str: ...


def reset(
    task: TaskDef, seed: int, bench: Workbench, setter: Setter, attempt: int
) -> tuple[ResetVerdict, str]:
    """Set the scene for a seed and verify it by the cameras.

    A simulated arm is put home with the scene; any other goes there itself first. Where there is
    no stand-in the robot does what it can and a person the rest, whatever the task says; an empty
    simulated table is set by the stand-in, for somebody has to have brought the things.

    Returns:
        The verdict of this attempt and the hash of the scene that was set.
    """
    missing = _not_taught(task, bench.cell.info)
    if missing:
        return _not_set(task, attempt, missing), ""
    task = _where_taught(task, bench.cell.info)
    if bench.cell.info.kind == "hardware" or (
        task.start.by != "stand-in" and _any_seen(task, bench)
    ):
        return _without_stand_in(task, seed, bench, attempt), ""
    placed, spec = draw(task, seed, attempt, bench.table_z_m)
    if bench.cell.info.kind != "sim":
        bench.forget()
        stuck = park(bench)
        if stuck:
            return _not_set(task, attempt, f"the arm did not go home: {stuck}"), ""
    try:
        scene = setter.reset_scene(spec)
    except CellRefused as refused:
        return _not_set(task, attempt, f"the scene was not set: {refused.text}"), ""
    bench.forget()
    if bench.cell.info.kind != "sim":
        bench.cell.wait(SEEN_AFTER_S)
    verdict = verify_reset(task, placed, bench, attempt)
    if verdict.outcome == "ok" and task.start.pose:
        stuck = begin_at(bench, bench.cell.info.starts[task.start.pose])
        if stuck:
            return _not_set(task, attempt, f"the arm did not go to its start pose: {stuck}"), scene
    return verdict, scene


def _not_taught(task: TaskDef, info: CellInfo) -> str:
    """What the task begins with and the cell does not know; empty when there is nothing."""
    for kind, name, known in (
        ("region", task.start.region, info.regions),
        ("start", task.start.pose, info.starts),
    ):
        if name and name not in known:
            return (
                f"{info.name} was not taught {kind} {name!r}, which the task names: "
                f"aspire-tui cell teach {info.name} {kind}:{name}"
            )
    return ""


def _where_taught(task: TaskDef, info: CellInfo) -> TaskDef:
    if not task.start.region:
        return task
    shown = info.regions[task.start.region]
    start = msgspec.structs.replace(task.start, x_m=shown.x_m, y_m=shown.y_m)
    return msgspec.structs.replace(task, start=start)


def _any_seen(task: TaskDef, bench: Workbench) -> bool:
    """Do any of the things stand there already?"""
    view = bench.look(task.cameras[0])
    return any(_seen(o, view, bench.table_z_m) for o in task.objects)


def _seen(thing: ObjectDef, view: View, table_z_m: float) -> bool:
    if thing.rail is not None:
        return handle_at(view, thing, table_z_m) is not None
    if thing.parts or thing.hold != "free":
        found = find_by_outline(view, thing, table_z_m)
        return found is not None and found.good
    return isinstance(locate([view], thing.name, table_z_m=table_z_m), ObjectEstimate)


def _without_stand_in(task: TaskDef, seed: int, bench: Workbench, attempt: int) -> ResetVerdict:
    """By the arm itself, and by a person for what it cannot do; proved by the cameras like any."""
    why = ""
    try:
        placed = start_for(task, seed, attempt, bench)
        if task.start.by != "operator":
            why = by_arm(task, placed, bench)
    except ResetImpossible as impossible:
        # What stands fast is not there: only a person can put it where it was drawn.
        why = str(impossible)
        try:
            placed = draw(task, seed, attempt, bench.table_z_m)[0]
        except ResetImpossible:
            return _not_set(task, attempt, why)
    if why or task.start.by == "operator":
        left = by_operator(task, placed, bench, why)
        if left:
            return _not_set(task, attempt, f"{why}; {left}" if why else left)
    bench.forget()
    return verify_reset(task, placed, bench, attempt)


def _not_set(task: TaskDef, attempt: int, reason: str) -> ResetVerdict:
    return ResetVerdict("failed", attempt, task.start.attempts, (), reason, ())


def verify_reset(
    task: TaskDef, placed: list[Placed], bench: Workbench, attempt: int
) -> ResetVerdict:
    """Is every thing where the task wants it, seen by a camera, with an empty gripper?"""
    view = bench.look(task.cameras[0])
    checks = [_gripper_check(bench.benches)]
    covered = {r.target for r in task.start.relations if r.relation == "on"}
    # What others are mounted on is judged by them.
    covered |= {thing.mount for thing in task.objects}
    for p in placed:
        if p.thing.name in covered:
            continue
        checks.append(_place_check(view, p, bench))
    if task.start.recalled:
        checks += residual_checks(view, placed, bench.table_z_m)
    checks += _mark(task, view, bench)
    outcome, reason = _conclude(checks)
    return ResetVerdict(
        outcome=outcome,
        attempt=attempt,
        of=task.start.attempts,
        checks=tuple(checks),
        reason=reason,
        keyframes=(bench.evidence.keyframe(view),),
    )


def _gripper_check(benches: Sequence[Workbench]) -> Check:
    """Judged by the gripper that presses hardest."""
    force_N = max(bench.sample().grip_force_N for bench in benches)
    return judge_range("gripper empty", "gripper", force_N, "N", None, 2.0, sd=0.0)


def _mark(task: TaskDef, view: View, bench: Workbench) -> list[Check]:
    """Let each camera note what the end will be compared with; the first one has to see it."""
    checks = []
    for r in _goals(task):
        mark = RELATIONS[r.relation].mark
        if mark is None:
            continue
        for camera in task.cameras:
            own = view if camera == view.camera else bench.look(camera)
            bench.marks.setdefault(camera, {}).update(mark(own, task, r, bench.table_z_m))
        seen = len(bench.marks[view.camera]) > 0
        name = f"start of {r.object} {r.relation} seen"
        checks.append(
            Check(name, view.camera, None, "", None, None, "PASS" if seen else "UNSURE", "not seen")
        )
    return checks


def _goals(task: TaskDef) -> list[Relation]:
    return [*task.goal, *(r for s in task.subtasks for r in s.goal)]


def _place_check(view: View, p: Placed, bench: Workbench) -> Check:
    name = f"{p.thing.name} in place"
    if p.thing.parts or p.thing.hold != "free":
        return _outline_check(name, view, p, bench)
    found = locate([view], p.thing.name, table_z_m=bench.table_z_m)
    if not isinstance(found, ObjectEstimate):
        return judge_range(name, view.camera, None, "m", None, PLACED_M, sd=0.0, why=found.reason)
    at = bench.in_room(found.position)
    off = float(np.hypot(at[0] - p.xyz_m[0], at[1] - p.xyz_m[1]))
    return judge_range(name, view.camera, off, "m", None, PLACED_M, sd=0.0)


def _outline_check(name: str, view: View, p: Placed, bench: Workbench) -> Check:
    if p.thing.rail is not None:
        at = handle_at(view, p.thing, bench.table_z_m)
        seen, want = at, _handle_of(p)
    else:
        found = find_by_outline(view, p.thing, bench.table_z_m)
        seen = None if found is None or not found.good else (found.x_m, found.y_m)
        want = p.xyz_m[:2]
    if seen is None:
        why = "its outline is not seen"
        return judge_range(name, view.camera, None, "m", None, PLACED_M, sd=0.0, why=why)
    off = float(np.hypot(seen[0] - want[0], seen[1] - want[1]))
    return judge_range(name, view.camera, off, "m", None, PLACED_M, sd=0.0)


def _handle_of(p: Placed) -> tuple[float, float]:
    """Where the handle of a thing that is pushed in should be."""
    x, y = handle_offset(p.thing)
    c, s = float(np.cos(p.yaw_rad)), float(np.sin(p.yaw_rad))
    return p.xyz_m[0] + c * x - s * y, p.xyz_m[1] + s * x + c * y


def _conclude(checks: list[Check]) -> tuple[ResetOutcome, str]:
    if checks[0].outcome == "FAIL":
        return "unsafe_held_object", "the gripper presses on something; nothing was moved"
    for c in checks:
        if c.outcome == "FAIL":
            return "failed", f"{c.name}: {c.value} {c.unit}, at most {c.hi} ({c.source})"
    unseen = [c for c in checks if c.outcome == "UNSURE"]
    if unseen:
        return "unsure", f"{unseen[0].name}: {unseen[0].why} ({unseen[0].source})"
    return "ok", f"{len(checks)} checks passed"
