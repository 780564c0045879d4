from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stand import AMAX, DT_S, VMAX, arm_spec, smooth

from drivers.gate import GripGate, SetpointGate, braking_speed
from drivers.hermite import HermitePath
from drivers.safety import (
    ACCELERATION_MARGIN,
    VELOCITY_MARGIN,
    check_grip,
    check_trajectory,
)
from drivers.types import Trajectory, Workspace

SPEC = arm_spec(joints=1)
LO, HI = SPEC.joints[0].lo_rad, SPEC.joints[0].hi_rad

target = st.one_of(
    st.floats(-4.0, 4.0),
    st.sampled_from([math.nan, math.inf, -math.inf, LO, HI, 0.0]),
)


@settings(max_examples=400, deadline=None)
@given(st.floats(LO, HI), st.lists(st.tuples(target, st.integers(1, 30)), max_size=25))
def test_no_sequence_of_targets_gets_past_the_gate(
    start: float, targets: list[tuple[float, int]]
) -> None:
    gate = SetpointGate(SPEC, DT_S, [start])
    before, step_before = gate.q_rad[0], 0.0
    for wanted, ticks in targets:
        for _ in range(ticks):
            (now,) = gate.step([wanted])
            step = now - before
            assert LO <= now <= HI
            assert abs(step) <= VMAX * VELOCITY_MARGIN * DT_S + 1e-9
            assert abs(step - step_before) <= AMAX * ACCELERATION_MARGIN * DT_S**2 + 1e-9
            before, step_before = now, step


@settings(max_examples=100, deadline=None)
@given(st.floats(0.2, 3.0), st.floats(0.1, 8.0), st.floats(LO, HI))
def test_a_target_that_swings_too_fast_is_followed_within_limits(
    amplitude: float, omega: float, start: float
) -> None:
    gate = SetpointGate(SPEC, DT_S, [start])
    before, step_before = gate.q_rad[0], 0.0
    for k in range(300):
        (now,) = gate.step([start + amplitude * (1.0 - math.cos(omega * k * DT_S))])
        step = now - before
        assert LO <= now <= HI
        assert abs(step) <= VMAX * VELOCITY_MARGIN * DT_S + 1e-9
        assert abs(step - step_before) <= AMAX * ACCELERATION_MARGIN * DT_S**2 + 1e-9
        before, step_before = now, step


@settings(max_examples=100, deadline=None)
@given(st.floats(LO, HI), st.floats(LO, HI))
def test_the_gate_reaches_a_standing_target_without_overshoot(start: float, goal: float) -> None:
    gate = SetpointGate(SPEC, DT_S, [start])
    path = [gate.step([goal])[0] for _ in range(400)]
    assert path[-1] == pytest.approx(goal, abs=1e-9)
    assert gate.at_rest
    assert min(start, goal) - 1e-9 <= min(path) and max(path) <= max(start, goal) + 1e-9


def test_the_gate_passes_a_trajectory_within_limits_unchanged() -> None:
    spec = arm_spec()
    path = HermitePath(smooth([0, 0, 0], [1.0, -0.5, 0.2], 1.2))
    gate = SetpointGate(spec, DT_S, path.start_rad)
    for k in range(1, 130):
        wanted = path.at(k * DT_S).q_rad
        assert gate.step(wanted) == pytest.approx(wanted, abs=1e-12)


@given(st.floats(0.0, 3.0), st.floats(0.5, 50.0))
def test_braking_speed_stays_within_reach_of_itself(room: float, amax: float) -> None:
    v = braking_speed(room, amax, DT_S)
    assert v * DT_S <= room + 1e-9
    assert braking_speed(room - v * DT_S, amax, DT_S) >= v - amax * DT_S - 1e-6


@given(
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(allow_nan=True, allow_infinity=True),
)
def test_the_grip_gate_keeps_to_the_gripper(width: float, force: float) -> None:
    grip = SPEC.gripper
    gate = GripGate(grip, DT_S, 0.04)
    before = gate.width_m
    for _ in range(5):
        opening, limit = gate.step(width, force)
        assert grip.closed_width_m <= opening <= grip.open_width_m
        assert abs(opening - before) <= grip.max_speed_m_s * DT_S + 1e-12
        assert 0.0 <= limit <= grip.max_force_N
        before = opening


