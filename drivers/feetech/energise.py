"""Switching torque on without a jump: the stale goal is overwritten first, at low torque."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from drivers.feetech import registers as r
from drivers.feetech.bus import Bus, NoAnswer

LOW_TORQUE: Final = 200
"""Torque limit while it is not yet sure that nothing moves, ‰."""
MOVED_TICKS: Final = 12
"""About one degree: more than that while switching on is a jump."""
LOOK_AFTER_S: Final = 0.01
LOOKS: Final = 2
RAMP_STEPS: Final = 4
FASTEST_TICKS_S: Final = 3400
"""For servos that take goal speed 0 as a stop."""


class Jumped(OSError):
    """A joint moved while it was switched on; torque is off again, as it was."""


def energise(
    bus: Bus,
    servos: Sequence[int],
    limits: Mapping[int, int],
    speeds: Mapping[int, int],
    pause: Callable[[float], None],
) -> None:
    """Switch on the servos that are off, where they are; those that hold already stay as they are.

    Args:
        limits: Torque limit each is to have afterwards, ‰.
        speeds: Goal speed that means "as fast as you can" to each.

    Raises:
        Jumped: A joint moved; everything that was off is off again.
        OSError: A servo did not answer; the same.
    """
    torque = bus.sync_read(r.Block(r.TORQUE.address, 1), servos)
    _require_all(torque, servos, "reading torque")
    off = [servo for servo in servos if torque[servo] == b"\0"]
    if not off:
        return
    start = _positions(bus, off)
    try:
        _write(bus, r.TORQUE_LIMIT, dict.fromkeys(off, LOW_TORQUE))
        # On STS this alone is reported to switch torque on: that is why it comes first.
        goals = {s: goal_row(start[s], speeds[s]) for s in off}
        bus.sync_write_sure(r.ACCELERATION.address, goals)
        _require_still(bus, start, pause)
        _write(bus, r.TORQUE, dict.fromkeys(off, 1))
        _require_still(bus, start, pause)
        for step in range(1, RAMP_STEPS + 1):
            share = step / RAMP_STEPS
            ramp = {s: round(LOW_TORQUE + share * (limits[s] - LOW_TORQUE)) for s in off}
            _write(bus, r.TORQUE_LIMIT, ramp)
            pause(LOOK_AFTER_S / RAMP_STEPS)
    except OSError:
        _let_go(bus, off, limits)
        raise


def goal_row(position_ticks: int, speed: int) -> bytes:
    """Registers 41 to 47: fastest acceleration, goal, no goal time, speed."""
    return b"".join(
        register.encode(value)
        for register, value in (
            (r.ACCELERATION, 0),
            (r.GOAL_POSITION, position_ticks),
            (r.GOAL_TIME, 0),
            (r.GOAL_SPEED, speed),
        )
    )


def fastest(phase: int) -> int:
    """The goal speed that means no limit, by the servo's phase register."""
    return FASTEST_TICKS_S if phase & r.PHASE_STOP_AT_ZERO_SPEED else 0


def _require_still(bus: Bus, start: Mapping[int, int], pause: Callable[[float], None]) -> None:
    for _ in range(LOOKS):
        pause(LOOK_AFTER_S)
        now = _positions(bus, tuple(start))
        moved = {s: abs(now[s] - start[s]) for s in start if abs(now[s] - start[s]) > MOVED_TICKS}
        if moved:
            servo = max(moved, key=lambda s: moved[s])
            raise Jumped(
                f"servo {servo} moved {moved[servo]} ticks while it was switched on; torque is off "
                "again: support the arm and try once more"
            )


def _positions(bus: Bus, servos: Sequence[int]) -> dict[int, int]:
    blocks = bus.sync_read(r.Block(r.POSITION.address, 2), servos)
    _require_all(blocks, servos, "reading positions")
    return {servo: r.POSITION.decode(block) for servo, block in blocks.items()}


def _write(bus: Bus, register: r.Register, values: Mapping[int, int]) -> None:
    rows = {servo: register.encode(value) for servo, value in values.items()}
    bus.sync_write_sure(register.address, rows)


def _let_go(bus: Bus, servos: Sequence[int], limits: Mapping[int, int]) -> None:
    """Back to how it was, as far as the bus still carries it."""
    bus.sync_write(r.TORQUE.address, dict.fromkeys(servos, b"\0"))
    rows = {servo: r.TORQUE_LIMIT.encode(limits[servo]) for servo in servos}
    bus.sync_write(r.TORQUE_LIMIT.address, rows)


def _require_all(found: Mapping[int, bytes], servos: Sequence[int], doing: str) -> None:
    missing = [servo for servo in servos if servo not in found]
    if missing:
        raise NoAnswer(missing, doing)
