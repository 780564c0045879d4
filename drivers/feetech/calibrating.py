"""Calibrating by hand: the middle pose, the sweep of every joint, the model's zero; then EEPROM.

Only reads until ``write``; the arm hangs free meanwhile. Whoever asks the person and shows the
numbers is elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from drivers.feetech import registers as r
from drivers.feetech.bus import Bus, NoAnswer
from drivers.feetech.calibration import LARGEST_OFFSET, Calibration, JointZero, ServoCalibration
from drivers.feetech.eeprom import write_eeprom
from drivers.feetech.mapping import JointMap
from drivers.feetech.section import GRIPPER
from drivers.feetech.wiring import Wiring

HALF_TURN = 2047
"""What LeRobot makes the middle pose read."""
LEAST_SWEEP = 400
"""Less than 35° is no sweep: the joint was forgotten or is stuck."""
LEAST_TURN = 60
"""Five degrees: enough to tell a direction."""
JUMP = r.TICKS_PER_TURN // 2

FOLLOWER = {
    r.MODE: 0,
    r.RESPONSE_LEVEL: 1,
    r.RETURN_DELAY: 0,
    r.P_GAIN: 16,
    r.D_GAIN: 32,
    r.I_GAIN: 0,
}
"""What LeRobot sets on SO arms, and answers without delay."""
FOLLOWER_GRIPPER = {r.MAX_TORQUE: 500, r.PROTECTION_CURRENT: 250, r.OVERLOAD_THRESHOLD: 25}
"""A gripper squeezes for long: half the torque, and protection that comes early."""


class NotDone(Exception):
    """A step has to be done again; one line for the person at the arm."""


@dataclass(frozen=True)
class Swept:
    """One joint while it is swept, ticks after the new offset."""

    joint: str
    now: int
    lo: int
    hi: int
    wrapped: bool
    """It passed the end of its count: it was not in its middle."""

    @property
    def enough(self) -> bool:
        return self.hi - self.lo >= LEAST_SWEEP and not self.wrapped


class HandCalibration:
    """One calibration, step by step: ``middle``, ``watch`` often, ``zero``, ``result``."""

    def __init__(self, bus: Bus, wiring: Wiring, full_turn: Collection[str]) -> None:
        """``full_turn``: joints without stops; their range is the whole turn."""
        self._bus = bus
        self._wiring = wiring
        self._full_turn = frozenset(full_turn)
        self._offsets: dict[int, int] = {}
        self._swept: dict[int, Swept] = {}
        self._zero: dict[str, float] = {}
        self._signs: dict[str, int] = {}

    def middle(self) -> dict[str, int]:
        """Every joint stands in the middle of its range: the new homing offsets, by joint."""
        raw = self._raw()
        offsets = {n: ticks - HALF_TURN for n, ticks in raw.items()}
        bad = [n for n, offset in offsets.items() if abs(offset) > LARGEST_OFFSET]
        if bad:
            names = ", ".join(self._wiring.name_of(n) for n in bad)
            raise NotDone(f"{names}: exactly half a turn off: move it a little and try again")
        self._offsets = offsets
        self._swept = {
            n: Swept(self._wiring.name_of(n), HALF_TURN, HALF_TURN, HALF_TURN, False)
            for n in offsets
        }
        return {self._wiring.name_of(n): offset for n, offset in offsets.items()}

    def watch(self) -> list[Swept]:
        """One look while a person moves every joint from stop to stop; call it often."""
        self._require_middle()
        for n, ticks in self._raw().items():
            before = self._swept[n]
            now = (ticks - self._offsets[n]) % r.TICKS_PER_TURN
            whole = before.joint in self._full_turn
            wrapped = before.wrapped or (not whole and abs(now - before.now) > JUMP)
            self._swept[n] = Swept(
                before.joint, now, min(before.lo, now), max(before.hi, now), wrapped
            )
        return list(self._swept.values())

    def zero(self) -> dict[str, float]:
        """The arm stands in its model's zero pose: where that is, ticks by joint."""
        self._require_middle()
        self._zero = {
            self._wiring.name_of(n): float((ticks - self._offsets[n]) % r.TICKS_PER_TURN)
            for n, ticks in self._raw().items()
        }
        return dict(self._zero)

    def positions(self) -> dict[str, int]:
        """Where every joint is, ticks of its encoder."""
        return {self._wiring.name_of(n): ticks for n, ticks in self._raw().items()}

    def turned(self, joint: str, before: int) -> int:
        """The joint was turned in its model's positive direction: its sign is kept and returned.

        Args:
            before: Of ``positions``, before it was turned.
        """
        moved = (self.positions()[joint] - before + JUMP) % r.TICKS_PER_TURN - JUMP
        if abs(moved) < LEAST_TURN:
            raise NotDone(f"{joint}: it moved by {abs(moved)} ticks only, at least {LEAST_TURN}")
        self._signs[joint] = 1 if moved > 0 else -1
        return self._signs[joint]

    def result(self) -> Calibration:
        """LeRobot's calibration of what was swept. Raises NotDone for joints that were not."""
        self._require_middle()
        rows: Calibration = {}
        for n, swept in self._swept.items():
            whole = swept.joint in self._full_turn
            if not whole and not swept.enough:
                why = "it passed the end of its count" if swept.wrapped else "it hardly moved"
                raise NotDone(f"{swept.joint}: {why}; start again from the middle pose")
            lo, hi = (0, r.LARGEST_TICK) if whole else (swept.lo, swept.hi)
            rows[swept.joint] = ServoCalibration(n, 0, self._offsets[n], lo, hi)
        return rows

    def zeros(self, calibration: Calibration) -> dict[str, JointZero]:
        """Where the model's zero is, for joints whose zero pose or direction was shown."""
        out = {}
        for n in self._wiring.ids:
            name, present = self._wiring.name_of(n), self._wiring.map_of(n)
            sign = self._signs.get(name, present.sign)
            offset = present.zero_offset_rad
            if name in self._zero:
                middle = calibration[name].middle_ticks
                offset = -JointMap(sign, 0.0, middle).rad(self._zero[name])
            out[name] = JointZero(offset, sign)
        return out

    def _require_middle(self) -> None:
        if not self._offsets:
            raise NotDone("the middle pose comes first")

    def _raw(self) -> dict[int, int]:
        """What each encoder reads, without the offset the servo has now."""
        ids = self._wiring.ids
        present = self._bus.sync_read(r.Block(r.POSITION.address, 2), ids)
        offsets = self._bus.sync_read(r.Block(r.HOMING_OFFSET.address, 2), ids)
        missing = [n for n in ids if n not in present or n not in offsets]
        if missing:
            raise NoAnswer(missing, "where it is")
        return {
            n: (r.POSITION.decode(present[n]) + r.HOMING_OFFSET.decode(offsets[n]))
            % r.TICKS_PER_TURN
            for n in ids
        }


