"""Cubic Hermite interpolation of trajectory knots, prepared once, cheap to evaluate each tick."""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

import numpy as np

from drivers.types import FloatArray, Trajectory

Vector = tuple[float, ...]


class PathPoint(NamedTuple):
    """Joints, first and second derivative with respect to path time."""

    q_rad: Vector
    dq_rad_s: Vector
    ddq_rad_s2: Vector


class HermitePath:
    """A trajectory as cubic polynomials in path time, one per segment and joint."""

    def __init__(self, trajectory: Trajectory) -> None:
        t, q, dq = trajectory.t_s, trajectory.q_rad, trajectory.dq_rad_s
        h = np.diff(t)[:, None]
        slope = np.diff(q, axis=0) / h
        c2 = (3.0 * slope - 2.0 * dq[:-1] - dq[1:]) / h
        c3 = (dq[:-1] + dq[1:] - 2.0 * slope) / h**2
        self._coefficients = np.stack([q[:-1], dq[:-1], c2, c3], axis=1)
        self._segments: list[list[list[float]]] = self._coefficients.tolist()
        self._knots: list[float] = t.tolist()
        self.duration_s = self._knots[-1]
        self.start_rad: Vector = tuple(q[0].tolist())
        self.target_rad: Vector = tuple(q[-1].tolist())

    def at(self, s_s: float) -> PathPoint:
        """The point at path time ``s_s``, clamped to the path's ends."""
        if s_s >= self.duration_s:
            zero = (0.0,) * len(self.target_rad)
            return PathPoint(self.target_rad, zero, zero)
        index = max(0, bisect_right(self._knots, s_s) - 1)
        x = max(0.0, s_s - self._knots[index])
        q, dq, ddq = [], [], []
        for c0, c1, c2, c3 in zip(*self._segments[index], strict=True):
            q.append(c0 + x * (c1 + x * (c2 + x * c3)))
            dq.append(c1 + x * (2.0 * c2 + 3.0 * c3 * x))
            ddq.append(2.0 * c2 + 6.0 * c3 * x)
        return PathPoint(tuple(q), tuple(dq), tuple(ddq))

    def sample(self, dt_s: float) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Times (N,), joints (N, n) and velocities (N, n) at a fixed rate, both ends included."""
        steps = max(1, int(np.ceil(self.duration_s / dt_s - 1e-9)))
        times = np.minimum(np.arange(steps + 1) * dt_s, self.duration_s)
        knots = np.asarray(self._knots)
        index = np.clip(np.searchsorted(knots, times, side="right") - 1, 0, len(knots) - 2)
        x = (times - knots[index])[:, None]
        c0, c1, c2, c3 = (self._coefficients[index, k] for k in range(4))
        q = c0 + x * (c1 + x * (c2 + x * c3))
        dq = c1 + x * (2.0 * c2 + 3.0 * c3 * x)
        return times, q, dq

    def peak_speed(self) -> FloatArray:
        """Largest |velocity| anywhere on the path, shape (n,), exact."""
        c1, c2, c3 = (self._coefficients[:, k] for k in (1, 2, 3))
        h = np.diff(np.asarray(self._knots))[:, None]
        ends = np.maximum(np.abs(c1), np.abs(c1 + h * (2.0 * c2 + 3.0 * c3 * h)))
        with np.errstate(divide="ignore", invalid="ignore"):
            turn = -c2 / (3.0 * c3)
        inside = (turn > 0.0) & (turn < h)
        x = np.where(inside, turn, 0.0)
        middle = np.abs(c1 + x * (2.0 * c2 + 3.0 * c3 * x))
        peak: FloatArray = np.maximum(ends, middle).max(axis=0)
        return peak
