"""A closed loop of looking and moving: ``servo_to``."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
import numpy as np

from aspire_tui.domain import Evidence, Keyframe
from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.motion.execution import execute, prepare, refused
from aspire_tui.environment.motion.pose import FloatArray
from aspire_tui.environment.motion.reach import outside, reach
from aspire_tui.environment.motion.survey import planner
from aspire_tui.environment.outcome import MotionResult, PrimitiveOutcome
from aspire_tui.environment.perception.objects import NotFound, ObjectEstimate
from aspire_tui.environment.primitives.arguments import (
    Count,
    Metres,
    Prompt,
    number_between,
)
from aspire_tui.environment.primitives.motion import TO_A_POSE
from aspire_tui.environment.primitives.perception import find, fixed_camera, hand_camera
from aspire_tui.environment.primitives.registry import Primitive, primitive

STEP_AT_MOST_M: Final = 0.06
"""A correction larger than this after the first look is taken in parts: one look may be wrong."""

Close = Annotated[float, number_between(0.001, 0.05, "metres")]


@primitive(
    group="motion",
    statuses=("NOT_FOUND", *TO_A_POSE),
    returns="MotionResult; error_m is the distance on the table the last look left",
    moves=True,
    tiers=(),
    profiles=("capx", "libero", "robosuite"),
    example='servo_to("red cube", 0.15)',
)
def servo_to(
    bench: Workbench,
    object_name: Prompt,
    above_m: Metres = 0.12,
    within_m: Close = 0.004,
    looks: Count = 5,
) -> PrimitiveOutcome:
    """Bring the tool over a thing: look, move, look again from there, correct, within bounds.

    The first look is by the fixed camera, all others by the one on the hand, which is nearer and
    better known. OK when a look asks for less than ``within_m`` of correction on the table;
    NOT_CONVERGED when ``looks`` are used up; NOT_FOUND when a look does not see it. The hand keeps
    the orientation it has.
    """
    camera = hand_camera(bench) or fixed_camera(bench)
    frames: list[Keyframe] = []
    notes: list[str] = []
    last: PrimitiveOutcome | None = None
    for k in range(min(looks, 12)):
        found = _seen(bench, object_name, fixed_camera(bench) if k == 0 else camera, frames)
        if isinstance(found, NotFound):
            if k == 1:
                found = _seen(bench, object_name, fixed_camera(bench), frames)
            if isinstance(found, NotFound):
                outcome = refused(bench, "NOT_FOUND", f"look {k + 1}: {found.reason}")
                return _with(outcome, frames, notes)
        q = bench.joints_commanded()
        now = bench.kinematics.tool_pose(q)
        goal = np.append(found.position[:2], found.top_z_m + above_m)
        off = goal - now[:3, 3]
        on_table = float(np.linalg.norm(off[:2]))
        notes.append(f"look {k + 1} by {found.cameras[0]}: {1000 * on_table:.1f} mm off")
        if k and on_table <= within_m and last is not None:
            value = msgspec.structs.replace(last.value, error_m=on_table)
            summary = f"over {object_name} within {1000 * on_table:.1f} mm after {k + 1} looks"
            done = PrimitiveOutcome("OK", value, summary, error_m=on_table)
            return _with(done, frames, notes)
        if k > 1 and on_table > STEP_AT_MOST_M:
            off[:2] *= STEP_AT_MOST_M / on_table
        T = now.copy()
        T[:3, 3] += off
        last = _go(bench, T, far=k == 0)
        if last.status != "OK":
            return _with(last, frames, notes)
    assert last is not None
    value = last.value
    assert isinstance(value, MotionResult)
    why = f"still more than {1000 * within_m:.0f} mm off after {looks} looks"
    value = msgspec.structs.replace(value, status="NOT_CONVERGED", detail=why)
    return _with(PrimitiveOutcome("NOT_CONVERGED", value, why), frames, notes)


def _seen(
    bench: Workbench, name: str, camera: str, frames: list[Keyframe]
) -> ObjectEstimate | NotFound:
    found, kept = find(bench, name, [bench.look(camera)])
    frames += kept
    return found


def _go(bench: Workbench, T: FloatArray, far: bool) -> PrimitiveOutcome:
    if why := outside(bench, T[:3, 3]):
        return refused(bench, "LIMIT", why, T)
    if far:
        return execute(bench, prepare(bench, reach(bench, T), T))
    plan = planner(bench, T).line(bench.joints_commanded(), T)
    return execute(bench, prepare(bench, plan, T))


def _with(outcome: PrimitiveOutcome, frames: list[Keyframe], notes: list[str]) -> PrimitiveOutcome:
    evidence = Evidence(
        keyframes=tuple(frames[:12]), path=outcome.evidence.path, notes=tuple(notes)
    )
    summary = f"{outcome.summary}; {notes[-1]}" if notes else outcome.summary
    return PrimitiveOutcome(
        outcome.status, outcome.value, summary, error_m=outcome.error_m, evidence=evidence
    )


PRIMITIVES: tuple[Primitive, ...] = (servo_to,)
