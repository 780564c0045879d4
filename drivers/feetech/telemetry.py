"""One servo's telemetry block in SI units, and what it complains about. Pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from drivers.feetech import registers as r
from drivers.types import Alarm, AlarmCode

WARM_BELOW_LIMIT_C: Final = 10
HOT_BELOW_LIMIT_C: Final = 5
STALL_LOAD: Final = 600
STALL_SPEED_TICKS_S: Final = 15
STALL_AFTER_S: Final = 0.5
LOSS_ALARM: Final = 0.05
JUMP_TICKS: Final = 2000
"""More than that between two readings is no movement: the count passed its end."""
TREND_S: Final = 60.0
SUPPLY_SHARE: Final = (0.8, 1.17)
"""How far a supply may be from what it is called."""
LOWEST_12_V: Final = 9.5
LOWEST_7_V: Final = 5.5
TWELVE_VOLT_PART_ABOVE_V: Final = 10.0
"""A servo that allows more than this is made for 12 V."""

BIT_ALARMS: Final[tuple[tuple[int, AlarmCode, str], ...]] = (
    (r.BIT_OVERLOAD, "overload", "overloaded: it lowered its own torque"),
    (r.BIT_TEMPERATURE, "over_temperature", "too hot: it switches itself off"),
    (r.BIT_CURRENT, "over_current", "draws too much current"),
    (r.BIT_VOLTAGE, "voltage", "says its supply is out of range"),
    (r.BIT_ENCODER, "encoder", "its encoder gives no angle"),
)


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What one servo said at one moment."""

    t_s: float
    position_ticks: int
    speed_ticks_s: int
    load: int
    """Share of full torque, ‰."""
    voltage_V: float
    temperature_C: int
    status: int
    moving: bool
    current_A: float


@dataclass(frozen=True, slots=True)
class ServoLimits:
    """What one servo's EEPROM allows, and what its supply should be."""

    max_temperature_C: int
    lo_V: float
    hi_V: float


LAYOUT: Final = struct.Struct("<HHHBBxBBxxH")
"""Registers 56 to 70: six servos are decoded in every control period, so at once."""


def decode(block: bytes, t_s: float) -> Telemetry:
    """Registers 56 to 70 of one servo."""
    position, speed, load, voltage, temperature, status, moving, current = LAYOUT.unpack(block)
    return Telemetry(
        t_s=t_s,
        position_ticks=r.POSITION.signed(position),
        speed_ticks_s=r.SPEED.signed(speed),
        load=r.LOAD.signed(load),
        voltage_V=voltage * r.VOLT,
        temperature_C=temperature,
        status=status,
        moving=bool(moving),
        current_A=abs(r.CURRENT.signed(current)) * r.AMPERE,
    )


def limits_of(settings: bytes, supply_V: float) -> ServoLimits:
    """From a servo's EEPROM and the supply it is said to have; 0: told from the servo's limits.

    The factory's lowest voltage (4.0 V) is far below what moves an arm, so what the servo is made
    for decides when that is stricter.
    """
    first = r.SETTINGS.first
    hi = r.MAX_VOLTAGE.of(settings, first) * r.VOLT
    lo = r.MIN_VOLTAGE.of(settings, first) * r.VOLT
    if supply_V > 0.0:
        lo, hi = max(lo, SUPPLY_SHARE[0] * supply_V), min(hi, SUPPLY_SHARE[1] * supply_V)
    else:
        lo = max(lo, LOWEST_12_V if hi > TWELVE_VOLT_PART_ABOVE_V else LOWEST_7_V)
    return ServoLimits(r.MAX_TEMPERATURE.of(settings, first), lo, hi)


class HeatTrend:
    """How fast a servo warms up, over the last minute or two."""

    def __init__(self) -> None:
        self._from: tuple[float, int] | None = None
        self._per_min = 0.0

    def note(self, t_s: float, temperature_C: int) -> None:
        if self._from is None:
            self._from = (t_s, temperature_C)
            return
        began_s, began_C = self._from
        if t_s - began_s >= TREND_S:
            self._per_min = 60.0 * (temperature_C - began_C) / (t_s - began_s)
            self._from = (t_s, temperature_C)

    def words(self, left_C: int) -> str:
        """The trend and when the limit is reached; empty while it does not rise."""
        if self._per_min <= 0.0:
            return ""
        return f", rising {self._per_min:.1f} °C/min: {left_C / self._per_min:.0f} min left"


class AlarmWatch:
    """Turns one servo's telemetry into alarms; remembers what a single reading cannot tell."""

    def __init__(self, joint: str, limits: ServoLimits) -> None:
        self._joint = joint
        self.limits = limits
        self._pushing_since_s: float | None = None
        self._before: Telemetry | None = None
        self._trend = HeatTrend()

    def judge(self, seen: Telemetry, loss: float = 0.0) -> list[Alarm]:
        """What the servo complains about in this reading."""
        out = [self._say(code, text) for bit, code, text in BIT_ALARMS if seen.status & bit]
        out += self._jump(seen)
        self._trend.note(seen.t_s, seen.temperature_C)
        out += self._heat(seen.temperature_C)
        out += self._supply(seen)
        out += self._stall(seen)
        if loss > LOSS_ALARM:
            out.append(self._say("bus_errors", f"{loss:.0%} of its answers are lost"))
        return out

    def _heat(self, temperature_C: int) -> list[Alarm]:
        left = self.limits.max_temperature_C - temperature_C
        if left <= 0:
            return [self._say("over_temperature", f"{temperature_C} °C: at its limit")]
        if left <= HOT_BELOW_LIMIT_C:
            text = f"{temperature_C} °C, {left} below its limit{self._trend.words(left)}: stow it"
            return [self._say("hot", text)]
        if left <= WARM_BELOW_LIMIT_C:
            text = f"{temperature_C} °C, {left} below its limit{self._trend.words(left)}"
            return [self._say("warm", text)]
        return []

    def _jump(self, seen: Telemetry) -> list[Alarm]:
        before, self._before = self._before, seen
        jump = 0 if before is None else seen.position_ticks - before.position_ticks
        if abs(jump) <= JUMP_TICKS:
            return []
        text = f"its position jumped by {jump} ticks: it passed the end of its count; home it again"
        return [self._say("encoder", text)]

    def _supply(self, seen: Telemetry) -> list[Alarm]:
        limits = self.limits
        if limits.lo_V <= seen.voltage_V <= limits.hi_V or seen.status & r.BIT_VOLTAGE:
            return []
        allowed = f"{limits.lo_V:.1f} to {limits.hi_V:.1f} V"
        return [self._say("voltage", f"supply {seen.voltage_V:.1f} V, allowed {allowed}")]

    def _stall(self, seen: Telemetry) -> list[Alarm]:
        pushing = abs(seen.load) >= STALL_LOAD and abs(seen.speed_ticks_s) <= STALL_SPEED_TICKS_S
        if not pushing:
            self._pushing_since_s = None
            return []
        if self._pushing_since_s is None:
            self._pushing_since_s = seen.t_s
        if seen.t_s - self._pushing_since_s < STALL_AFTER_S:
            return []
        return [self._say("stalled", f"pushes with {abs(seen.load) / 10:.0f} % and stands still")]

    def _say(self, code: AlarmCode, text: str) -> Alarm:
        return Alarm(code, self._joint, text)
