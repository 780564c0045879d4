"""Giving one servo its id and its speed, safely: exactly one may be on the bus.

The servo answers the change of its id under the old id, the change of its baud at the old speed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drivers.feetech import registers as r
from drivers.feetech.bus import Bus
from drivers.feetech.eeprom import write_eeprom
from drivers.feetech.link import Link
from drivers.feetech.section import LARGEST_ID


class IdsRefused(Exception):
    """It would not be safe, or did not work; nothing else was changed. One line for people."""


@dataclass(frozen=True)
class Found:
    """The one servo on a bus."""

    id: int
    baud: int
    model: int


def find_single(open_link: Callable[[int], Link], clock: Callable[[], float]) -> Found:
    """The only servo on the bus, at whatever speed it listens.

    Raises:
        IdsRefused: None or several answer.
    """
    found: list[Found] = []
    for baud in r.BAUDS:
        bus = Bus(open_link(baud), baud, clock)
        try:
            ids = bus.everyone()
            if not ids and bus.broken:
                raise IdsRefused("several servos answer at once: connect only one")
            found += [Found(n, baud, bus.read_one(n, r.MODEL)) for n in ids]
        finally:
            bus.close()
        if found:
            break
    if not found:
        raise IdsRefused("no servo answers at any speed: look at its plug and the motor supply")
    if len(found) > 1:
        ids = tuple(servo.id for servo in found)
        raise IdsRefused(f"servos {', '.join(map(str, ids))} answer: connect only the one meant")
    return found[0]


def set_id(bus: Bus, servo: int, new: int) -> None:
    """Give the only servo on the bus another id, kept without power.

    Raises:
        IdsRefused: The id is taken or not allowed, torque is on, or the servo did not take it.
    """
    _require_alone(bus, servo)
    if not 0 <= new <= LARGEST_ID:
        raise IdsRefused(f"id {new} is not 0 to {LARGEST_ID}")
    if new == servo:
        return
    write_eeprom(bus, servo, {r.ID: new}, answers_as={r.ID: new})
    if bus.read_one(new, r.ID) != new or bus.ping(servo, attempts=1):
        raise IdsRefused(f"servo {servo} did not take id {new}")


def set_baud(
    bus: Bus, servo: int, baud: int, open_link: Callable[[int], Link], clock: Callable[[], float]
) -> Bus:
    """Give the only servo on the bus another speed; the bus is closed, one at that speed returned.

    The lock is closed at the new speed, because the servo listens there at once.

    Raises:
        IdsRefused: The speed is not known, torque is on, or it does not answer there.
    """
    _require_alone(bus, servo)
    code = r.BAUDS.get(baud)
    if code is None:
        raise IdsRefused(f"{baud} baud is not one of {', '.join(map(str, r.BAUDS))}")
    bus.write(servo, r.LOCK, 0)
    bus.write(servo, r.BAUD, code)
    bus.close()
    faster = Bus(open_link(baud), baud, clock)
    if not faster.ping(servo):
        faster.close()
        raise IdsRefused(f"servo {servo} does not answer at {baud} baud; cut its power and look")
    faster.write(servo, r.LOCK, 1)
    if faster.read_one(servo, r.BAUD) != code or faster.read_one(servo, r.LOCK) != 1:
        faster.close()
        raise IdsRefused(f"servo {servo} did not keep {baud} baud")
    return faster


def _require_alone(bus: Bus, servo: int) -> None:
    there = bus.everyone()
    if there != (servo,):
        others = ", ".join(str(n) for n in there if n != servo) or "none"
        raise IdsRefused(f"expected servo {servo} alone on the bus; others there: {others}")
    if bus.read_one(servo, r.TORQUE) != 0:
        raise IdsRefused(f"servo {servo} holds torque: release it first")
