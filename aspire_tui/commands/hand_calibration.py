"""The guided calibration of one Feetech arm: middle, sweep, zero; written to servos and files.

The same walk for ``cell calibrate`` and for the step of ``cell setup``.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from aspire_tui.commands.person import Person
from aspire_tui.errors import ConfigError
from drivers.emu.leading import UnseenHand
from drivers.feetech.arm import FeetechArm
from drivers.feetech.calibrating import HandCalibration, NotDone, write_calibration
from drivers.feetech.calibration import (
    Beside,
    Calibration,
    beside,
    load_beside,
    save_beside,
    save_calibration,
)
from drivers.types import ArmSpec

LOOK_EVERY_S: Final = 0.05
RELEASE: Final = "release"
FULL_TURN: Final = "wrist_roll"
"""The joint of these arms that has no stops."""


@dataclass(frozen=True)
class Bench:
    """The arm that is being calibrated, open, and where its files are."""

    arm: FeetechArm
    spec: ArmSpec
    file: Path
    person: Person
    who: str


class Hands(Protocol):
    """Who moves the arm while its torque is off."""

    def put(self, text: str, to: str) -> str:
        """Into a pose; what was answered."""
        ...

    def sweep(self, text: str, watch: Callable[[], str]) -> None:
        """Every joint from stop to stop; ``watch`` looks once and says what it sees."""
        ...

    def put_down(self) -> None:
        """The arm is let go of."""
        ...


class RealHands:
    """A person's."""

    def __init__(self, person: Person) -> None:
        self._person = person

    def put(self, text: str, to: str) -> str:
        return self._person.ask(f"{text}. Enter" + (", or type skip" if to == "zero" else ""))

    def sweep(self, text: str, watch: Callable[[], str]) -> None:
        self._person.say(f"{text}, then Enter")
        while not self._person.pressed_enter(LOOK_EVERY_S):
            self._person.show(watch())
        self._person.say()

    def put_down(self) -> None:
        self._person.say("   put the arm down: nothing holds it")


class PlayedHands:
    """An unseen hand at an emulated arm does what is asked of people elsewhere."""

    def __init__(self, person: Person, hand: UnseenHand) -> None:
        self._person, self._hand = person, hand

    def put(self, text: str, to: str) -> str:
        self._person.say(f"{text} (emulated: an unseen hand does)")
        self._hand.lead(to)
        return ""

    def sweep(self, text: str, watch: Callable[[], str]) -> None:
        self._person.say(f"{text} (emulated: an unseen hand does)")
        self._hand.sweep()
        while self._hand.moving():
            self._person.show(watch())
            time.sleep(LOOK_EVERY_S)
        self._person.say()

    def put_down(self) -> None:
        self._hand.lead("rest")
        self._hand.let_go()


def at_rest(bench: Bench) -> None:
    """Torque off, in two steps when it is on: the arm falls. Raises CellRefused."""
    torque = bench.arm.energised()
    on = torque or any(f.code == "torque_mixed" for f in bench.arm.check())
    if not on:
        return
    bench.person.say("The arm holds torque. It has no brakes: released, it falls.")
    bench.person.confirm("Hold it with both hands", RELEASE)
    bench.arm.release()
    bench.person.say("torque is off")


def calibrate_by_hand(
    bench: Bench, hands: Hands, full_turn: Sequence[str] = (FULL_TURN,), signs: bool = False
) -> None:
    """Walk through one calibration and write it; nothing is written before the walk is through.

    Args:
        full_turn: Joints without stops; a joint that is not there is an error unless it is the
            usual one.

    Raises:
        CellRefused: Nobody answers any more.
        OSError, NotKept, TorqueIsOn: Of the bus and its servos.
    """
    person, wiring = bench.person, bench.arm.wiring
    unknown = [name for name in full_turn if name not in wiring.names]
    if unknown and list(full_turn) != [FULL_TURN]:
        raise ConfigError(f"--full-turn {unknown[0]}: joints are {', '.join(wiring.names)}")
    whole = [name for name in full_turn if name in wiring.names]
    at_rest(bench)
    hand = HandCalibration(bench.arm.bus, wiring, whole)
    while True:
        hands.put(
            "1. Put every joint into the middle of its range, the gripper half open", "middle"
        )
        try:
            hand.middle()
            _sweep(bench, hands, hand, whole)
            calibration = hand.result()
        except NotDone as error:
            person.say(f"   {error}")
            continue
        break
    zero = (
        f"3. Put the arm into the zero pose of its model ({bench.spec.model}), the gripper at its "
        "zero; skip keeps the zeros there are"
    )
    if hands.put(zero, "zero") != "skip":
        hand.zero()
    for joint in wiring.names if signs else ():
        _direction(bench, hand, joint)
    write(bench, calibration)
    known = load_beside(bench.file) or Beside()
    zeros = Beside(
        hand.zeros(calibration), known.measured, known.arrival_tolerance_rad, today(), bench.who
    )
    save(bench, calibration, zeros)
    hands.put_down()


def write(bench: Bench, calibration: Calibration) -> None:
    """Into the servos. Raises ConfigError when a joint is not in it."""
    missing = [name for name in bench.arm.wiring.names if name not in calibration]
    if missing:
        raise ConfigError(f"{bench.file}: nothing about {', '.join(missing)}")
    write_calibration(bench.arm.bus, bench.arm.wiring, calibration)
    bench.person.say("written to the servos, locked and read back")


def save(bench: Bench, calibration: Calibration, ours: Beside | None) -> None:
    """LeRobot's file, and ours beside it."""
    save_calibration(bench.file, calibration)
    bench.person.say(f"saved {bench.file} (LeRobot's)")
    if ours is not None:
        save_beside(bench.file, ours)
        bench.person.say(f"saved {beside(bench.file)}")


def today() -> str:
    """This moment, with its zone, as files have it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _sweep(bench: Bench, hands: Hands, hand: HandCalibration, full_turn: Sequence[str]) -> None:
    but = f" ({', '.join(full_turn)} needs none)" if full_turn else ""

    def watch() -> str:
        return "  ".join(f"{s.lo:4}…{s.hi:4}" for s in hand.watch())

    hands.sweep(f"2. Move every joint slowly from stop to stop{but}", watch)
    for swept in hand.watch():
        note = "  passed the end of its count" if swept.wrapped else ""
        bench.person.say(f"   {swept.joint:14} {swept.lo:5} to {swept.hi:5}{note}")


def _direction(bench: Bench, hand: HandCalibration, joint: str) -> None:
    while True:
        before = hand.positions()[joint]
        bench.person.ask(
            f"   Turn {joint} a little in the model's positive direction (gripper: open it). Enter"
        )
        try:
            sign = hand.turned(joint, before)
        except NotDone as error:
            bench.person.say(f"   {error}")
            continue
        bench.person.say(f"   {joint}: sign {sign:+d}")
        return
