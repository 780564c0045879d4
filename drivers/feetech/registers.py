"""The register table of STS servos, and how a value lies in it. Words are little-endian."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

TICKS_PER_TURN: Final = 4096
CENTRE: Final = 2048
LARGEST_TICK: Final = 4095

VOLT: Final = 0.1
"""Volts in one unit of registers 14, 15 and 62."""
AMPERE: Final = 0.0065
"""Amperes in one unit of registers 28 and 69."""
SHARE: Final = 0.001
"""Full torque in one unit of registers 16, 48 and 60."""

BIT_VOLTAGE: Final = 1
BIT_ENCODER: Final = 2
BIT_TEMPERATURE: Final = 4
BIT_CURRENT: Final = 8
BIT_OVERLOAD: Final = 32

PHASE_STOP_AT_ZERO_SPEED: Final = 8
PHASE_REVERSED: Final = 0x80
PHASE_MULTI_TURN: Final = 16


class OutOfRange(ValueError):
    """A value that does not fit its register."""


@dataclass(frozen=True, slots=True)
class Register:
    """One value in a servo's memory.

    ``sign_bit``: the value is sign and magnitude, with its sign in this bit; None: unsigned.
    ``eeprom``: kept without power, and written only with the lock open.
    """

    address: int
    size: int
    name: str
    sign_bit: int | None = None
    eeprom: bool = False

    def encode(self, value: int) -> bytes:
        """The bytes of a value. Raises OutOfRange."""
        top = (1 << (8 * self.size if self.sign_bit is None else self.sign_bit)) - 1
        if not (0 if self.sign_bit is None else -top) <= value <= top:
            raise OutOfRange(f"{self.name} (register {self.address}) cannot hold {value}")
        if value < 0 and self.sign_bit is not None:
            value = -value | 1 << self.sign_bit
        return value.to_bytes(self.size, "little")

    def decode(self, data: bytes) -> int:
        return self.signed(int.from_bytes(data[: self.size], "little"))

    def signed(self, value: int) -> int:
        """What the bits of this register say."""
        if self.sign_bit is None:
            return value
        magnitude = value & (1 << self.sign_bit) - 1
        return -magnitude if value >> self.sign_bit & 1 else magnitude

    def of(self, block: bytes, start: int) -> int:
        """This register's value in a block that was read from address ``start``."""
        at = self.address - start
        return self.decode(block[at : at + self.size])


def _eeprom(address: int, size: int, name: str, sign_bit: int | None = None) -> Register:
    return Register(address, size, name, sign_bit, eeprom=True)


FIRMWARE_MAJOR = _eeprom(0, 1, "firmware major")
FIRMWARE_MINOR = _eeprom(1, 1, "firmware minor")
MODEL = _eeprom(3, 2, "model")
ID = _eeprom(5, 1, "id")
BAUD = _eeprom(6, 1, "baud")
RETURN_DELAY = _eeprom(7, 1, "return delay")
RESPONSE_LEVEL = _eeprom(8, 1, "response level")
MIN_POSITION = _eeprom(9, 2, "min position")
MAX_POSITION = _eeprom(11, 2, "max position")
MAX_TEMPERATURE = _eeprom(13, 1, "max temperature")
MAX_VOLTAGE = _eeprom(14, 1, "max voltage")
MIN_VOLTAGE = _eeprom(15, 1, "min voltage")
MAX_TORQUE = _eeprom(16, 2, "max torque")
PHASE = _eeprom(18, 1, "phase")
P_GAIN = _eeprom(21, 1, "P gain")
D_GAIN = _eeprom(22, 1, "D gain")
I_GAIN = _eeprom(23, 1, "I gain")
PROTECTION_CURRENT = _eeprom(28, 2, "protection current")
HOMING_OFFSET = _eeprom(31, 2, "homing offset", sign_bit=11)
MODE = _eeprom(33, 1, "mode")
PROTECTIVE_TORQUE = _eeprom(34, 1, "protective torque")
OVERLOAD_TIME = _eeprom(35, 1, "overload time")
OVERLOAD_THRESHOLD = _eeprom(36, 1, "overload threshold")
TORQUE = Register(40, 1, "torque")
ACCELERATION = Register(41, 1, "acceleration")
GOAL_POSITION = Register(42, 2, "goal position", sign_bit=15)
GOAL_TIME = Register(44, 2, "goal time")
GOAL_SPEED = Register(46, 2, "goal speed", sign_bit=15)
TORQUE_LIMIT = Register(48, 2, "torque limit")
LOCK = Register(55, 1, "lock")
POSITION = Register(56, 2, "position", sign_bit=15)
SPEED = Register(58, 2, "speed", sign_bit=15)
LOAD = Register(60, 2, "load", sign_bit=10)
VOLTAGE = Register(62, 1, "voltage")
TEMPERATURE = Register(63, 1, "temperature")
STATUS = Register(65, 1, "status")
MOVING = Register(66, 1, "moving")
CURRENT = Register(69, 2, "current", sign_bit=15)

ALL: Final[tuple[Register, ...]] = tuple(
    v for v in globals().copy().values() if isinstance(v, Register)
)

BAUDS: Final = {1_000_000: 0, 500_000: 1, 250_000: 2, 128_000: 3, 115_200: 4}
"""Speed to its code in register 6; the slower codes differ between sources and are not used."""

MODELS: Final = {777: "STS3215", 2825: "STS3250", 11272: "SM8512BL", 1284: "SCS0009"}


@dataclass(frozen=True, slots=True)
class Block:
    """Neighbouring registers that are read in one go."""

    first: int
    count: int


SETTINGS: Final = Block(0, 40)
"""Everything in EEPROM."""
DRIVE: Final = Block(40, 16)
"""Torque, goals, torque limit and lock."""
TELEMETRY: Final = Block(56, 15)
"""Position to current: all that a control cycle needs."""
GOALS: Final = Block(42, 8)
"""Goal position, time, speed and torque limit."""
