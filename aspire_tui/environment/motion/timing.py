"""Gives a path its time: as fast as joint speeds and accelerations allow, smooth, rest to rest.

Each piece of a path has one degree of freedom, how far along it the arm is; ruckig times that with
limited jerk. Knots stand at most 20 ms apart and wherever the jerk changes, so that the driver's
cubic interpolation reproduces the motion between them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aspire_tui.environment.motion.path import Leg, Piece
from aspire_tui.environment.motion.pose import FloatArray
from drivers.types import JointSpec, Trajectory

VELOCITY_SHARE = 0.97
ACCELERATION_SHARE = 0.95
"""Of the joint limits; the rest is room for the driver's own bookkeeping."""

JERK_TIME_S = 0.06
"""Time in which acceleration goes from nothing to its limit."""

KNOT_SPACING_S = 0.02
GRID_S = 0.018
"""Spacing aimed at: what merging knots and slowing down add must stay below the 20 ms."""
MOST_KNOTS = 2000
SHORTEST_KNOT_S = 5e-4


class TimingFailed(ValueError):
    """No timing within limits was found for a path; what was asked is in the text."""


def time_path(
    legs: Sequence[Leg],
    q_start: FloatArray,
    joints: Sequence[JointSpec],
    *,
    speed: float = 1.0,
    tool_speed_m_s: float | None = None,
) -> Trajectory:
    """Time legs one after the other, at rest between them.

    Args:
        legs: The path; empty means stay at ``q_start``.
        speed: In (0, 1], scales joint speeds and accelerations.
        tool_speed_m_s: Cap on the tool's speed along legs that know their tool length.
    """
    amax = np.array([j.amax_rad_s2 for j in joints]) * ACCELERATION_SHARE * speed
    columns = _Columns(q_start)
    for leg in legs:
        rate = VELOCITY_SHARE * speed
        if tool_speed_m_s is not None and leg.tool_length_m:
            rate = min(rate, tool_speed_m_s * leg.length / leg.tool_length_m)
        _time_leg(leg, rate, amax, columns)
    trajectory = within_limits(columns.trajectory(), joints, speed)
    if len(trajectory.t_s) > MOST_KNOTS:
        raise TimingFailed(
            f"the move would take {trajectory.duration_s:.0f} s and {len(trajectory.t_s)} knots, "
            f"at most {MOST_KNOTS}"
        )
    return trajectory


def limit_use(trajectory: Trajectory, joints: Sequence[JointSpec]) -> tuple[float, float]:
    """Largest share of the speed and of the acceleration limits, exact for cubic segments."""
    vmax = np.array([j.vmax_rad_s for j in joints])
    amax = np.array([j.amax_rad_s2 for j in joints])
    h = np.diff(trajectory.t_s)[:, None]
    v0, v1 = trajectory.dq_rad_s[:-1], trajectory.dq_rad_s[1:]
    mean = np.diff(trajectory.q_rad, axis=0) / h
    a0 = (6 * mean - 4 * v0 - 2 * v1) / h
    a1 = (-6 * mean + 2 * v0 + 4 * v1) / h
    with np.errstate(divide="ignore", invalid="ignore"):
        turn = np.where(a1 != a0, -a0 * h / (a1 - a0), -1.0)
    inside = (turn > 0) & (turn < h)
    x = np.where(inside, turn, 0.0)
    middle = v0 + a0 * x + (a1 - a0) * x * x / (2 * h)
    velocity = np.max(np.abs(np.stack((v0, v1, middle))), axis=(0, 1))
    acceleration = np.max(np.abs(np.stack((a0, a1))), axis=(0, 1))
    return float(np.max(velocity / vmax)), float(np.max(acceleration / amax))


class _Columns:
    """Knots as they are gathered."""

    def __init__(self, q_start: FloatArray) -> None:
        self._t = [np.zeros(1)]
        self._q = [q_start[None, :]]
        self._dq = [np.zeros((1, len(q_start)))]
        self._end_s = 0.0

    def add(self, piece: Piece, t: FloatArray, u: FloatArray, rate: FloatArray) -> None:
        """Knots at times after the piece's start; its own first moment is already there."""
        self._t.append(self._end_s + t)
        self._q.append(piece.at(u))
        self._dq.append(piece.slope(u) * rate[:, None])
        self._end_s += float(t[-1])

    def trajectory(self) -> Trajectory:
        t, q, dq = (np.concatenate(c) for c in (self._t, self._q, self._dq))
        if len(t) == 1:
            t, q, dq = np.array((0.0, KNOT_SPACING_S)), np.repeat(q, 2, 0), np.repeat(dq, 2, 0)
        return Trajectory(t, q, dq)


