"""What is inside a servo besides its registers: supply, winding, and what protects them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from drivers.emu.memory import Memory, Reg

VOLTAGE_BIT: Final = 1
ENCODER_BIT: Final = 2
HEAT_BIT: Final = 4
CURRENT_BIT: Final = 8
OVERLOAD_BIT: Final = 32

IDLE_A: Final = 0.03
STALL_A: Final = 2.7
NOMINAL_V: Final = 12.0
CURRENT_UNIT_A: Final = 0.0065
HEAT_PER_A2_C_S: Final = 0.055
"""Stalled at full current a servo gains 0.4 °C a second: from cold to its limit in two minutes."""
COOLING_S: Final = 300.0
COOL_AGAIN_C: Final = 5.0

SLOW_S: Final = 0.0078
"""What changes slowly is looked at every fourth step."""


@dataclass
class Supply:
    """The power supply all servos of a bus hang on.

    Attributes:
        open_V: Voltage without load.
        ohm: Of supply and cables: the voltage falls with what is drawn.
        ambient_C: Room temperature.
    """

    open_V: float = NOMINAL_V
    ohm: float = 0.08
    ambient_C: float = 25.0
    drawn_A: float = 0.0

    def __post_init__(self) -> None:
        self._usual = (self.open_V, self.ohm, self.ambient_C)

    def restore(self) -> None:
        """As it was at first."""
        self.open_V, self.ohm, self.ambient_C = self._usual

    @property
    def volts(self) -> float:
        """At the servos, now."""
        return max(0.0, self.open_V - self.ohm * self.drawn_A)


class Body:
    """Current, temperature and the protections of one servo.

    Attributes:
        forced_bits: Status bits that are reported whatever is so.
        latched: Protections that have tripped.
    """

    def __init__(self, memory: Memory, supply: Supply) -> None:
        self._memory = memory
        self._supply = supply
        self.temperature_C = supply.ambient_C
        self.current_A = 0.0
        self.duty = 0.0
        self.forced_bits = 0
        self.latched = 0
        self._overloaded_s = 0.0
        self._overcurrent_s = 0.0
        self._felt_s = 0.0
        self._share = 0.0
        self.weigh()

    def step(self, duty: float, dt_s: float) -> None:
        """Feel a duty of -1..1 for a moment; warmth and protections follow a little later."""
        self.duty = duty
        self._felt_s += dt_s
        if self._felt_s < SLOW_S:
            return
        dt_s, self._felt_s = self._felt_s, 0.0
        self.current_A = IDLE_A + abs(duty) * STALL_A
        heating = HEAT_PER_A2_C_S * self.current_A**2
        cooling = (self.temperature_C - self._supply.ambient_C) / COOLING_S
        self.temperature_C += (heating - cooling) * dt_s
        self._protect(dt_s)
        self.weigh()

    def _protect(self, dt_s: float) -> None:
        memory = self._memory
        over = abs(self.duty) * 100.0 > memory.get(Reg.OVERLOAD_THRESHOLD)
        self._overloaded_s = self._overloaded_s + dt_s if over else 0.0
        if self._overloaded_s > memory.get(Reg.OVERLOAD_TIME) * 0.01:
            self.latched |= OVERLOAD_BIT
        most_A = memory.get(Reg.PROTECTION_CURRENT) * CURRENT_UNIT_A
        over = 0.0 < most_A < self.current_A
        self._overcurrent_s = self._overcurrent_s + dt_s if over else 0.0
        if self._overcurrent_s > memory.get(Reg.OVERCURRENT_TIME) * 0.01:
            self.latched |= CURRENT_BIT
        limit_C = memory.get(Reg.MAX_TEMPERATURE)
        if self.temperature_C >= limit_C:
            self.latched |= HEAT_BIT
        elif self.temperature_C < limit_C - COOL_AGAIN_C:
            self.latched &= ~HEAT_BIT

    @property
    def torque_share(self) -> float:
        """How much of the motor's torque protections, registers and supply leave, 0..1."""
        return self._share

    def weigh(self) -> None:
        """Find the torque's share anew, as after a write."""
        self._share = self._torque_share()

    def _torque_share(self) -> float:
        memory = self._memory
        share = min(memory.get(Reg.TORQUE_LIMIT), 1000) / 1000.0
        acting = self.latched & memory.get(Reg.UNLOAD_BITS)
        if acting & HEAT_BIT:
            return 0.0
        if acting & (OVERLOAD_BIT | CURRENT_BIT):
            share = min(share, memory.get(Reg.PROTECTIVE_TORQUE) / 100.0)
        return share * min(1.0, self._supply.volts / NOMINAL_V)

    def status_bits(self) -> int:
        """The status register."""
        volts = self._supply.volts * 10.0
        low, high = self._memory.get(Reg.MIN_VOLTAGE), self._memory.get(Reg.MAX_VOLTAGE)
        bits = self.latched | self.forced_bits
        return bits if low <= volts <= high else bits | VOLTAGE_BIT

    def trip(self, bits: int) -> None:
        """Latch protections now."""
        self.latched |= bits
        self.weigh()

    def relax(self) -> None:
        """Forget the latched loads: a torque cycle, or a goal the other way."""
        self.latched &= HEAT_BIT
        self._overloaded_s = self._overcurrent_s = 0.0

    def cut(self) -> None:
        """The power went: nothing flows, nothing is remembered but the warmth."""
        self.latched = self.forced_bits = 0
        self.duty = self.current_A = 0.0
        self._overloaded_s = self._overcurrent_s = 0.0
