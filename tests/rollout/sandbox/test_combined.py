"""Names that take functions of the program: made of primitives where the program runs."""

from __future__ import annotations

import numpy as np
import pytest

from aspire_tui.rollout.sandbox.api import (
    Answer,
    Call,
    Function,
    Namespace,
    Parameter,
    ProgramOutcome,
    ResultValue,
)
from aspire_tui.rollout.sandbox.launcher import Sandbox

from .conftest import QUICK, Runner

NAMES = Namespace(
    functions=(
        Function(
            "step_towards_pose",
            tuple(Parameter(n, True) for n in ("position", "quaternion_wxyz", "lin", "ang", "s")),
            "One step.",
        ),
        Function("goto_pose", (Parameter("p", True), Parameter("q", True)), "Go."),
        Function("freespace_move", (Parameter("a", False, 0), Parameter("b", False, 0)), "Plan."),
        Function("goto_pose_interactive_cartesian", (Parameter("fn", True),), "Follow a pose."),
        Function("run_in_background", (Parameter("fn", True),), "Run it."),
        Function("stop_all_tools", (), "Stop."),
        Function("create_motion_planner", (), "A planner."),
    )
)


class Arm:
    """Goes 10 cm towards each pose it is asked for; on to the pose after that."""

    def __init__(self, blocked_at: int = 99) -> None:
        self.x = 0.0
        self.calls: list[tuple[str, list[object]]] = []
        self.blocked_at = blocked_at

    def __call__(self, call: Call) -> Answer:
        self.calls.append((call.function, list(call.args.values())))
        if call.function == "goto_pose":
            return Answer(ResultValue("OK", "arrived", {"duration_s": 1.0, "error_m": 0.0}))
        goal = float(np.asarray(call.args["position"])[0])
        self.x += float(np.clip(goal - self.x, -0.1, 0.1))
        steps = sum(name == "step_towards_pose" for name, _ in self.calls)
        status = "BLOCKED" if steps >= self.blocked_at else "OK"
        left = {"duration_s": 0.25, "error_m": abs(goal - self.x), "error_rad": 0.0}
        return Answer(ResultValue(status, "", left))


@pytest.fixture
def sandbox(run: Runner) -> Sandbox:
    return run.sandbox


def ended_of(sandbox: Sandbox, text: str, arm: Arm) -> ProgramOutcome:
    return sandbox.run(text, NAMES, arm, QUICK)


def test_a_pose_that_moves_is_followed_until_it_is_reached(sandbox: Sandbox) -> None:
    text = """
at = [0.25]
def where():
    at[0] += 0.05 if at[0] < 0.39 else 0.0   # it runs away for a while
    return np.array([at[0], 0.0, 0.1]), np.array([0.0, 0.0, 1.0, 0.0])
RESULT = goto_pose_interactive_cartesian(where, lin_vel_norm=0.4)
print(round(RESULT.error_m, 3), goto_pose_interactive_cartesian.__doc__)
"""
    arm = Arm()
    ended = ended_of(sandbox, text, arm)
    assert (ended.ended, ended.claimed) == ("returned", True), ended
    assert [name for name, _ in arm.calls] == ["step_towards_pose"] * 4
    assert arm.calls[0][1][2] == 0.4 and abs(arm.x - 0.40) < 1e-9
    assert "0.0 Follow a pose." in ended.stdout


def test_it_ends_with_the_first_step_that_fails_with_none_or_with_its_time(
    sandbox: Sandbox,
) -> None:
    far = "lambda: (np.array([9.0, 0, 0]), np.array([0, 0, 1.0, 0]))"
    blocked = Arm(blocked_at=2)
    ended = ended_of(sandbox, f"RESULT = goto_pose_interactive_cartesian({far})", blocked)
    assert ended.claimed is False and len(blocked.calls) == 2
    late = Arm()
    ended_of(sandbox, f"goto_pose_interactive_cartesian({far}, timeout_s=1.0)", late)
    assert len(late.calls) == 4
    none = Arm()
    ended = ended_of(sandbox, "print(goto_pose_interactive_cartesian(lambda: None))", none)
    assert "None" in ended.stdout and not none.calls
    above = Arm()
    ended_of(
        sandbox, f"goto_pose_interactive_cartesian({far}, z_approach=0.1, timeout_s=1.5)", above
    )
    assert above.calls[0][0] == "goto_pose" and above.calls[0][1][0][2] == 0.1


def test_a_function_in_the_background_has_ended_and_keeps_what_it_gave(sandbox: Sandbox) -> None:
    text = """
def work(a, b=1):
    goto_pose([0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0])
    return a + b
handle = run_in_background(work, 2, b=3)
print(handle.done, handle.wait(), handle.result, stop_all_tools())
broken = run_in_background(lambda: 1 / 0)
try:
    broken.wait()
except ZeroDivisionError as error:
    print("raised", error)
"""
    arm = Arm()
    ended = ended_of(sandbox, text, arm)
    assert ended.ended == "returned", ended
    assert "True 5 5 None" in ended.stdout and "raised division by zero" in ended.stdout
    assert [name for name, _ in arm.calls] == ["goto_pose"]