def _time_leg(leg: Leg, rate: float, amax: FloatArray, columns: _Columns) -> None:
    from ruckig import Trajectory as Timing

    pieces = leg.pieces
    top = [min(rate, p.fastest(amax)) for p in pieces]
    # borders[i] is the rate between pieces i-1 and i; corners are passed at one rate throughout.
    borders = [0.0, *(min(top[i - 1], top[i]) for i in range(1, len(pieces))), 0.0]
    for _ in range(200):
        _make_reachable(pieces, borders, amax)
        timed: list[Timing | None] = []
        tight: int | None = None
        for i, piece in enumerate(pieces):
            change = piece.quickest(amax)
            if change == 0.0:
                timed.append(None)
                continue
            timing = _solve(piece.length, borders[i], borders[i + 1], top[i], change)
            if timing is None:
                tight = i
                break
            timed.append(timing)
        if tight is None:
            break
        worse = tight if borders[tight] > borders[tight + 1] else tight + 1
        borders[worse] *= 0.8
    else:
        raise TimingFailed("corner speeds of the path could not be settled")
    for i, (piece, timing) in enumerate(zip(pieces, timed, strict=True)):
        if timing is None:
            _pass_corner(piece, borders[i], columns)
        else:
            t = _knot_times(timing)
            along = np.array([timing.at_time(x) for x in t])[:, :, 0]
            columns.add(piece, t, np.clip(along[:, 0], 0, piece.length), along[:, 1])


def _make_reachable(pieces: Sequence[Piece], borders: list[float], amax: FloatArray) -> None:
    """Lower border rates until constant acceleration could connect them."""

    # A corner is passed at one rate, so both its borders take the lower.
    def cap(i: int, here: int, there: int) -> None:
        change = pieces[i].quickest(amax)
        if change == 0.0:
            borders[here] = min(borders[here], borders[there])
            return
        reach = float(np.sqrt(borders[there] ** 2 + 1.4 * change * pieces[i].length))
        borders[here] = min(borders[here], reach)

    for _ in range(2):
        for i in range(len(pieces)):
            cap(i, i + 1, i)
        for i in reversed(range(len(pieces))):
            cap(i, i, i + 1)


def _solve(length: float, start: float, end: float, top: float, change: float):  # type: ignore[no-untyped-def]
    """Ruckig's timing of one piece, or None where it would have to swing past an end."""
    from ruckig import InputParameter, Result, Ruckig, Trajectory

    problem = InputParameter(1)
    problem.current_position, problem.target_position = [0.0], [length]
    problem.current_velocity, problem.target_velocity = [start], [end]
    problem.max_velocity = [max(top, start, end)]
    problem.max_acceleration = [change]
    problem.max_jerk = [change / JERK_TIME_S]
    timing = Trajectory(1)
    if Ruckig(1).calculate(problem, timing) not in (Result.Working, Result.Finished):
        return None
    extrema = timing.position_extrema[0]
    if extrema.min < -1e-9 or extrema.max > length + 1e-9:
        return None
    return timing


def _knot_times(timing) -> FloatArray:  # type: ignore[no-untyped-def]
    """Times after the start: a regular grid, joined by the moments the jerk changes."""
    duration = timing.duration
    grid = np.linspace(0, duration, max(1, int(np.ceil(duration / GRID_S))) + 1)
    profile = timing.profiles[0][0]
    changes = np.cumsum(np.asarray(profile.t))
    times = np.unique(np.concatenate((grid, changes[changes < duration])))
    # The end must stay; a knot too close before another adds nothing but rounding.
    keep = np.append(np.diff(times) > SHORTEST_KNOT_S, True)
    times = times[keep]
    inner: FloatArray = times[times > SHORTEST_KNOT_S]
    return inner


def _pass_corner(piece: Piece, rate: float, columns: _Columns) -> None:
    duration = piece.length / rate
    t = np.linspace(0, duration, max(1, int(np.ceil(duration / GRID_S))) + 1)[1:]
    columns.add(piece, t, t * rate, np.full(len(t), rate))


def within_limits(trajectory: Trajectory, joints: Sequence[JointSpec], speed: float) -> Trajectory:
    """The same path, slowed as a whole if interpolation between knots uses more than its share."""
    velocity, acceleration = limit_use(trajectory, joints)
    slower = max(
        velocity / (speed * VELOCITY_SHARE),
        np.sqrt(acceleration / (speed * ACCELERATION_SHARE)),
    )
    if slower <= 1.0:
        return trajectory
    return Trajectory(trajectory.t_s * slower, trajectory.q_rad, trajectory.dq_rad_s / slower)
