"""A servo's registers: 128 bytes, the first forty of them kept in EEPROM behind a lock."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, Literal

SIZE: Final = 128
EEPROM_SIZE: Final = 40

LockMode = Literal["drop", "volatile"]
"""What a locked EEPROM does with a write: nothing, or it counts until the power goes."""


class Reg(IntEnum):
    """Register addresses."""

    FIRMWARE_MAJOR = 0
    FIRMWARE_MINOR = 1
    MODEL = 3
    ID = 5
    BAUD = 6
    RETURN_DELAY = 7
    RESPONSE_LEVEL = 8
    MIN_LIMIT = 9
    MAX_LIMIT = 11
    MAX_TEMPERATURE = 13
    MAX_VOLTAGE = 14
    MIN_VOLTAGE = 15
    MAX_TORQUE = 16
    PHASE = 18
    UNLOAD_BITS = 19
    ALARM_BITS = 20
    P_GAIN = 21
    D_GAIN = 22
    I_GAIN = 23
    DEAD_ZONE_CW = 26
    DEAD_ZONE_CCW = 27
    PROTECTION_CURRENT = 28
    HOMING = 31
    MODE = 33
    PROTECTIVE_TORQUE = 34
    OVERLOAD_TIME = 35
    OVERLOAD_THRESHOLD = 36
    OVERCURRENT_TIME = 38
    TORQUE = 40
    ACCELERATION = 41
    GOAL_POSITION = 42
    GOAL_TIME = 44
    GOAL_SPEED = 46
    TORQUE_LIMIT = 48
    LOCK = 55
    POSITION = 56
    SPEED = 58
    LOAD = 60
    VOLTAGE = 62
    TEMPERATURE = 63
    ASYNC = 64
    STATUS = 65
    MOVING = 66
    CURRENT = 69
    TARGET = 71


WORDS: Final = frozenset(
    {
        Reg.MODEL,
        Reg.MIN_LIMIT,
        Reg.MAX_LIMIT,
        Reg.MAX_TORQUE,
        Reg.PROTECTION_CURRENT,
        Reg.HOMING,
        Reg.GOAL_POSITION,
        Reg.GOAL_TIME,
        Reg.GOAL_SPEED,
        Reg.TORQUE_LIMIT,
        Reg.POSITION,
        Reg.SPEED,
        Reg.LOAD,
        Reg.CURRENT,
        Reg.TARGET,
    }
)
READ_ONLY: Final = frozenset((*range(5), *range(Reg.POSITION, SIZE)))

FACTORY: Final[dict[Reg, int]] = {
    Reg.FIRMWARE_MAJOR: 3,
    Reg.FIRMWARE_MINOR: 10,
    Reg.MODEL: 777,
    Reg.ID: 1,
    Reg.BAUD: 0,
    Reg.RETURN_DELAY: 250,
    Reg.RESPONSE_LEVEL: 1,
    Reg.MIN_LIMIT: 0,
    Reg.MAX_LIMIT: 4095,
    Reg.MAX_TEMPERATURE: 70,
    Reg.MAX_VOLTAGE: 140,
    Reg.MIN_VOLTAGE: 40,
    Reg.MAX_TORQUE: 1000,
    Reg.PHASE: 12,
    Reg.UNLOAD_BITS: 44,
    Reg.ALARM_BITS: 47,
    Reg.P_GAIN: 32,
    Reg.D_GAIN: 32,
    Reg.I_GAIN: 0,
    Reg.DEAD_ZONE_CW: 1,
    Reg.DEAD_ZONE_CCW: 1,
    Reg.PROTECTION_CURRENT: 500,
    Reg.HOMING: 0,
    Reg.MODE: 0,
    Reg.PROTECTIVE_TORQUE: 20,
    Reg.OVERLOAD_TIME: 200,
    Reg.OVERLOAD_THRESHOLD: 80,
    Reg.OVERCURRENT_TIME: 200,
}


def signed(word: int, bit: int) -> int:
    """A register word as a number: the sign is one bit, the rest its magnitude."""
    magnitude = word & ((1 << bit) - 1)
    return -magnitude if word >> bit & 1 else magnitude


def sign_bit(value: int, bit: int) -> int:
    """A number as a register word; what does not fit is the largest that does."""
    magnitude = min(abs(value), (1 << bit) - 1)
    return magnitude | (1 << bit if value < 0 else 0)


class Memory:
    """Registers of one servo, with what survives a power cycle beside them."""

    def __init__(self, **eeprom: int) -> None:
        """``eeprom``: register names in lower case, with what is in them."""
        self.lock_mode: LockMode = "drop"
        self.cells = bytearray(SIZE)
        self._saved = bytearray(EEPROM_SIZE)
        self.factory_reset()
        for name, value in eeprom.items():
            self.put(Reg[name.upper()], value)
        self.power_up()

    def power_up(self) -> None:
        """As after the power came back: EEPROM values, everything else at its start."""
        self.cells[:] = bytes(SIZE)
        self.cells[:EEPROM_SIZE] = self._saved
        self.cells[Reg.LOCK] = 1
        self.put(Reg.TORQUE_LIMIT, self.get(Reg.MAX_TORQUE))

    def factory_reset(self) -> None:
        """Factory values into the EEPROM; the id stays."""
        servo_id = self._saved[Reg.ID]
        for reg, value in FACTORY.items():
            self.put(reg, value)
        if servo_id:
            self.put(Reg.ID, servo_id)

    def get(self, reg: Reg) -> int:
        """What is in a register, unsigned."""
        if reg in WORDS:
            return self.cells[reg] | self.cells[reg + 1] << 8
        return self.cells[reg]

    def put(self, reg: Reg, value: int) -> None:
        """Set a register from inside the servo; an EEPROM one for good."""
        data = value.to_bytes(2, "little") if reg in WORDS else bytes((value,))
        self.poke(reg, data)

    def poke(self, address: int, data: bytes) -> None:
        """Change bytes past lock and read-only marks; EEPROM ones for good."""
        for at, byte in enumerate(data, address):
            self.cells[at % SIZE] = byte
            if at < EEPROM_SIZE:
                self._saved[at] = byte

    def read(self, address: int, count: int) -> bytes:
        """What a READ is answered with; there is nothing beyond the last register."""
        return bytes(self.cells[address : address + count].ljust(count, b"\0"))

    def write(self, address: int, data: bytes) -> frozenset[int]:
        """What a WRITE does. Returns the addresses that took their value."""
        taken = set()
        locked = bool(self.cells[Reg.LOCK])
        for at, byte in enumerate(data, address):
            if at >= SIZE or at in READ_ONLY:
                continue
            if at < EEPROM_SIZE:
                if not locked:
                    self._saved[at] = byte
                elif self.lock_mode == "drop":
                    continue
            self.cells[at] = byte
            taken.add(at)
        return frozenset(taken)
