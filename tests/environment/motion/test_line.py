from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.interpolate import CubicHermiteSpline

from aspire_tui.environment.motion.kinematics import Kinematics
from aspire_tui.environment.motion.line import straight_line
from aspire_tui.environment.motion.pose import between, pose_error, pose_matrix
from aspire_tui.environment.motion.timing import time_path

DOWN = np.array((0.0, 0.0, 1.0, 0.0))


def start(kinematics: Kinematics, xyz: tuple[float, float, float]) -> np.ndarray:
    home = np.array(kinematics.arm.home_rad)
    T = pose_matrix(np.array(xyz), DOWN)
    q = kinematics.solve(T, home, rng=np.random.default_rng(0)).q
    assert q is not None
    return q


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    x=st.floats(0.25, 0.4), y=st.floats(-0.2, 0.2), z=st.floats(0.02, 0.2), yaw=st.floats(-0.6, 0.6)
)
def test_the_timed_line_is_straight_and_turns_evenly(
    kinematics: Kinematics, x: float, y: float, z: float, yaw: float
) -> None:
    q0 = start(kinematics, (0.3, 0.0, 0.15))
    T0 = kinematics.tool_pose(q0)
    T1 = pose_matrix(np.array((x, y, z)), np.array((0, np.sin(-yaw / 2), np.cos(yaw / 2), 0)))
    line = straight_line(kinematics, q0, T1)
    assert line.status == "OK", line.detail
    assert line.leg is not None
    t = time_path((line.leg,), q0, kinematics.arm.joints)
    spline = CubicHermiteSpline(t.t_s, t.q_rad, t.dq_rad_s)
    length = np.linalg.norm(T1[:3, 3] - T0[:3, 3])
    for when in np.arange(0, t.duration_s, 0.01):
        T = kinematics.tool_pose(spline(when))
        along = T[:3, 3] - T0[:3, 3]
        share = float(along @ (T1[:3, 3] - T0[:3, 3])) / length**2
        off_m, off_rad = pose_error(T, between(T0, T1, float(np.clip(share, 0, 1))))
        assert off_m < 0.001
        assert off_rad < 0.01
    assert pose_error(kinematics.tool_pose(t.q_rad[-1]), T1)[0] < 1e-4


def test_where_along_the_line_it_fails_is_said(kinematics: Kinematics) -> None:
    q0 = start(kinematics, (0.3, 0.0, 0.15))
    line = straight_line(kinematics, q0, pose_matrix(np.array((0.3, 0.0, 0.8)), DOWN))
    assert line.status == "IK_FAILED"
    share = float(line.detail.split("%")[0].split()[-1])
    assert 5 < share < 60
    assert line.leg is None
    # What was found leads up to that point.
    assert np.allclose(line.q[0], q0)
    assert kinematics.tool_pose(line.q[-1])[2, 3] < 0.45


def test_joints_do_not_jump_near_a_singular_pose(kinematics: Kinematics) -> None:
    # Joints 1 and 6 nearly in one line: a sideways step asks one of them for half a turn at once.
    q0 = np.array((1.955, 1.199, 2.473, -0.93, 0.004, -0.338))
    T = kinematics.tool_pose(q0)
    T[:3, 3] += (-0.143, -0.046, -0.001)
    line = straight_line(kinematics, q0, T)
    assert line.status == "PLANNING_ERROR"
    assert "jump" in line.detail
    assert "% along the line" in line.detail
    assert line.leg is None
    assert np.max(np.abs(np.diff(line.q, axis=0)), initial=0.0) <= 0.25


def test_no_way_to_go_is_no_leg(kinematics: Kinematics) -> None:
    q0 = start(kinematics, (0.3, 0.0, 0.15))
    line = straight_line(kinematics, q0, kinematics.tool_pose(q0))
    assert line.status == "OK"
    assert line.leg is None
    assert len(line.q) == 1


@pytest.mark.parametrize("back", [0.05, 0.1])
def test_a_line_and_its_reverse_are_the_same_way(kinematics: Kinematics, back: float) -> None:
    q0 = start(kinematics, (0.3, 0.05, 0.05))
    T = kinematics.tool_pose(q0)
    T[2, 3] += back
    line = straight_line(kinematics, q0, T)
    assert line.leg is not None
    there, again = line.leg.samples(0.02), line.leg.reversed().samples(0.02)
    assert np.allclose(there, again[::-1], atol=1e-9)
