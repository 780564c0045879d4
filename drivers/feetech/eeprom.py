"""What a servo keeps without power: torque off, lock open, write, lock closed, read back."""

from __future__ import annotations

from collections.abc import Mapping

from drivers.feetech import registers as r
from drivers.feetech.bus import Bus
from drivers.feetech.registers import Register


class NotKept(Exception):
    """A servo did not keep what was written; one line for people."""


class TorqueIsOn(Exception):
    """Settings are only written to a servo that is at rest."""


def write_eeprom(
    bus: Bus,
    servo: int,
    values: Mapping[Register, int],
    answers_as: Mapping[Register, int] | None = None,
) -> None:
    """Write settings of one servo and make sure that they are there and the lock is closed.

    The lock is closed again also when something fails on the way.

    Args:
        answers_as: After this register was written, the servo answers to this id.

    Raises:
        TorqueIsOn: Nothing was written.
        NotKept: Something reads back differently.
        OSError: The servo does not answer.
    """
    if bus.read_one(servo, r.TORQUE) != 0:
        raise TorqueIsOn(f"servo {servo} holds torque: support the arm and release it first")
    renamed = dict(answers_as or {})
    now = servo
    try:
        _write(bus, servo, r.LOCK, 0)
        for register, value in values.items():
            _write(bus, now, register, value)
            now = renamed.get(register, now)
    finally:
        _write(bus, now, r.LOCK, 1)
    there = {register: bus.read_one(now, register) for register in values}
    wrong = [
        f"{register.name} is {there[register]} instead of {value}"
        for register, value in values.items()
        if there[register] != value
    ]
    if bus.read_one(now, r.LOCK) != 1:
        wrong.append("the lock stays open")
    if wrong:
        raise NotKept(f"servo {now}: {'; '.join(wrong)}")


def _write(bus: Bus, servo: int, register: Register, value: int) -> None:
    """Write a value to a servo that may have been told not to answer writes."""
    if bus.read_one(servo, r.RESPONSE_LEVEL) == 0:
        bus.write_unanswered(servo, register, value)
    else:
        bus.write(servo, register, value)
