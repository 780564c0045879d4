"""Judges an attempt by cameras and sensors, each alone, fused by a stated rule.

The verifier never sees simulator truth. A camera that does not see a thing says UNSURE; UNSURE is
an answer, not a failure of the verifier.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aspire_tui.domain import Check, Keyframe, Outcome, Verdict
from aspire_tui.environment.bench import View, Workbench
from aspire_tui.environment.new_task import unproven
from aspire_tui.environment.perception.measure import surface_top
from aspire_tui.environment.perception.objects import ObjectEstimate, locate
from aspire_tui.environment.perception.without_depth import blind
from aspire_tui.environment.primitives.motion import home_pose
from aspire_tui.environment.relations import RELATIONS, Look, Sensed, Sighting
from aspire_tui.environment.relations_people import question
from aspire_tui.environment.task import TaskDef

ASKS = "operator_says"
RULE = "every check must PASS by at least one camera or sensor and FAIL by none"
SETTLE_S = 1.0


def verify(task: TaskDef, bench: Workbench) -> Verdict:
    """Look twice, a second apart, and judge every relation of the goal.

    A goal that is judged with the gripper away parks the arm first, and only if the gripper is
    open: an arm that still holds something is judged where it stands.
    """
    notes = []
    for each in bench.benches:
        each.speed = 1.0  # The program's own pace ended with it.
    sensed = _sense(bench)
    if any(r.relation == ASKS for r in task.goal):
        sensed = replace(sensed, answer=bench.operator.ask(question(task)).text)
    if any(RELATIONS[r.relation].parked for r in task.goal):
        stuck = [
            c
            for r in task.goal
            for c in RELATIONS[r.relation].checks(task, r, [], sensed)
            if c.source == "gripper" and c.outcome == "FAIL"
        ]
        if stuck:
            return Verdict("FAIL", tuple(stuck), RULE, f"{stuck[0].name}: {stuck[0].value} m")
        for each in bench.benches:
            parked = home_pose.invoke(each, {})
            if parked.status != "OK":
                notes.append(f"the arm could not park ({parked.status}: {parked.summary})")
    first, _, _ = _look(task, bench)
    bench.cell.wait(SETTLE_S)
    second, measured, frames = _look(task, bench, measure=True)
    looks = [Look(c, first[c], second[c], measured[c]) for c in task.cameras]
    checks = [c for r in task.goal for c in RELATIONS[r.relation].checks(task, r, looks, sensed)]
    outcome, reason = fuse(checks)
    if not any(camera.depth for camera in bench.cell.info.cameras):
        notes.append("no camera here measures depth: ask the operator, by relation operator_says")
    doubt = unproven(task)
    if doubt and outcome != "UNSURE":
        outcome, reason = "UNSURE", f"{doubt}; it would say {outcome}: {reason}"
    return Verdict(outcome, tuple(checks), RULE, "; ".join([reason, *notes]), tuple(frames))


def fuse(checks: Sequence[Check]) -> tuple[Outcome, str]:
    """Apply :data:`RULE`. Pure."""
    for c in checks:
        if c.outcome == "FAIL":
            return "FAIL", f"{c.name}: {_range(c)} ({c.source})"
    for name in dict.fromkeys(c.name for c in checks):
        votes = [c for c in checks if c.name == name]
        if not any(c.outcome == "PASS" for c in votes):
            why = votes[0].why or _range(votes[0])
            return "UNSURE", f"{name}: {why} ({', '.join(c.source for c in votes)})"
    return "PASS", f"all of {len(checks)} checks agree"


def _range(c: Check) -> str:
    if c.lo is None and c.hi is None:
        return c.why
    value = "no value" if c.value is None else f"{c.value:g} {c.unit}"
    if c.lo is None:
        return f"{value}, at most {c.hi:g}"
    if c.hi is None:
        return f"{value}, at least {c.lo:g}"
    return f"{value}, expected {c.lo:g} to {c.hi:g}"


def _sense(bench: Workbench) -> Sensed:
    widths = tuple(each.width_m() for each in bench.benches)
    bench = bench.holder()
    T = bench.kinematics.tool_pose(bench.joints())
    return Sensed(
        width_m=bench.width_m(),
        tool_xyz_m=(float(T[0, 3]), float(T[1, 3]), float(T[2, 3])),
        table_z_m=bench.table_z_m,
        grip_force_N=bench.sample().grip_force_N,
        widths_m=widths,
    )


def _look(
    task: TaskDef, bench: Workbench, measure: bool = False
) -> tuple[dict[str, dict[str, Sighting]], dict[str, dict[str, float]], list[Keyframe]]:
    seen: dict[str, dict[str, Sighting]] = {}
    measured: dict[str, dict[str, float]] = {}
    frames = []
    plain = any(RELATIONS[r.relation].measure is None for r in task.goal)
    for camera in task.cameras:
        view = bench.look(camera)
        frames.append(bench.evidence.keyframe(view))
        names = [o.name for o in task.objects] if plain else []
        seen[camera] = {name: s for name in names if (s := _sight(view, name, bench))}
        measured[camera] = _measured(task, view, bench) if measure else {}
    return seen, measured, frames


def _measured(task: TaskDef, view: View, bench: Workbench) -> dict[str, float]:
    out: dict[str, float] = {}
    marks = bench.marks.get(view.camera, {})
    for r in task.goal:
        own = RELATIONS[r.relation].measure
        if own is not None:
            out.update(own(view, task, r, marks, bench.table_z_m))
    return out


def _sight(view: View, name: str, bench: Workbench) -> Sighting | None:
    if blind(view):
        return None  # How high a thing is, on another or held, no camera without depth can tell.
    found = locate([view], name, table_z_m=bench.table_z_m)
    if isinstance(found, ObjectEstimate):
        return Sighting(float(found.position[0]), float(found.position[1]), found.top_z_m)
    if bench.holder().holding is None:
        return None
    # Between the fingers no box can be fitted; how high the seen surface reaches still can be told.
    surface = surface_top(view, name, bench.table_z_m)
    return None if surface is None else Sighting(*surface)
