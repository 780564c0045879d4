"""The last gate: whatever was asked for, what reaches the drives is within every limit. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from drivers.hermite import Vector
from drivers.safety import ACCELERATION_MARGIN, VELOCITY_MARGIN
from drivers.types import ArmSpec, GripperSpec


def braking_speed(room: float, deceleration: float, dt_s: float) -> float:
    """The fastest speed from which braking in steps of ``dt_s`` still stops within ``room``.

    Exact in discrete time: keeping to it at one tick leaves the next tick able to keep to it.
    """
    if room <= 0.0:
        return 0.0
    slower = deceleration * dt_s
    ticks = max(1, math.ceil(0.5 * (math.sqrt(1.0 + 8.0 * room / (slower * dt_s)) - 1.0)))
    return room / (ticks * dt_s) + 0.5 * slower * (ticks - 1)


class SetpointGate:
    """The last gate: whatever target comes in, what goes out is within every limit.

    A target within limits passes unchanged. Any other is followed as fast as the limits allow,
    without overshoot.
    """

    def __init__(self, spec: ArmSpec, dt_s: float, q_rad: Sequence[float]) -> None:
        self._limits = [(joint.lo_rad, joint.hi_rad) for joint in spec.joints]
        self._allowed = self._limits
        self._lo = [joint.lo_rad for joint in spec.joints]
        self._hi = [joint.hi_rad for joint in spec.joints]
        self._beyond = False
        self._vmax = [joint.vmax_rad_s * VELOCITY_MARGIN for joint in spec.joints]
        self._amax = [joint.amax_rad_s2 * ACCELERATION_MARGIN for joint in spec.joints]
        self._dt_s = dt_s
        self.q_rad: Vector = ()
        self._v = [0.0] * len(self._lo)
        self._target: list[float] = []
        self.seed(q_rad)

    def seed(self, q_rad: Sequence[float]) -> None:
        """Take a pose at rest as the present set-point.

        A joint beyond its range stays where it is (a set-point inside would be a jump) and may
        only go inward from there.
        """
        self.q_rad = tuple(q_rad)
        self._wall_off()
        self._target = list(self.q_rad)
        self._v = [0.0] * len(self.q_rad)

    def allow(self, measured_rad: Sequence[float]) -> None:
        """Let set-points be as far beyond a joint's range as the arm is measured, no further."""
        self._allowed = [
            (min(q, lo), max(q, hi)) for q, (lo, hi) in zip(measured_rad, self._limits, strict=True)
        ]
        self._wall_off()

    def _wall_off(self) -> None:
        """Let a joint that is beyond its range come back, and never go out again."""
        self._lo = [min(q, lo) for q, (lo, _) in zip(self.q_rad, self._allowed, strict=True)]
        self._hi = [max(q, hi) for q, (_, hi) in zip(self.q_rad, self._allowed, strict=True)]
        self._beyond = any(
            not lo <= q <= hi for q, (lo, hi) in zip(self.q_rad, self._allowed, strict=True)
        )

    def mark(self) -> tuple[Vector, list[float]]:
        """Where the set-point is and how it moves, for :meth:`back_to`."""
        return self.q_rad, self._v.copy()

    def back_to(self, mark: tuple[Vector, list[float]]) -> None:
        """Undo steps that were not written; the target they followed is caught up with."""
        self.q_rad, self._v = mark
        self._wall_off()

    @property
    def at_rest(self) -> bool:
        """Whether the set-point stands still."""
        return not any(self._v)

    def braking_point(self) -> Vector:
        """Where the set-point comes to rest when it brakes now; where it is, at rest."""
        if self.at_rest:
            return self.q_rad
        return tuple(
            min(max(q + 0.5 * v * abs(v) * ACCELERATION_MARGIN / amax, lo), hi)
            for q, v, amax, lo, hi in zip(
                self.q_rad, self._v, self._amax, self._lo, self._hi, strict=True
            )
        )

    def brake(self) -> Vector:
        """Make the braking point the target that is followed; returns it."""
        point = self.braking_point()
        self._target = list(point)
        return point

    def step(self, target_rad: Sequence[float]) -> Vector:
        """One tick towards the target; returns the set-point to write. Not finite: stays."""
        dt = self._dt_s
        written = []
        for i, wanted in enumerate(target_rad):
            q = self.q_rad[i]
            goal = (wanted - q) / dt
            # The way of nearly every tick; its braking bound is conservative and needs no root.
            room = self._hi[i] - q if goal > 0.0 else q - self._lo[i]
            if (
                self._target[i] == q
                and self._lo[i] <= wanted <= self._hi[i]
                and abs(goal) <= self._vmax[i]
                and abs(goal - self._v[i]) <= self._amax[i] * dt
                and 0.5 * goal * goal / self._amax[i] + abs(goal) * dt <= room
            ):
                self._target[i] = wanted
                self._v[i] = goal
                written.append(wanted)
            else:
                written.append(self._limited(i, wanted))
        self.q_rad = tuple(written)
        if self._beyond:
            self._wall_off()
        return self.q_rad

    def _limited(self, i: int, wanted: float) -> float:
        """One joint's step towards a target that it may not simply take."""
        q, v, previous, dt = self.q_rad[i], self._v[i], self._target[i], self._dt_s
        lo, hi, amax, vmax = self._lo[i], self._hi[i], self._amax[i], self._vmax[i]
        target = min(max(wanted, lo), hi) if math.isfinite(wanted) else previous
        goal = (target - previous) / dt
        lag = previous - q
        if lag:
            size = abs(lag)
            goal += math.copysign(min(size / dt, braking_speed(size, amax, dt)), lag)
        goal = min(max(goal, -vmax), vmax)
        goal = min(max(goal, v - amax * dt), v + amax * dt)
        goal = min(goal, braking_speed(hi - q, amax, dt))
        goal = max(goal, -braking_speed(q - lo, amax, dt))
        following = min(max(q + goal * dt, lo), hi)
        if abs(following - target) < 1e-10:
            following = target
        self._v[i] = goal if abs(goal) > 1e-9 else 0.0
        self._target[i] = target
        return following


class GripGate:
    """The last gate of a gripper: opening, its rate and the force stay within the gripper's own."""

    def __init__(self, spec: GripperSpec, dt_s: float, width_m: float) -> None:
        self._spec = spec
        self._step_m = spec.max_speed_m_s * dt_s
        self.width_m = self._within(width_m)

    def _within(self, width_m: float) -> float:
        return min(max(width_m, self._spec.closed_width_m), self._spec.open_width_m)

    def seed(self, width_m: float) -> None:
        """Take an opening as the present set-point."""
        self.width_m = self._within(width_m)

    def step(self, width_m: float, force_N: float) -> tuple[float, float]:
        """One tick; returns the opening and the force limit to write."""
        if not (math.isfinite(width_m) and math.isfinite(force_N)):
            return self.width_m, 0.0
        change = min(max(self._within(width_m) - self.width_m, -self._step_m), self._step_m)
        self.width_m = self._within(self.width_m + change)
        return self.width_m, min(max(force_N, 0.0), self._spec.max_force_N)