def knots(rows: list[tuple[float, float, float]]) -> Trajectory:
    t, q, dq = (np.array(column) for column in zip(*rows, strict=True))
    return Trajectory(t, q[:, None], dq[:, None])


BAD = {
    "not finite": knots([(0, 0, 0), (0.5, math.nan, 0), (1, 0.1, 0)]),
    "start and end at rest": knots([(0, 0, 0.5), (1, 0.1, 0)]),
    "start at 0 and increase": knots([(0, 0, 0), (0, 0.1, 0)]),
    "at least two knots": knots([(0, 0, 0)]),
    "away from where the arm is held": smooth([0.2], [0.4], 1.0),
    "must have shape": smooth([0.0, 0.0], [0.4, 0.4], 1.0),
    "lasts": smooth([0.0], [0.4], 1000.0),
    "reaches 1.600 rad": smooth([0.0], [1.6], 5.0),
    "rad/s; at most 2.00": smooth([0.0], [1.0], 0.5),
    "accelerates": knots([(0, 0, 0), (0.05, 0.025, 0.9), (0.6, 0.3, 0)]),
}


@pytest.mark.parametrize("words", BAD)
def test_a_bad_trajectory_is_refused_with_the_reason(words: str) -> None:
    refusal = check_trajectory(SPEC, BAD[words], (0.0,), DT_S)
    assert refusal is not None and words in refusal.detail and "\n" not in refusal.detail
    limit = ("reaches", "rad/s", "accelerates")
    assert refusal.status == ("LIMIT" if words.startswith(limit) else "INVALID")


def test_a_velocity_peak_between_two_samples_is_found() -> None:
    # 3.3 rad/s for an instant in the middle of one 20 ms segment, at rest at its ends.
    hop = knots([(0, 0, 0), (0.02, 0.044, 0), (1.0, 0.044, 0)])
    refusal = check_trajectory(SPEC, hop, (0.0,), 0.05)
    assert refusal is not None and "moves at 3.30 rad/s" in refusal.detail


def test_a_plan_at_the_limits_passes() -> None:
    t = np.linspace(0.0, 0.4, 41)
    accelerating = t < 0.2
    q = np.where(accelerating, 0.5 * AMAX * t**2, 0.4 - 0.5 * AMAX * (0.4 - t) ** 2)
    dq = np.where(accelerating, AMAX * t, AMAX * (0.4 - t))
    trajectory = Trajectory(t, q[:, None], dq[:, None])
    assert check_trajectory(SPEC, trajectory, (0.0,), DT_S) is None


def test_the_tool_may_not_leave_the_box_but_may_come_back() -> None:
    box = Workspace((-0.5, -0.5, 0.0), (0.5, 0.5, 0.5), 0.0)

    def tool(q):  # type: ignore[no-untyped-def]
        return (q[0], 0.0, 0.2)

    out = check_trajectory(SPEC, smooth([0.0], [0.8], 2.0), (0.0,), DT_S, box, tool)
    assert out is not None and out.status == "LIMIT" and "leaves the workspace" in out.detail
    back = check_trajectory(SPEC, smooth([0.8], [0.0], 2.0), (0.8,), DT_S, box, tool)
    assert back is None
    further = check_trajectory(SPEC, smooth([0.8], [1.0], 2.0), (0.8,), DT_S, box, tool)
    assert further is not None


@pytest.mark.parametrize(
    ("width", "force", "speed", "status"),
    [
        (0.04, 10.0, 0.1, None),
        (0.09, 10.0, 0.1, "LIMIT"),
        (-0.01, 10.0, 0.1, "LIMIT"),
        (0.04, 0.0, 0.1, "LIMIT"),
        (0.04, 99.0, 0.1, "LIMIT"),
        (0.04, 10.0, 1.0, "LIMIT"),
        (math.nan, 10.0, 0.1, "INVALID"),
        (0.04, math.inf, 0.1, "INVALID"),
    ],
)
def test_grip_commands_are_judged(
    width: float, force: float, speed: float, status: str | None
) -> None:
    refusal = check_grip(SPEC.gripper, width, force, speed)
    assert (refusal.status if refusal else None) == status
