"""One bounded step towards a pose, and what a program makes of such steps in its own process.

Names that take or give functions of the program never leave its process: there they are made of
primitives (``rollout/sandbox/inside/combined.py``). Declared here are their names and words.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
import numpy as np

from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.motion.execution import execute, prepare, refused
from aspire_tui.environment.motion.pose import FloatArray, pose_error, pose_matrix, quaternion
from aspire_tui.environment.motion.reach import outside
from aspire_tui.environment.motion.survey import planner
from aspire_tui.environment.outcome import PrimitiveOutcome
from aspire_tui.environment.primitives.arguments import (
    InvalidArgument,
    Metres,
    Position,
    Quaternion,
    Seconds,
    number_between,
)
from aspire_tui.environment.primitives.motion import TO_A_POSE
from aspire_tui.environment.primitives.perception import EVERYWHERE
from aspire_tui.environment.primitives.registry import EVERY_BODY, Primitive, primitive

FASTEST_M_S: Final = 0.25
"""What a step is at most planned for; faster is asked for by whole moves."""

Speed = Annotated[float, number_between(0.005, 10.0, "m/s")]
Turning = Annotated[float, number_between(0.01, 20.0, "rad/s")]
StepTime = Annotated[float, number_between(0.05, 2.0, "seconds")]


@primitive(
    group="motion",
    statuses=TO_A_POSE,
    returns="MotionResult; error_m and error_rad are what is left to the pose",
    moves=True,
    tiers=("S1", "S2"),
    profiles=("libero",),
    example="step_towards_pose(above, down)",
)
def step_towards_pose(
    bench: Workbench,
    position: Position,
    quaternion_wxyz: Quaternion,
    lin_vel_norm: Speed = 0.1,
    ang_vel_norm: Turning = 1.0,
    seconds: StepTime = 0.25,
) -> PrimitiveOutcome:
    """Move the tool straight towards a pose for a moment, no further than that time allows.

    OK also short of the pose; ``error_m`` says how far it still is. No step is planned for more
    than 0.25 m/s, whatever is asked.
    """
    q = bench.joints_commanded()
    now, goal = bench.kinematics.tool_pose(q), pose_matrix(position, quaternion_wxyz)
    if why := outside(bench, position):
        return refused(bench, "LIMIT", why, goal)
    left_m, left_rad = pose_error(now, goal)
    speed = min(lin_vel_norm, FASTEST_M_S)
    share = min(
        1.0,
        speed * seconds / max(left_m, 1e-9),
        ang_vel_norm * seconds / max(left_rad, 1e-9),
    )
    T = _between(now, goal, share)
    plan = planner(bench, goal).line(q, T)
    outcome = execute(bench, prepare(bench, plan, T, tool_speed_m_s=max(speed, 0.005)))
    reached = bench.kinematics.tool_pose(bench.joints())
    error_m, error_rad = pose_error(reached, goal)
    value = msgspec.structs.replace(outcome.value, error_m=error_m, error_rad=error_rad)
    summary = f"{outcome.summary}; {1000 * error_m:.1f} mm to go"
    return PrimitiveOutcome(
        outcome.status, value, summary, error_m=error_m, evidence=outcome.evidence
    )


def _between(a: FloatArray, b: FloatArray, share: float) -> FloatArray:
    """A pose that share of the way, turning evenly."""
    p, q = quaternion(a[:3, :3]), quaternion(b[:3, :3])
    dot = float(p @ q)
    q, dot = (q, dot) if dot >= 0 else (-q, -dot)
    angle = float(np.arccos(min(1.0, dot)))
    if angle < 1e-6:
        turn = q
    else:
        turn = (np.sin((1 - share) * angle) * p + np.sin(share * angle) * q) / np.sin(angle)
    return pose_matrix(a[:3, 3] + share * (b[:3, 3] - a[:3, 3]), turn / np.linalg.norm(turn))


def _function(value: Any) -> Any:
    """a function of the program"""
    raise InvalidArgument("is a function of the program: this name lives in its process")


Function = Annotated[Any, _function]


def _inside() -> PrimitiveOutcome:
    why = "made of primitives inside the program's process; nothing of it is called from outside"
    return PrimitiveOutcome("INVALID", None, why, raises=True)


@primitive(
    group="motion",
    statuses=("INVALID", *TO_A_POSE),
    returns="MotionResult of the last step, truthy on arrival; None when there was none",
    moves=True,
    tiers=("S1", "S2"),
    profiles=("libero",),
    example="goto_pose_interactive_cartesian(lambda: (above, down))",
)
def goto_pose_interactive_cartesian(
    bench: Workbench,
    target_pose_predicate: Function,
    replan_interval_s: Seconds = 0.0,
    lin_vel_norm: Speed = 1.0,
    ang_vel_norm: Turning = 2.0,
    z_approach: Metres = 0.0,
    timeout_s: Seconds = 20.0,
) -> PrimitiveOutcome:
    """Follow a pose that the program says anew before every step, until it is reached.

    ``target_pose_predicate()`` gives (position, quaternion wxyz), or None to end. Each step is a
    ``step_towards_pose``, of ``replan_interval_s`` or a quarter of a second. Ends within 3 mm and
    0.03 rad, with the first step that is not OK, or after ``timeout_s`` of moving.
    """
    return _inside()


@primitive(
    group="program",
    statuses=("INVALID", "OK"),
    returns="handle with done, stop(), wait() and result",
    tiers=(),
    profiles=EVERYWHERE,
    fits=EVERY_BODY,
    example="run_in_background(print, 1)",
)
def run_in_background(bench: Workbench, fn: Function) -> PrimitiveOutcome:
    """Run a function and hand back a handle: ``run_in_background(fn, *args, **kwargs)``.

    A cell makes one call after the other, so the function runs to its end before this returns; what
    it raised is raised by ``wait()`` and ``result``. A function that waits for what comes after it
    never ends, and is stopped by the program's limits.
    """
    return _inside()


@primitive(
    group="program",
    statuses=("INVALID", "OK"),
    returns="None",
    tiers=(),
    profiles=EVERYWHERE,
    fits=EVERY_BODY,
    example="stop_all_tools()",
)
def stop_all_tools(bench: Workbench) -> PrimitiveOutcome:
    """Nothing is left to stop: no call of a program outlives the next one."""
    return _inside()


@primitive(
    group="program",
    statuses=("INVALID", "OK"),
    returns="object with plan(...) and execute(key)",
    tiers=(),
    profiles=("yam",),
    fits=("arms",),
    example="create_motion_planner()",
)
def create_motion_planner(bench: Workbench) -> PrimitiveOutcome:
    """A planner whose ``plan(**kwargs)`` is ``freespace_move(preview_only=True, …)`` and whose
    ``execute(key)`` carries that plan out."""
    return _inside()


PRIMITIVES: tuple[Primitive, ...] = (
    step_towards_pose,
    goto_pose_interactive_cartesian,
    run_in_background,
    stop_all_tools,
    create_motion_planner,
)
