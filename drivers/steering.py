"""Motion by orders instead of a path: jogging in finite steps, and streamed set-points. Pure.

Every order is valid for a while; the newest wins; without one the arm brakes to a standstill.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Literal

from drivers.errors import CellRefused
from drivers.gate import SetpointGate, braking_speed
from drivers.hermite import Vector
from drivers.types import ArmSpec

JOG_SHARE: Final = 0.25
"""Share of a joint's fastest speed that jogging may use."""
JOG_STEP_RAD: Final = 0.2
JOG_STEP_M: Final = 0.05
GENTLE_SHARE: Final = 0.5
"""Share of a joint's acceleration that jogging uses."""
INWARD_SHARE: Final = 0.05
"""Share of it when an arm is brought back from beyond its range."""
START_RAD: Final = 0.03
"""A first set-point this close is followed at once."""
START_AT_MOST_RAD: Final = 0.17
"""One within ten degrees is approached slowly; one further away is refused."""
START_SHARE: Final = 0.1
CLIP_RAD: Final = 0.05
"""A set-point this little beyond a limit is clipped to it, and the answer says so."""
VALID_S: Final = (0.01, 2.0)

SteeringKind = Literal["JOG", "STREAM"]


class Steering:
    """One arm's orders turned into one target per tick. Feeds the gate; never looks at a clock."""

    def __init__(self, kind: SteeringKind, spec: ArmSpec, dt_s: float, gate: SetpointGate) -> None:
        self.kind = kind
        self.over = False
        """No order is valid any more and the arm stands."""
        self.blocked = ""
        """Why the guard would not let the last order go on; for one event, not one per tick."""
        self._spec = spec
        self._dt_s = dt_s
        self._gate = gate
        self.aim_rad: Vector = gate.q_rad
        """Where the set-point is being led to."""
        self._target: Vector | None = None
        self._velocity: Vector | None = None
        self._share = 1.0
        self._pace_rad_s = [0.0] * len(spec.joints)
        self._starting = False
        self._until_s = 0.0

    def towards(self, target_rad: Vector, until_s: float, share: float) -> None:
        """Go there, at most at this share of each joint's speed, as long as the order is valid."""
        self._target, self._velocity = target_rad, None
        self._share, self._until_s, self.over = share, until_s, False

    def at_speed(self, dq_rad_s: Vector, until_s: float) -> None:
        """Keep moving like this as long as the order is valid."""
        self._target, self._velocity = None, dq_rad_s
        self._share, self._until_s, self.over = 1.0, until_s, False

    def begin(self, target_rad: Vector) -> None:
        """The first set-point of a stream. Raises CellRefused when it would be a jump."""
        away = [abs(a - b) for a, b in zip(target_rad, self._gate.q_rad, strict=True)]
        worst = max(away)
        if worst > START_AT_MOST_RAD:
            joint = self._spec.joints[away.index(worst)].name
            raise CellRefused(
                "jump",
                f"the first set-point is {worst:.2f} rad away from where {joint} is held; at most "
                f"{START_AT_MOST_RAD} rad",
            )
        self._starting = worst > START_RAD

    def advance(self, speed: float, stop: bool, now_s: float) -> Vector:
        """The target of this tick."""
        if stop or now_s > self._until_s:
            self.brake()
        if self._target is not None:
            self._approach(self._target, speed)
        elif self._velocity is not None:
            self._drift(self._velocity, speed)
        else:
            self.over = self._gate.at_rest
        return self.aim_rad

    def brake(self) -> None:
        """Forget the order and come to rest as soon as the limits allow."""
        if self._target is not None or self._velocity is not None:
            self._target = self._velocity = None
            self._pace_rad_s = [0.0] * len(self._pace_rad_s)
            self.aim_rad = self._gate.brake()

    def _approach(self, target: Vector, speed: float) -> None:
        share = min(self._share, START_SHARE) if self._starting else self._share
        aim, left = [], 0.0
        for i, (now, wanted) in enumerate(zip(self.aim_rad, target, strict=True)):
            step = self._pace(i, wanted - now, share * speed) * self._dt_s
            away = wanted - now
            following = wanted if abs(away) <= step else now + math.copysign(step, away)
            aim.append(following)
            left = max(left, abs(wanted - following))
        self.aim_rad = tuple(aim)
        if left <= START_RAD:
            self._starting = False
        if self.kind == "JOG" and left == 0.0:
            # A finite step: once made, the order is used up.
            self._target = None

    def _pace(self, i: int, way_rad: float, share: float) -> float:
        """A joint's speed now: run up, and braked in time, so that the gate has nothing to add."""
        joint = self._spec.joints[i]
        before = self._pace_rad_s[i]
        fastest = joint.vmax_rad_s * share
        if self.kind == "JOG":
            # A stream is led by whoever sends it; its set-points are close together.
            gentle = GENTLE_SHARE * joint.amax_rad_s2
            fastest = min(fastest, before + gentle * self._dt_s)
            fastest = min(fastest, braking_speed(abs(way_rad), gentle, self._dt_s))
        self._pace_rad_s[i] = fastest
        return fastest

    def _drift(self, velocity: Vector, speed: float) -> None:
        aim = []
        for joint, now, dq in zip(self._spec.joints, self.aim_rad, velocity, strict=True):
            fastest = joint.vmax_rad_s
            moved = now + min(max(dq, -fastest), fastest) * speed * self._dt_s
            aim.append(min(max(moved, joint.lo_rad), joint.hi_rad))
        self.aim_rad = tuple(aim)


def checked_setpoint(spec: ArmSpec, q_rad: Sequence[float]) -> tuple[Vector, tuple[str, ...]]:
    """A streamed set-point inside the joints' ranges, and which joints had to be clipped for it.

    Raises CellRefused when it has another length, is not finite, or is far outside.
    """
    _check_vector(spec, q_rad)
    inside, clipped = [], []
    for joint, q in zip(spec.joints, q_rad, strict=True):
        if not joint.lo_rad - CLIP_RAD <= q <= joint.hi_rad + CLIP_RAD:
            raise CellRefused(
                "limit",
                f"{joint.name} = {q:.3f} rad; range {joint.lo_rad:.3f} to {joint.hi_rad:.3f}",
            )
        inside.append(min(max(q, joint.lo_rad), joint.hi_rad))
        if inside[-1] != q:
            clipped.append(joint.name)
    return tuple(inside), tuple(clipped)


def checked_velocity(spec: ArmSpec, dq_rad_s: Sequence[float]) -> Vector:
    """A streamed velocity within the joints' speeds. Raises CellRefused."""
    _check_vector(spec, dq_rad_s)
    for joint, dq in zip(spec.joints, dq_rad_s, strict=True):
        if abs(dq) > joint.vmax_rad_s:
            raise CellRefused(
                "limit", f"{joint.name} at {dq:.2f} rad/s; at most {joint.vmax_rad_s:.2f}"
            )
    return tuple(dq_rad_s)


def checked_validity(valid_s: float) -> float:
    """For how long an order may stand. Raises CellRefused."""
    shortest, longest = VALID_S
    if not shortest <= valid_s <= longest:
        raise CellRefused(
            "invalid",
            f"valid_for_ms must be {1e3 * shortest:.0f} to {1e3 * longest:.0f}",
        )
    return valid_s


def _check_vector(spec: ArmSpec, values: Sequence[float]) -> None:
    if len(values) != len(spec.joints):
        raise CellRefused("invalid", f"{len(values)} values for {len(spec.joints)} joints")
    if not all(map(math.isfinite, values)):
        raise CellRefused("invalid", "a value is not finite")