def write_calibration(
    bus: Bus, wiring: Wiring, calibration: Mapping[str, ServoCalibration]
) -> None:
    """Put a calibration and the settings of a follower arm into its servos, and read them back.

    Raises:
        TorqueIsOn, NotKept: Of :func:`drivers.feetech.eeprom.write_eeprom`; says which servo.
        OSError: A servo does not answer.
    """
    for n in wiring.ids:
        row = calibration[wiring.name_of(n)]
        phase = bus.read_one(n, r.PHASE) & ~r.PHASE_MULTI_TURN
        values = {
            **FOLLOWER,
            r.PHASE: phase,
            r.HOMING_OFFSET: row.homing_offset,
            r.MIN_POSITION: row.range_min,
            r.MAX_POSITION: row.range_max,
        }
        write_eeprom(bus, n, values | (FOLLOWER_GRIPPER if wiring.name_of(n) == GRIPPER else {}))


def calibration_of(bus: Bus, wiring: Wiring) -> Calibration:
    """What the servos hold now, as LeRobot's file. Only reads."""
    return {
        wiring.name_of(n): ServoCalibration(
            n,
            0,
            bus.read_one(n, r.HOMING_OFFSET),
            bus.read_one(n, r.MIN_POSITION),
            bus.read_one(n, r.MAX_POSITION),
        )
        for n in wiring.ids
    }


def lock_all(bus: Bus, wiring: Wiring) -> None:
    """Close the EEPROM lock of every servo, whatever its torque."""
    for n in wiring.ids:
        bus.write(n, r.LOCK, 1)
