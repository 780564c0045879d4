from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from aspire_tui.environment.motion.pose import (
    between,
    invert,
    pose_error,
    pose_matrix,
    quaternion,
    rotation,
    rotation_vector,
)

ORIGIN = np.zeros(3)
unit = (
    st.lists(st.floats(-1, 1), min_size=4, max_size=4)
    .filter(lambda q: np.linalg.norm(q) > 0.1)
    .map(lambda q: np.array(q) / np.linalg.norm(q))
)
vector = st.lists(st.floats(-1.7, 1.7), min_size=3, max_size=3).map(np.array)


@given(unit)
def test_a_quaternion_survives_the_matrix(q: np.ndarray) -> None:
    back = quaternion(pose_matrix(ORIGIN, q)[:3, :3])
    assert abs(abs(back @ q) - 1) < 1e-12


@given(vector)
def test_a_rotation_vector_survives_the_matrix(v: np.ndarray) -> None:
    assert np.allclose(rotation_vector(rotation(v)), v, atol=1e-9)


def test_half_a_turn_about_every_axis() -> None:
    for axis in np.eye(3):
        R = rotation(np.pi * axis)
        assert np.allclose(rotation(rotation_vector(R)), R, atol=1e-9)
        assert abs(pose_error(pose_matrix(ORIGIN, quaternion(R)), np.eye(4))[1] - np.pi) < 1e-9


@given(unit, unit, st.floats(0, 1))
def test_between_turns_evenly(qa: np.ndarray, qb: np.ndarray, share: float) -> None:
    A, B = pose_matrix(ORIGIN, qa), pose_matrix(np.ones(3), qb)
    whole = pose_error(A, B)
    part = pose_error(A, between(A, B, share))
    assert np.allclose(part, np.array(whole) * share, atol=1e-6)


@given(unit, vector)
def test_invert_undoes(q: np.ndarray, v: np.ndarray) -> None:
    T = pose_matrix(v, q)
    assert np.allclose(invert(T) @ T, np.eye(4), atol=1e-12)
