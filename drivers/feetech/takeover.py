"""An arm as it was found: what its servos accept, are told, may do, and whether they hold. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.feetech import registers as r
from drivers.feetech.energise import fastest
from drivers.feetech.gripping import PERMILLE
from drivers.feetech.section import FeetechSection
from drivers.feetech.setpoints import Setpoints
from drivers.feetech.survey import ServoSeen
from drivers.feetech.telemetry import AlarmWatch, Telemetry, decode, limits_of
from drivers.feetech.wiring import Wiring


@dataclass
class Taken:
    """By servo id, of those that answered.

    Attributes:
        wiring: With the goals that each servo accepts.
        allowed: The largest torque limit each may have, ‰.
        speeds: The goal speed that means "as fast as you can" to each.
        holding: Whether all of them hold torque.
        prepared: Whether acceleration and speed are already as set-points need them.
    """

    wiring: Wiring
    last: dict[int, Telemetry]
    watches: dict[int, AlarmWatch]
    allowed: dict[int, int]
    speeds: dict[int, int]
    setpoints: Setpoints
    holding: bool
    prepared: bool


def take_over(
    servos: dict[int, ServoSeen], wiring: Wiring, section: FeetechSection, now_s: float
) -> Taken:
    """What was read becomes what is known; nothing is written."""
    limits = {}
    for n, one in servos.items():
        lo, hi = one.value(r.MIN_POSITION), one.value(r.MAX_POSITION)
        limits[n] = (lo, hi) if lo < hi else (0, r.LARGEST_TICK)
    shares = dict.fromkeys(wiring.ids, section.torque_limit)
    shares[wiring.ids[-1]] = section.gripper_torque_limit
    speeds = {n: fastest(one.value(r.PHASE)) for n, one in servos.items()}
    setpoints = Setpoints(wiring.ids)
    setpoints.adopt(
        {n: one.value(r.GOAL_POSITION) for n, one in servos.items()},
        {n: one.value(r.TORQUE_LIMIT) for n, one in servos.items()},
    )
    return Taken(
        wiring=wiring.limited(limits),
        last={n: decode(one.telemetry, now_s) for n, one in servos.items()},
        watches={
            n: AlarmWatch(wiring.name_of(n), limits_of(one.settings, section.supply_V))
            for n, one in servos.items()
        },
        allowed={
            n: min(round(PERMILLE * shares[n]), one.value(r.MAX_TORQUE) or PERMILLE)
            for n, one in servos.items()
        },
        speeds=speeds,
        setpoints=setpoints,
        holding=bool(servos) and all(one.value(r.TORQUE) != 0 for one in servos.values()),
        prepared=all(
            one.value(r.ACCELERATION) == 0 and one.value(r.GOAL_SPEED) == speeds[n]
            for n, one in servos.items()
        ),
    )
