"""Ticks to radians and back, and the jaw's angle to its opening in metres. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from drivers.feetech.registers import CENTRE, LARGEST_TICK, SHARE, TICKS_PER_TURN
from drivers.jaw import jaw_angle_rad, jaw_width_m
from drivers.types import JawSpec

RAD_PER_TICK: Final = 2.0 * math.pi / TICKS_PER_TURN


@dataclass(frozen=True, slots=True)
class JointMap:
    """One servo's ticks as the angle of the arm's model.

    Attributes:
        middle_ticks: The reading at LeRobot's 0°.
        lo_ticks, hi_ticks: What the servo accepts as a goal.
    """

    sign: int = 1
    zero_offset_rad: float = 0.0
    middle_ticks: float = float(CENTRE)
    lo_ticks: int = 0
    hi_ticks: int = LARGEST_TICK

    def rad(self, ticks: float) -> float:
        return self.sign * (ticks - self.middle_ticks) * RAD_PER_TICK + self.zero_offset_rad

    def rad_s(self, ticks_s: float) -> float:
        return self.sign * ticks_s * RAD_PER_TICK

    def ticks(self, rad: float) -> int:
        """The nearest goal the servo accepts. Raises ValueError when not finite."""
        exact = self.sign * (rad - self.zero_offset_rad) / RAD_PER_TICK + self.middle_ticks
        return min(max(round(exact), self.lo_ticks), self.hi_ticks)

    def range_rad(self) -> tuple[float, float]:
        """The angles of the first and last goal the servo accepts, lower one first."""
        a, b = self.rad(self.lo_ticks), self.rad(self.hi_ticks)
        return min(a, b), max(a, b)


@dataclass(frozen=True, slots=True)
class JawMap:
    """The gripper's servo as an opening with a force."""

    joint: JointMap
    jaw: JawSpec
    stall_torque_Nm: float

    def width_m(self, ticks: float) -> float:
        return jaw_width_m(self.jaw, self.joint.rad(ticks))

    def ticks(self, width_m: float) -> int:
        """The nearest goal the servo accepts."""
        return self.joint.ticks(jaw_angle_rad(self.jaw, width_m))

    def torque_share(self, force_N: float) -> float:
        """The share of the servo's torque that presses with this force."""
        return abs(force_N) * self.jaw.lever_m / self.stall_torque_Nm

    def force_N(self, load: int) -> float:
        """What the jaw presses with, from the servo's load; positive when it closes."""
        torque_Nm = self.joint.sign * load * SHARE * self.stall_torque_Nm
        return -torque_Nm / self.jaw.lever_m
