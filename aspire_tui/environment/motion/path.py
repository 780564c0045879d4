"""Paths through joint space as smooth pieces: straights, rounded corners and fitted curves.

A piece is parametrised by ``u``, measured in seconds at full speed: along it every joint moves at
most ``vmax`` per unit of ``u``, so a rate of ``du/dt <= 1`` keeps all joints within their speeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from aspire_tui.environment.motion.pose import FloatArray

CORNER_CUT_RAD = 0.08
"""A rounded corner passes the waypoint at most this far away, in any joint."""

SAME_RAD = 1e-9
STRAIGHT = 1e-6
"""A change of direction below this share of full speed is none."""

BEND_SHARE = 0.4
"""The most of the acceleration limit that following a curve may use; the rest changes its speed."""


class Piece(Protocol):
    """One smooth part of a path."""

    @property
    def length(self) -> float:
        """In units of ``u``."""
        ...

    def at(self, u: FloatArray) -> FloatArray:
        """Joints, shape (len(u), n)."""
        ...

    def slope(self, u: FloatArray) -> FloatArray:
        """Derivative of the joints with respect to ``u``, shape (len(u), n)."""
        ...

    def fastest(self, amax: FloatArray) -> float:
        """The largest rate du/dt that its bends allow."""
        ...

    def quickest(self, amax: FloatArray) -> float:
        """The largest change of rate that leaves room for its bends."""
        ...


@dataclass(frozen=True, eq=False)
class Straight:
    """Straight from one joint vector to another."""

    q0: FloatArray
    slope_: FloatArray
    length: float

    def at(self, u: FloatArray) -> FloatArray:
        out: FloatArray = self.q0 + np.outer(u, self.slope_)
        return out

    def slope(self, u: FloatArray) -> FloatArray:
        return np.tile(self.slope_, (len(u), 1))

    def fastest(self, amax: FloatArray) -> float:
        return 1.0

    def quickest(self, amax: FloatArray) -> float:
        return _tightest(amax, self.slope_)


@dataclass(frozen=True, eq=False)
class Corner:
    """A parabola from one straight into the next, passed at constant rate."""

    q0: FloatArray
    slope_in: FloatArray
    slope_out: FloatArray
    length: float

    def at(self, u: FloatArray) -> FloatArray:
        bend = (self.slope_out - self.slope_in) / (2 * self.length)
        out: FloatArray = self.q0 + np.outer(u, self.slope_in) + np.outer(u * u, bend)
        return out

    def slope(self, u: FloatArray) -> FloatArray:
        out: FloatArray = self.slope_in + np.outer(u / self.length, self.slope_out - self.slope_in)
        return out

    def fastest(self, amax: FloatArray) -> float:
        bend = (self.slope_out - self.slope_in) / self.length
        return float(np.sqrt(_tightest(amax, bend)))

    def quickest(self, amax: FloatArray) -> float:
        return 0.0


@dataclass(frozen=True, eq=False)
class Curve:
    """A cubic spline through points that are evenly spaced along what they follow.

    Attributes:
        points: Shape (K, n), K >= 2.
        vmax: Shape (n,), full joint speeds.
    """

    points: FloatArray
    vmax: FloatArray

    @cached_property
    def _spline(self) -> Any:
        from scipy.interpolate import CubicSpline

        return CubicSpline(np.linspace(0, 1, len(self.points)), self.points)

    @cached_property
    def _samples(self) -> FloatArray:
        return np.linspace(0, 1, 2 * len(self.points) + 1)

    @cached_property
    def length(self) -> float:
        return float(np.max(np.abs(self._spline(self._samples, 1)) / self.vmax))

    def at(self, u: FloatArray) -> FloatArray:
        out: FloatArray = self._spline(u / self.length)
        return out

    def slope(self, u: FloatArray) -> FloatArray:
        out: FloatArray = self._spline(u / self.length, 1) / self.length
        return out

    def _bend_share(self, amax: FloatArray) -> tuple[float, float]:
        """What bends use of the acceleration limit at full rate, and what they may use."""
        bend = np.abs(self._spline(self._samples, 2)).max(axis=0) / self.length**2
        use = 1.0 / _tightest(amax, bend)
        return use, min(use, BEND_SHARE)

    def fastest(self, amax: FloatArray) -> float:
        use, share = self._bend_share(amax)
        return float(np.sqrt(share / use)) if use > 0 else 1.0

    def quickest(self, amax: FloatArray) -> float:
        slope = np.abs(self._spline(self._samples, 1)).max(axis=0) / self.length
        return (1 - self._bend_share(amax)[1]) * _tightest(amax, slope)


@dataclass(frozen=True, eq=False)
class Leg:
    """Pieces passed without stopping; the arm rests before and after.

    Attributes:
        tool_length_m: Distance the tool travels, where that is known and its speed may be capped.
    """

    pieces: tuple[Piece, ...]
    tool_length_m: float | None = None

    @property
    def length(self) -> float:
        return sum(p.length for p in self.pieces)

    def reversed(self) -> Leg:
        """The same way back. Only for legs of curves."""
        back = []
        for piece in reversed(self.pieces):
            if not isinstance(piece, Curve):
                raise TypeError(f"{type(piece).__name__} cannot be reversed")
            back.append(Curve(piece.points[::-1], piece.vmax))
        return Leg(tuple(back), self.tool_length_m)

    def samples(self, step_rad: float) -> FloatArray:
        """Joints along the leg, both ends included, no joint moving further than the step."""
        rows: list[FloatArray] = []
        for piece in self.pieces:
            coarse = piece.at(np.linspace(0, piece.length, 9))
            travel = float(np.abs(np.diff(coarse, axis=0)).max(axis=1).sum())
            count = max(1, int(np.ceil(1.05 * travel / step_rad)))
            rows.append(piece.at(np.linspace(0, piece.length, count + 1))[1 if rows else 0 :])
        return np.concatenate(rows)


def polyline(points: FloatArray, vmax: FloatArray, *, rounded: bool) -> tuple[Leg, ...]:
    """A path along straight lines between waypoints of shape (K, n).

    Args:
        rounded: Cut corners a little and pass them without stopping, as one leg. Otherwise the
            path is exact and rests at every waypoint.
    """
    q = points[_distinct(points)]
    if len(q) < 2:
        return ()
    lengths, slopes = _sides(q, vmax)
    turning = np.max(np.abs(np.diff(slopes, axis=0)) / vmax, axis=1, initial=0.0) > STRAIGHT
    q = q[np.concatenate(((True,), turning, (True,)))]
    lengths, slopes = _sides(q, vmax)
    if not rounded:
        return tuple(
            Leg((Straight(q[i], slopes[i], float(lengths[i])),)) for i in range(len(lengths))
        )
    return (Leg(tuple(_rounded(q, lengths, slopes))),)


def _distinct(points: FloatArray) -> list[int]:
    keep = [0]
    for i in range(1, len(points)):
        if np.max(np.abs(points[i] - points[keep[-1]])) > SAME_RAD:
            keep.append(i)
    return keep


def _sides(q: FloatArray, vmax: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Length in ``u`` of the straights between waypoints, shape (K - 1,), and their slopes."""
    lengths: FloatArray = np.max(np.abs(np.diff(q, axis=0)) / vmax, axis=1)
    return lengths, np.diff(q, axis=0) / lengths[:, None]


def _rounded(q: FloatArray, lengths: FloatArray, slopes: FloatArray) -> Sequence[Piece]:
    cuts = [0.0]
    for i in range(1, len(lengths)):
        turn = float(np.max(np.abs(slopes[i] - slopes[i - 1])))
        room = 0.45 * float(min(lengths[i - 1], lengths[i]))
        # A parabola between tangent points at distance c passes its corner at c * turn / 4.
        cuts.append(0.0 if turn < 1e-9 else min(room, 4 * CORNER_CUT_RAD / turn))
    cuts.append(0.0)
    pieces: list[Piece] = []
    for i, length in enumerate(lengths):
        start = q[i] + cuts[i] * slopes[i]
        pieces.append(Straight(start, slopes[i], float(length - cuts[i] - cuts[i + 1])))
        if cuts[i + 1] > 0:
            entry = q[i + 1] - cuts[i + 1] * slopes[i]
            pieces.append(Corner(entry, slopes[i], slopes[i + 1], 2 * cuts[i + 1]))
    return pieces


def _tightest(limit: FloatArray, use: FloatArray) -> float:
    """The smallest limit/|use| over joints; large where nothing is used."""
    return float(np.min(limit / np.maximum(np.abs(use), 1e-9)))
