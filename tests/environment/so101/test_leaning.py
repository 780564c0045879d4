"""Five joints: the position exactly, the orientation as nearly as the cell file lets it be."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from aspire_tui.environment.motion.kinematics import Kinematics
from aspire_tui.environment.motion.line import straight_line
from aspire_tui.environment.motion.pose import FloatArray, lean, pose_error, pose_matrix
from drivers.types import ArmSpec

SIDEWAYS = np.array((0.70710678, 0.70710678, 0.0, 0.0))
"""Tool along the base's -y: at a place straight ahead no five joints point that way."""


def down(x: float, y: float, z: float, yaw: float = 0.0) -> FloatArray:
    return pose_matrix(np.array((x, y, z)), np.array((0, -np.sin(yaw / 2), np.cos(yaw / 2), 0)))


def solved(kinematics: Kinematics, T: FloatArray, seed: int = 0) -> FloatArray | None:
    home = np.array(kinematics.arm.home_rad)
    return kinematics.solve(T, home, rng=np.random.default_rng(seed)).q


def test_where_tasks_put_things_it_points_straight_down_at_any_yaw(kinematics: Kinematics) -> None:
    rng = np.random.default_rng(1)
    for _ in range(40):
        x, y, yaw = rng.uniform((0.165, -0.12, -0.75), (0.255, 0.12, 0.75))
        T = down(x, y, 0.02, yaw)
        q = solved(kinematics, T)
        assert q is not None
        error_m, error_rad = pose_error(kinematics.tool_pose(q), T)
        assert error_m < 1e-4
        assert error_rad < 0.06
        assert kinematics.within_limits(q)


def test_higher_up_it_leans_and_still_meets_the_position(kinematics: Kinematics) -> None:
    T = down(0.25, 0.12, 0.16)
    q = solved(kinematics, T)
    assert q is not None
    reached = kinematics.tool_pose(q)
    assert pose_error(reached, T)[0] < 1e-3
    assert 0.05 < lean(reached, T) < kinematics.arm.orientation_tolerance_rad


def test_it_leans_no_further_than_the_cell_file_says(arm: ArmSpec) -> None:
    strict = Kinematics(msgspec.structs.replace(arm, orientation_tolerance_rad=0.02))
    found = strict.solve(
        down(0.25, 0.12, 0.16), np.array(arm.home_rad), rng=np.random.default_rng(0)
    )
    assert found.q is None
    assert "5 joints may turn it up to 0.02 rad" in found.reason
    assert found.rotation_error_rad > 0.05


def test_an_orientation_five_joints_cannot_take_is_refused(kinematics: Kinematics) -> None:
    T = pose_matrix(np.array((0.22, 0.0, 0.15)), SIDEWAYS)
    found = kinematics.solve(T, np.array(kinematics.arm.home_rad), rng=np.random.default_rng(0))
    assert found.q is None
    assert found.rotation_error_rad > kinematics.arm.orientation_tolerance_rad


def test_of_two_ways_to_reach_the_one_that_leans_less_is_taken(kinematics: Kinematics) -> None:
    T = down(0.25, 0.12, 0.16)
    leans = []
    for seed in range(4):
        q = solved(kinematics, T, seed)
        assert q is not None
        leans.append(lean(kinematics.tool_pose(q), T))
    assert max(leans) - min(leans) < 0.03


@pytest.mark.parametrize("rise_m", [0.06, 0.12])
def test_a_straight_line_up_stays_on_the_line(kinematics: Kinematics, rise_m: float) -> None:
    T = down(0.22, 0.06, 0.02, 0.4)
    q = solved(kinematics, T)
    assert q is not None
    up = T.copy()
    up[2, 3] += rise_m
    line = straight_line(kinematics, q, up)
    assert line.status == "OK", line.detail
    for row in line.q:
        pose = kinematics.tool_pose(row)
        assert np.hypot(*(pose[:2, 3] - T[:2, 3])) < 1e-3
        assert lean(pose, T) < kinematics.arm.orientation_tolerance_rad


def test_the_tool_point_moves_onto_what_is_held_and_the_hand_does_not(
    kinematics: Kinematics,
) -> None:
    q = np.array(kinematics.arm.home_rad)
    before = kinematics.tool_pose(q)
    try:
        kinematics.centre_on(-0.015)
        after = kinematics.tool_pose(q)
        assert np.allclose(after[:3, 3], before[:3, 3] - 0.015 * before[:3, 1])
        assert np.allclose(kinematics.hand_pose(q), before)
    finally:
        kinematics.centre_on(0.0)
    assert np.array_equal(kinematics.tool_pose(q), before)


def test_weight_is_carried_by_the_joints_that_lift(kinematics: Kinematics) -> None:
    out = kinematics.gravity_Nm(np.zeros(5))
    assert out[0] == pytest.approx(0.0, abs=1e-9)
    # Stretched out straight: 0.4 kg some 0.15 m away from the shoulder.
    assert 0.4 < abs(out[1]) < 0.9
    assert abs(out[1]) > abs(out[2]) > abs(out[3])


def test_near_the_base_a_wrist_at_its_limit_keeps_the_tool_on_the_line(
    kinematics: Kinematics,
) -> None:
    for x, y, yaw in ((0.167, 0.021, -0.74), (0.170, -0.016, -0.5), (0.166, 0.017, 0.41)):
        T = down(x, y, 0.063, yaw)
        q = solved(kinematics, T)
        assert q is not None
        up = T.copy()
        up[2, 3] += 0.1
        line = straight_line(kinematics, q, up)
        assert line.status == "OK", line.detail
