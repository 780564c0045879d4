"""Boxes round points and the geometry of poses: what goes in comes out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aspire_tui.environment.perception.boxes import (
    footprint,
    oriented_box,
    rotated,
    smallest_rectangle,
    yaw_of,
)
from aspire_tui.environment.perception.camera import (
    deproject,
    deproject_to,
    invert,
    project,
    quaternion,
    rotation,
    transform,
)

quaternions = st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: np.linalg.norm(q) > 0.1)
points3 = st.tuples(*[st.floats(-2, 2)] * 3)


def unit(q):
    return np.array(q) / np.linalg.norm(q)


def grid(a, b, yaw, step=0.002):
    u, v = np.meshgrid(np.arange(-a / 2, a / 2, step), np.arange(-b / 2, b / 2, step))
    return np.stack([u.ravel(), v.ravel()], 1) @ rotated(yaw).T + (0.3, -0.1)


@given(quaternions)
def test_a_rotation_survives_its_quaternion(q):
    R = rotation(unit(q))
    assert np.allclose(rotation(quaternion(R)), R, atol=1e-9)
    assert abs(np.linalg.norm(quaternion(R)) - 1) < 1e-12


@given(quaternions, points3, points3)
def test_a_pose_and_its_inverse_cancel(q, t, p):
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = rotation(unit(q)), t
    there = transform(np.array(p), T)
    assert np.allclose(transform(there, invert(T)), p, atol=1e-9)


@given(st.integers(0, 31), st.integers(0, 23), st.floats(0.1, 3))
def test_a_pixel_survives_the_way_through_space(x, y, depth_m):
    K = np.array([[30.0, 0, 15.5], [0, 31.0, 11.5], [0, 0, 1]])
    image = np.zeros((24, 32), np.float32)
    image[y, x] = depth_m
    point = deproject(image, K)[y, x].astype(float)
    assert np.allclose(project(point[None], K)[0], (x, y), atol=1e-3)
    assert np.isclose(point[2], depth_m, atol=1e-5)


@given(quaternions, points3)
def test_moving_a_depth_image_is_moving_its_points(q, t):
    K = np.array([[30.0, 0, 15.5], [0, 31.0, 11.5], [0, 0, 1]])
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = rotation(unit(q)), t
    image = np.linspace(0.2, 1.4, 24 * 32).reshape(24, 32).astype(np.float32)
    slow = transform(deproject(image, K), T)
    assert np.allclose(deproject_to(image, K, T), slow, atol=1e-5)


@settings(max_examples=60)
@given(st.floats(-3, 3), st.floats(0.03, 0.1), st.floats(1.0, 2.5))
def test_yaw_and_sides_of_a_filled_rectangle_come_back(yaw_off_rad, a, ratio):
    xy = grid(a * ratio, a, yaw_off_rad)
    yaw = yaw_of(xy)
    assert abs((yaw - yaw_off_rad + np.pi / 4) % (np.pi / 2) - np.pi / 4) < np.deg2rad(4)
    rect = footprint(xy, yaw, 0.02)
    assert np.abs(np.sort(rect.sides_m) - (a, a * ratio)).max() < 0.004
    assert np.linalg.norm(rect.centre_m - (0.3, -0.1)) < 0.002


@given(st.floats(-3, 3))
def test_the_smallest_rectangle_lies_along_the_sides(yaw):
    found = smallest_rectangle(grid(0.08, 0.03, yaw))
    assert abs((found - yaw + np.pi / 4) % (np.pi / 2) - np.pi / 4) < np.deg2rad(2)


@settings(max_examples=60)
@given(
    quaternions,
    st.tuples(st.floats(0.02, 0.05), st.floats(0.06, 0.12), st.floats(0.15, 0.4)),
    points3,
)
def test_an_oriented_box_comes_back_with_its_extents(q, sides, centre):
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
    R = rotation(unit(q))
    box = oriented_box((corners * np.array(sides) / 2) @ R.T + centre)
    assert np.allclose(np.sort(box.extent), np.sort(sides), atol=1e-6)
    assert np.allclose(box.center, centre, atol=1e-6)
    assert np.isclose(np.linalg.det(box.R), 1.0)
    assert np.allclose(box.R.T @ box.R, np.eye(3), atol=1e-9)


def test_a_box_needs_points():
    with pytest.raises(ValueError, match="at least 4"):
        oriented_box(np.full((9, 3), np.nan))
