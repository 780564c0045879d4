"""Following one motion: along a path in scaled time, or of the fingers to an opening. Pure.

HOLD does not leave the path: it slows the path's own clock to a stop. Resuming first brings the
set-point from where the arm really is back onto the path, then lets the clock run up again.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final, Literal

from drivers.hermite import HermitePath, PathPoint, Vector
from drivers.types import ArmSpec, GripperSpec

RATE_RAMP_PER_S: Final = 20.0
"""Fastest change of the path's clock rate, where no joint limits it more."""
STOP_RAMP_PER_S: Final = 100.0
"""The same for a stop: what brakes it is the joints' acceleration, as good as alone."""
BRIDGE_SHARE: Final = 0.5
"""Share of speed and acceleration used to come back onto the path after a hold."""
BRIDGE_ABOVE_RAD: Final = 0.02
MAX_BRIDGE_RAD: Final = 0.35
SETTLE_S: Final = 1.5

GRIP_TOLERANCE_M: Final = 1e-3
GRIP_SETTLE_S: Final = 1.0
STALL_WINDOW_S: Final = 0.12
STALL_TRAVEL_M: Final = 2e-4
STALL_FROM_REST_S: Final = 0.4
"""Fingers that have not moved yet: a servo's load leads them by as long as it takes to break away,
and lags behind what was squeezed before."""
MOVED_M: Final = 1e-3
STALL_FORCE_SHARE: Final = 0.85

PathPhase = Literal["relax", "bridge", "run", "settle"]


class PathFollower:
    """Turns a path into one target per tick. Feeds the gate; never looks at a clock."""

    def __init__(self, spec: ArmSpec, path: HermitePath, dt_s: float) -> None:
        self._spec = spec
        self._dt_s = dt_s
        self.path = path
        self.phase: PathPhase = "run"
        self.s_s = 0.0
        self.rate = 0.0
        self.settled_s = 0.0
        self._point: PathPoint = path.at(0.0)
        self._relax_to: Vector = path.start_rad
        self._bridge_s = 0.0
        self._bridge_duration_s = 0.0
        self._fresh = True

    @property
    def target_rad(self) -> Vector:
        return self.path.target_rad

    @property
    def standing(self) -> bool:
        """Whether the path's clock has come to rest."""
        return self.rate == 0.0

    def advance(self, speed: float, stop: bool, setpoint_rad: Vector) -> Vector:
        """The target of this tick.

        Args:
            speed: Wanted rate of the path's clock, in (0, 1].
            stop: Slow down to a standstill and stay.
            setpoint_rad: What the gate wrote last.
        """
        if self.phase == "relax":
            if stop:
                return self._relax_to
            if setpoint_rad != self._relax_to:
                return self._relax_to
            self._begin_bridge(setpoint_rad)
        if self.phase == "bridge":
            return self._advance_bridge(speed, stop)
        if self.phase == "settle":
            self.rate = 0.0
            if not stop:
                self.settled_s += self._dt_s
            return self.path.target_rad
        return self._advance_path(speed, stop)

    def _advance_path(self, speed: float, stop: bool) -> Vector:
        wanted = 0.0 if stop else speed
        if self._fresh and not stop:
            # A path starts at rest, so its clock need not be run up.
            self.rate, self._fresh = wanted, False
        elif self.rate != wanted:
            slowest, fastest = self._rate_change_bounds(
                STOP_RAMP_PER_S if stop else RATE_RAMP_PER_S
            )
            change = min(max((wanted - self.rate) / self._dt_s, slowest), fastest)
            self.rate = max(0.0, self.rate + change * self._dt_s)
            if stop and self.rate < 1e-3:
                self.rate = 0.0
        self.s_s += self.rate * self._dt_s
        if self.s_s >= self.path.duration_s:
            self.s_s, self.rate, self.phase = self.path.duration_s, 0.0, "settle"
        self._point = self.path.at(self.s_s)
        return self._point.q_rad

    def _rate_change_bounds(self, ramp_per_s: float) -> tuple[float, float]:
        """Range of the clock's acceleration that keeps every joint within its own."""
        slowest, fastest = -ramp_per_s, ramp_per_s
        squared = self.rate * self.rate
        for joint, dq, ddq in zip(
            self._spec.joints, self._point.dq_rad_s, self._point.ddq_rad_s2, strict=True
        ):
            if abs(dq) < 1e-6:
                continue
            one = (joint.amax_rad_s2 - ddq * squared) / dq
            other = (-joint.amax_rad_s2 - ddq * squared) / dq
            slowest = max(slowest, min(one, other, 0.0))
            fastest = min(fastest, max(one, other, 0.0))
        return slowest, fastest

    def resume(self, measured_rad: Vector) -> None:
        """Go on after a hold, from where the arm is measured to be.

        Close to the path the set-point is kept: re-seeding it from a measurement would drop the
        load the arm carries. Further away it is taken back to the arm first and then bridged.
        """
        self.settled_s = 0.0
        if self.phase == "run" and self.rate > 0.0:
            return  # Still slowing down along the path: what looks like distance is servo lag.
        away = max(abs(a - b) for a, b in zip(measured_rad, self._point.q_rad, strict=True))
        if away > BRIDGE_ABOVE_RAD or self.phase in ("relax", "bridge"):
            self._relax_to = tuple(
                min(max(q, joint.lo_rad), joint.hi_rad)
                for q, joint in zip(measured_rad, self._spec.joints, strict=True)
            )
            self.phase, self.rate = "relax", 0.0

    def distance_rad(self, measured_rad: Vector) -> float:
        """How far the arm is from the point of the path it stopped at."""
        return max(abs(a - b) for a, b in zip(measured_rad, self._point.q_rad, strict=True))

    def _begin_bridge(self, setpoint_rad: Vector) -> None:
        duration = self._dt_s
        for joint, start, end in zip(
            self._spec.joints, setpoint_rad, self._point.q_rad, strict=True
        ):
            distance = abs(end - start)
            duration = max(
                duration,
                1.5 * distance / (BRIDGE_SHARE * joint.vmax_rad_s),
                math.sqrt(6.0 * distance / (BRIDGE_SHARE * joint.amax_rad_s2)),
            )
        self._bridge_s, self._bridge_duration_s = 0.0, duration
        self._relax_to = setpoint_rad
        self.phase = "bridge"

    def _advance_bridge(self, speed: float, stop: bool) -> Vector:
        wanted = 0.0 if stop else speed
        limit = 2.0 / self._bridge_duration_s
        change = min(max((wanted - self.rate) / self._dt_s, -limit), limit)
        self.rate = max(0.0, self.rate + change * self._dt_s)
        self._bridge_s += self.rate * self._dt_s
        u = min(1.0, self._bridge_s / self._bridge_duration_s)
        if u >= 1.0:
            self.phase, self.rate = "run", 0.0
            return self._point.q_rad
        share = u * u * (3.0 - 2.0 * u)
        return tuple(
            start + share * (end - start)
            for start, end in zip(self._relax_to, self._point.q_rad, strict=True)
        )


