"""Judges an attempt by cameras and sensors, each alone, fused by a stated rule.

The verifier never sees simulator truth. A camera that does not see a thing says UNSURE; UNSURE is
an answer, not a failure of the verifier.
"""

from __future__ import annotations

from dataclasses import replace

from aspire_tui.domain import Keyframe, RobotState, Verdict
from aspire_tui.environment.bench import View, Workbench
from aspire_tui.environment.new_task import unproven
from aspire_tui.environment.perception.camera import quaternion
from aspire_tui.environment.primitives.motion import home_pose
from aspire_tui.environment.relations import RELATIONS, Sensed
from aspire_tui.environment.relations_people import question
from aspire_tui.environment.seen_end import SeenEnd, checks_of, fuse
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
    robots = tuple(_robot(each) for each in bench.benches)
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
    first, before = _look(task, bench)
    bench.cell.wait(SETTLE_S)
    second, after = _look(task, bench)
    holder = next((i for i, b in enumerate(bench.benches) if b.holding is not None), None)
    checks = checks_of(task, SeenEnd(first, second, sensed, holder is not None, bench.marks))
    outcome, reason = fuse(checks)
    if not any(camera.depth for camera in bench.cell.info.cameras):
        notes.append("no camera here measures depth: ask the operator, by relation operator_says")
    doubt = unproven(task)
    if doubt and outcome != "UNSURE":
        outcome, reason = "UNSURE", f"{doubt}; it would say {outcome}: {reason}"
    return Verdict(
        outcome,
        tuple(checks),
        RULE,
        "; ".join([reason, *notes]),
        (*after, *before),
        robots,
        holder,
    )


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


def _look(task: TaskDef, bench: Workbench) -> tuple[dict[str, View], list[Keyframe]]:
    seen, frames = {}, []
    for camera in task.cameras:
        seen[camera] = bench.look(camera)
        frames.append(bench.evidence.keyframe(seen[camera]))
    return seen, frames


def _robot(bench: Workbench) -> RobotState:
    sample, T = bench.sample(), bench.kinematics.tool_pose(bench.joints())
    x, y, z = (float(v) for v in T[:3, 3])
    qw, qx, qy, qz = (float(v) for v in quaternion(T[:3, :3]))
    q = tuple(float(v) for v in sample.q_rad)
    return RobotState(q, (x, y, z), (qw, qx, qy, qz), bench.width_m(), sample.grip_force_N)
