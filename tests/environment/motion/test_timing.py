from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aspire_tui.environment.motion.path import Curve, Leg, polyline
from aspire_tui.environment.motion.timing import TimingFailed, limit_use, time_path
from drivers.safety import check_trajectory
from drivers.types import ArmSpec, JointSpec, Trajectory


def joints_of(arm: ArmSpec) -> tuple[np.ndarray, tuple[JointSpec, ...]]:
    return np.array([j.vmax_rad_s for j in arm.joints]), arm.joints


def at_100_hz(trajectory: Trajectory) -> tuple[np.ndarray, np.ndarray]:
    """Joints and velocities as a driver interpolates them, computed apart from the code."""
    from scipy.interpolate import CubicHermiteSpline

    spline = CubicHermiteSpline(trajectory.t_s, trajectory.q_rad, trajectory.dq_rad_s)
    t = np.arange(0, trajectory.duration_s, 0.01)
    return spline(t), spline(t, 1)


waypoints = st.integers(0, 2**32 - 1).flatmap(
    lambda seed: st.tuples(st.just(seed), st.integers(2, 7), st.floats(-4, 0))
)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(case=waypoints, speed=st.floats(0.1, 1.0), rounded=st.booleans())
def test_any_path_is_timed_within_limits_from_rest_to_rest(
    arm: ArmSpec, case: tuple[int, int, float], speed: float, rounded: bool
) -> None:
    seed, count, scale = case
    rng = np.random.default_rng(seed)
    vmax, joints = joints_of(arm)
    points = np.array(arm.home_rad) + np.cumsum(rng.normal(0, 10**scale, (count, 6)), axis=0)
    lo = np.array([j.lo_rad for j in joints])
    hi = np.array([j.hi_rad for j in joints])
    points = np.clip(points, lo, hi)
    try:
        t = time_path(polyline(points, vmax, rounded=rounded), points[0], joints, speed=speed)
    except TimingFailed as refusal:
        assert "knots" in str(refusal)
        return
    velocity, acceleration = limit_use(t, joints)
    assert velocity <= 0.98 * speed + 1e-9
    assert acceleration <= 0.96 * speed + 1e-9
    assert np.array_equal(t.q_rad[0], points[0])
    assert np.allclose(t.q_rad[-1], points[-1], atol=1e-9)
    assert np.max(np.abs(t.dq_rad_s[[0, -1]])) < 1e-6
    assert np.all(np.diff(t.t_s) > 0)
    assert np.max(np.diff(t.t_s)) <= 0.02
    assert check_trajectory(arm, t, tuple(points[0]), 0.01) is None
    q, dq = at_100_hz(t)
    assert np.all(np.abs(dq) <= vmax * speed)
    assert np.all(np.abs(np.diff(dq, axis=0)) / 0.01 <= [j.amax_rad_s2 * speed for j in joints])
    # Between knots nothing strays from the path: corners are cut by a known amount only.
    assert np.all(q >= points.min(axis=0) - 1e-6)
    assert np.all(q <= points.max(axis=0) + 1e-6)


def test_points_along_a_straight_are_passed_without_stopping(arm: ArmSpec) -> None:
    vmax, joints = joints_of(arm)
    a, b = np.array(arm.home_rad), np.array(arm.home_rad) + 0.5
    plain = time_path(polyline(np.array((a, b)), vmax, rounded=True), a, joints)
    dense = time_path((Leg((Curve(np.linspace(a, b, 60), vmax),)),), a, joints)
    many = time_path(polyline(np.linspace(a, b, 60), vmax, rounded=True), a, joints)
    assert dense.duration_s < 1.05 * plain.duration_s
    assert many.duration_s < 1.6 * plain.duration_s


def test_rounded_corners_are_quicker_and_stay_near_the_waypoint(arm: ArmSpec) -> None:
    vmax, joints = joints_of(arm)
    a = np.array(arm.home_rad)
    points = np.array((a, a, a))
    points[1:, 0] += 0.8
    points[2, 1] -= 0.6
    smooth = time_path(polyline(points, vmax, rounded=True), a, joints)
    exact = time_path(polyline(points, vmax, rounded=False), a, joints)
    assert smooth.duration_s < exact.duration_s
    q, _ = at_100_hz(smooth)
    assert np.min(np.max(np.abs(q - points[1]), axis=1)) <= 0.1
    q, _ = at_100_hz(exact)
    assert np.min(np.max(np.abs(q - points[1]), axis=1)) <= 1e-3


def test_staying_is_a_trajectory_too(arm: ArmSpec) -> None:
    q = np.array(arm.home_rad)
    t = time_path((), q, arm.joints)
    assert check_trajectory(arm, t, tuple(q), 0.01) is None
    assert np.all(t.q_rad == q)


def test_the_tools_speed_is_capped(arm: ArmSpec) -> None:
    vmax, joints = joints_of(arm)
    a = np.array(arm.home_rad)
    leg = Leg((Curve(np.linspace(a, a + 0.4, 30), vmax),), tool_length_m=0.1)
    t = time_path((leg,), a, joints, tool_speed_m_s=0.02)
    assert t.duration_s >= 0.1 / 0.02
    assert t.duration_s < 1.2 * 0.1 / 0.02


def test_a_move_too_slow_for_the_driver_is_refused(arm: ArmSpec) -> None:
    vmax, joints = joints_of(arm)
    a = np.array(arm.home_rad)
    leg = Leg((Curve(np.linspace(a, a + 0.4, 30), vmax),), tool_length_m=0.5)
    with pytest.raises(TimingFailed, match="knots"):
        time_path((leg,), a, joints, tool_speed_m_s=0.005)