class GripFollower:
    """Moves the fingers to an opening and says when they arrived or met something."""

    def __init__(
        self,
        spec: GripperSpec,
        target_m: float,
        force_N: float,
        speed_m_s: float,
        start_m: float,
        measured_m: float,
        dt_s: float,
    ) -> None:
        self.target_m = target_m
        self.force_N = force_N
        self._dt_s = dt_s
        self._speed_m_s = speed_m_s
        # What was squeezed has the set-point ahead of the fingers: start from the fingers.
        lo, hi = sorted((target_m, start_m))
        self.command_m = min(max(measured_m, lo), hi)
        self._began_m = measured_m
        self._closing = target_m < measured_m
        self._began_m = measured_m
        self._closing = target_m < measured_m
        travel = abs(target_m - self.command_m)
        self._patience_s = travel / speed_m_s + GRIP_SETTLE_S
        self._elapsed_s = 0.0
        self._recent: deque[float] = deque(maxlen=max(2, round(STALL_WINDOW_S / dt_s)))
        self._pushing_s = 0.0
        self._pushing_s = 0.0

    def advance(self, speed: float, stop: bool) -> float:
        """The opening to command this tick."""
        if not stop:
            self._elapsed_s += self._dt_s * speed
            step = self._speed_m_s * speed * self._dt_s
            self.command_m += min(max(self.target_m - self.command_m, -step), step)
        return self.command_m

    def judge(
        self, width_m: float, force_N: float
    ) -> Literal["moving", "reached", "stalled", "late"]:
        """Where the fingers stand after one reading.

        Args:
            force_N: Positive when the fingers squeeze. Only a force the way they are sent is one
                that something withstands.
        """
        self._recent.append(width_m)
        pressing = (force_N if self._closing else -force_N) >= STALL_FORCE_SHARE * self.force_N
        self._pushing_s = self._pushing_s + self._dt_s if pressing else 0.0
        moved = abs(width_m - self._began_m) >= MOVED_M
        still = (
            len(self._recent) == self._recent.maxlen
            and max(self._recent) - min(self._recent) <= STALL_TRAVEL_M
        )
        if abs(width_m - self.target_m) <= GRIP_TOLERANCE_M and self.command_m == self.target_m:
            return "reached"
        if still and pressing and (moved or self._pushing_s >= STALL_FROM_REST_S):
            return "stalled"
        if self._elapsed_s >= self._patience_s:
            return "late"
        return "moving"

    def forget_readings(self) -> None:
        """A hold is not a stall: start watching the fingers afresh."""
        self._recent.clear()
        self._pushing_s = 0.0
        self._pushing_s = 0.0
