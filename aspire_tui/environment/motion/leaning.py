"""Inverse kinematics of an arm with fewer than six joints: the position exactly, and of all joints
that give it, those whose orientation is nearest to the one asked for.

Gauss-Newton steps on the orientation within the null space of the position, joints held at their
limits as long as the step would push them out.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from aspire_tui.environment.motion.pose import FloatArray, rotation_vector

STEPS = 60
STEP_RAD = 0.5
"""Largest joint step of one iteration: beyond it the linearisation is worthless."""

DAMPING = 1e-6
POSITION_DAMPING = 1e-10
"""Much less: whatever it takes from the position, the wish to turn puts back as an error there."""

ARRIVED_M = 1e-6
STILL_RAD = 1e-5
"""A step smaller than this changes nothing any more."""


def nearest(
    pose_and_jacobian: Callable[[FloatArray], tuple[FloatArray, FloatArray]],
    T_target: FloatArray,
    start_q: FloatArray,
    lo_rad: FloatArray,
    hi_rad: FloatArray,
) -> FloatArray:
    """Joints near the start that put the tool at a pose as nearly as can be; the caller judges.

    Args:
        pose_and_jacobian: Joints (n,) to the tool's pose (4, 4), and to its linear, then angular
            velocity per joint velocity, shape (6, n).
    """
    q = np.clip(start_q, lo_rad, hi_rad)
    for _ in range(STEPS):
        T, J = pose_and_jacobian(q)
        position = T_target[:3, 3] - T[:3, 3]
        turn = rotation_vector(T_target[:3, :3] @ T[:3, :3].T)
        step = _bounded_step(J, position, turn, q, lo_rad, hi_rad)
        size = float(np.abs(step).max())
        if size > STEP_RAD:
            step *= STEP_RAD / size
        q = np.clip(q + step, lo_rad, hi_rad)
        if size < STILL_RAD and float(np.linalg.norm(position)) < ARRIVED_M:
            break
    return q


def _bounded_step(
    J: FloatArray,
    position: FloatArray,
    turn: FloatArray,
    q: FloatArray,
    lo: FloatArray,
    hi: FloatArray,
) -> FloatArray:
    """A step that leaves the limits alone: joints at one that would be pushed out stay put."""
    free = np.ones(len(q), bool)
    step = np.zeros(len(q))
    for _ in range(len(q)):
        step[:] = 0.0
        step[free] = _step(J[:3, free], J[3:, free], position, turn)
        out = free & (((q <= lo) & (step < 0)) | ((q >= hi) & (step > 0)))
        if not np.any(out) or np.count_nonzero(free & ~out) < 3:
            break
        free &= ~out
    return step


def _step(
    J_position: FloatArray, J_turn: FloatArray, position: FloatArray, turn: FloatArray
) -> FloatArray:
    """The position's own step, and in what it leaves free the one that turns best."""
    gram = J_position @ J_position.T + POSITION_DAMPING * np.eye(3)
    back = np.linalg.solve(gram, np.column_stack((position, J_position))).T
    to_position: FloatArray = J_position.T @ back[0]
    free = np.eye(J_position.shape[1]) - J_position.T @ back[1:].T
    turned = J_turn @ free
    inner = turned.T @ turned + DAMPING * np.eye(turned.shape[1])
    wanted = turn - J_turn @ to_position
    out: FloatArray = to_position + free @ np.linalg.solve(inner, turned.T @ wanted)
    return out
