"""A bus of servos: instructions in, answers on the wire; and what can go wrong between them.

``python -m drivers.emu.bus --servos 6 --link PATH`` runs one on a pseudo-terminal, without a world.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from drivers.emu.goal_log import GoalLog
from drivers.emu.packet import BROADCAST, Code, Instruction, InstructionReader, status
from drivers.emu.servo import Servo
from drivers.emu.wire import PING_STAGGER_S, Wire

MOST_READ: Final = 250
"""Bytes that fit into one answer."""

SILENCE_S: Final = 0.01
"""A packet that stops for so long is given up."""


@dataclass
class Spoiling:
    """Answers still to be spoilt: servo id (0: any) to how many.

    Attributes:
        stray: Bytes put before so many answers.
    """

    dropped: dict[int, int] = field(default_factory=dict)
    corrupted: dict[int, int] = field(default_factory=dict)
    truncated: dict[int, int] = field(default_factory=dict)
    stray: dict[int, int] = field(default_factory=dict)

    def clear(self) -> None:
        """Spoil no more."""
        for left in (self.dropped, self.corrupted, self.truncated, self.stray):
            left.clear()


class Bus:
    """Servos on one line. Pure but for its clock: the caller brings bytes and time."""

    def __init__(self, servos: Sequence[Servo], wire: Wire, log: GoalLog, seed: int = 0) -> None:
        self.servos = list(servos)
        self.wire = wire
        self.log = log
        self.spoiling = Spoiling()
        self.random = random.Random(seed)
        self.instructions = 0
        self._reader = InstructionReader()
        self._heard_s = 0.0

    # -- time and bytes --------------------------------------------------------------------

    def heard(self, data: bytes, now_s: float, baud: int) -> None:
        """Take bytes from the host, at the speed it has set."""
        if not data:
            return
        if self._reader.waiting and now_s - self._heard_s > SILENCE_S:
            self._reader.forget()
        self._heard_s = now_s
        if self.wire.echo:
            self.wire.send(data, now_s, baud)
            arrived_s = now_s
        else:
            arrived_s = self.wire.heard(len(data), now_s, baud)
        for instruction in self._reader.feed(data):
            self.instructions += 1
            self.log.now_s = now_s
            self._carry_out(instruction, arrived_s, baud)

    @property
    def reader(self) -> InstructionReader:
        """What the line has been like, in its counters."""
        return self._reader

    def by_id(self, servo_id: int) -> Servo:
        """The servo of an id. Raises KeyError when none or several have it."""
        found = [s for s in self.servos if s.servo_id == servo_id]
        if len(found) != 1:
            raise KeyError(servo_id)
        return found[0]

    # -- instructions ----------------------------------------------------------------------

    def _carry_out(self, told: Instruction, at_s: float, baud: int) -> None:
        listening = [s for s in self.servos if s.powered and s.wired and s.baud == baud]
        if told.code == Code.SYNC_READ:
            self._sync_read(told.params, listening, at_s, baud)
        elif told.code == Code.SYNC_WRITE:
            self._sync_write(told.params, listening)
        elif told.servo_id == BROADCAST:
            self._broadcast(told, listening, at_s, baud)
        else:
            addressed = [s for s in listening if s.servo_id == told.servo_id]
            answers = [(s, self._answer(s, told)) for s in addressed]
            self._reply([(s, a) for s, a in answers if a is not None], at_s, baud)

    def _answer(self, servo: Servo, told: Instruction) -> bytes | None:
        """What one servo does and says; None when it says nothing."""
        servo_id, params = servo.servo_id, told.params
        match told.code:
            case Code.PING:
                return status(servo_id, servo.error())
            case Code.READ if len(params) == 2 and params[1] <= MOST_READ:
                return status(servo_id, servo.error(), servo.read(params[0], params[1]))
            case Code.WRITE if len(params) >= 2:
                answers = servo.answers_writes
                servo.write(params[0], params[1:])
            case Code.REG_WRITE if len(params) >= 2:
                answers = servo.answers_writes
                servo.reg_write(params[0], params[1:])
            case Code.ACTION:
                answers = servo.answers_writes
                servo.action()
            case Code.FACTORY_RESET:
                answers = servo.answers_writes
                servo.memory.factory_reset()
            case _:
                return None
        # Under the old id, were it the id that was written.
        return status(servo_id, servo.error()) if answers else None

    def _broadcast(
        self, told: Instruction, listening: Sequence[Servo], at_s: float, baud: int
    ) -> None:
        if told.code == Code.PING:
            for servo_id in sorted({s.servo_id for s in listening}):
                same = [s for s in listening if s.servo_id == servo_id]
                answers = [(s, status(servo_id, s.error())) for s in same]
                self._reply(answers, at_s + servo_id * PING_STAGGER_S, baud)
        elif told.code in (Code.WRITE, Code.REG_WRITE, Code.ACTION):
            for servo in listening:
                self._answer(servo, told)

    def _sync_read(self, params: bytes, listening: Sequence[Servo], at_s: float, baud: int) -> None:
        if len(params) < 3 or params[1] > MOST_READ:
            return
        address, count = params[0], params[1]
        for servo_id in params[2:]:
            same = [s for s in listening if s.servo_id == servo_id]
            answers = [(s, status(servo_id, s.error(), s.read(address, count))) for s in same]
            at_s = self._reply(answers, at_s, baud)

    def _sync_write(self, params: bytes, listening: Sequence[Servo]) -> None:
        if len(params) < 2:
            return
        address, each = params[0], params[1] + 1
        for start in range(2, len(params) - each + 1, each):
            servo_id, data = params[start], params[start + 1 : start + each]
            for servo in listening:
                if servo.servo_id == servo_id:
                    servo.write(address, data)

    # -- answers ---------------------------------------------------------------------------

    def _reply(self, answers: Sequence[tuple[Servo, bytes]], at_s: float, baud: int) -> float:
        """Send what servos of one id answer; returns when the line is free again."""
        if not answers:
            return at_s
        servo, packet = answers[0]
        if len(answers) > 1:
            packet = self._collide([p for _, p in answers])
        spoilt = self._spoil(servo.servo_id, packet)
        if not spoilt:
            return at_s
        return self.wire.send(spoilt, at_s + servo.return_delay_s, baud)

    def _collide(self, packets: Sequence[bytes]) -> bytes:
        """Two drivers on one line: what either pulls low is low, and they are never in step."""
        shift = self.random.randint(1, 2)
        late = b"\xff" * shift + packets[1]
        first = packets[0].ljust(len(late), b"\xff")
        return bytes(a & b for a, b in zip(first, late, strict=True))

    def _spoil(self, servo_id: int, packet: bytes) -> bytes:
        spoiling = self.spoiling
        if _take(spoiling.dropped, servo_id):
            return b""
        if _take(spoiling.corrupted, servo_id):
            at = self.random.randrange(2, len(packet))
            packet = packet[:at] + bytes((packet[at] ^ 0x10,)) + packet[at + 1 :]
        if _take(spoiling.truncated, servo_id):
            packet = packet[: self.random.randrange(1, len(packet))]
        if _take(spoiling.stray, servo_id):
            packet = self.random.choice((b"\xff", b"\xff\xff", b"\x00\xff", b"\x55")) + packet
        return packet


def _take(left: dict[int, int], servo_id: int) -> bool:
    """Whether one more answer of a servo is to be spoilt; counts it."""
    for key in (servo_id, 0):
        if left.get(key, 0) > 0:
            left[key] -= 1
            return True
    return False


if __name__ == "__main__":
    import sys

    from drivers.emu.standalone import main

    sys.exit(main())
