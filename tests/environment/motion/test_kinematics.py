from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aspire_tui.environment.motion.kinematics import LIMIT_MARGIN_RAD, Kinematics
from aspire_tui.environment.motion.pose import pose_error, pose_matrix
from drivers.types import ArmSpec

fixture_ok = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def down(x: float, y: float, z: float, yaw: float = 0.0) -> np.ndarray:
    wxyz = np.array((0.0, np.sin(-yaw / 2), np.cos(yaw / 2), 0.0))
    return pose_matrix(np.array((x, y, z)), wxyz)


@fixture_ok
@given(
    x=st.floats(0.22, 0.42),
    y=st.floats(-0.22, 0.22),
    z=st.floats(0.01, 0.2),
    yaw=st.floats(-0.8, 0.8),
)
def test_top_down_poses_in_reach_are_met(
    kinematics: Kinematics, x: float, y: float, z: float, yaw: float
) -> None:
    T = down(x, y, z, yaw)
    home = np.array(kinematics.arm.home_rad)
    found = kinematics.solve(T, home, rng=np.random.default_rng(0))
    assert found.q is not None, found.reason
    error_m, error_rad = pose_error(kinematics.tool_pose(found.q), T)
    assert error_m <= 0.001
    assert error_rad <= 0.01
    assert kinematics.within_limits(found.q)


@fixture_ok
@given(st.integers(0, 2**32 - 1))
def test_joints_are_found_again_from_nearby(kinematics: Kinematics, seed: int) -> None:
    rng = np.random.default_rng(seed)
    margin = LIMIT_MARGIN_RAD + 0.1
    q = rng.uniform(kinematics.lo_rad + margin, kinematics.hi_rad - margin)
    near = np.clip(q + rng.uniform(-0.1, 0.1, q.size), kinematics.lo_rad, kinematics.hi_rad)
    T = kinematics.tool_pose(q)
    found = kinematics.solve(T, near, rng=rng)
    assert found.q is not None, found.reason
    assert pose_error(kinematics.tool_pose(found.q), T)[0] <= 0.001
    assert found.position_error_m <= 0.001
    # Near the seed, and not some other joints for the same pose.
    assert np.max(np.abs(found.q - near)) < 0.6


@pytest.mark.parametrize(
    "T", [down(1.5, 0, 0.1), down(0.3, 0, 0.9), down(0.02, 0.0, -0.4)], ids=["far", "up", "under"]
)
def test_out_of_reach_is_said_with_numbers(kinematics: Kinematics, T: np.ndarray) -> None:
    given_T = T.copy()
    found = kinematics.solve(T, np.array(kinematics.arm.home_rad), rng=np.random.default_rng(0))
    assert found.q is None
    assert found.position_error_m > 0.001 or found.rotation_error_rad > 0.01
    assert "mm" in found.reason
    assert np.array_equal(T, given_T)


def test_one_state_of_the_generator_gives_one_answer(kinematics: Kinematics) -> None:
    T = down(0.3, 0.1, 0.1, 0.5)
    seed = kinematics.hi_rad - 0.1
    answers = [kinematics.solve(T, seed, rng=np.random.default_rng(5)).q for _ in range(2)]
    assert answers[0] is not None
    assert np.array_equal(answers[0], answers[1])


def test_the_cells_limits_rule_over_the_models(arm: ArmSpec) -> None:
    tight = tuple(
        msgspec.structs.replace(j, lo_rad=-0.2, hi_rad=0.2) if j.name == "joint1" else j
        for j in arm.joints
    )
    kinematics = Kinematics(msgspec.structs.replace(arm, joints=tight))
    home = np.array(arm.home_rad)
    rng = np.random.default_rng(0)
    inside = kinematics.solve(down(0.32, 0.02, 0.1), home, rng=rng)
    assert inside.q is not None
    assert abs(inside.q[0]) <= 0.2
    assert kinematics.solve(down(0.28, 0.2, 0.1, 0.6), home, rng=rng).q is None


def test_refused_solutions_are_not_returned(kinematics: Kinematics) -> None:
    home = np.array(kinematics.arm.home_rad)
    found = kinematics.solve(
        down(0.3, 0, 0.1), home, rng=np.random.default_rng(0), accept=lambda q: False
    )
    assert found.q is None
    assert "free of collision" in found.reason


def test_the_jacobian_is_the_derivative_of_the_pose(kinematics: Kinematics) -> None:
    q = np.array(kinematics.arm.home_rad) + 0.1
    J = kinematics.jacobian(q)
    for i in range(kinematics.n):
        step = np.zeros(kinematics.n)
        step[i] = 1e-6
        moved = kinematics.tool_pose(q + step)[:3, 3] - kinematics.tool_pose(q - step)[:3, 3]
        assert np.allclose(moved / 2e-6, J[:3, i], atol=1e-6)


def test_a_stretched_arm_can_move_less(kinematics: Kinematics) -> None:
    bent = kinematics.manipulability(np.array(kinematics.arm.home_rad))
    stretched = np.array(kinematics.arm.home_rad)
    stretched[2] = kinematics.lo_rad[2]
    assert kinematics.manipulability(stretched) < bent / 2


def test_self_collision_names_the_parts(kinematics: Kinematics) -> None:
    assert kinematics.self_collision(np.array(kinematics.arm.home_rad)) == ""
    folded = np.array((0.0, 1.0, 0.3, -1.6, 0.0, 0.0))
    assert " and " in kinematics.self_collision(folded)
