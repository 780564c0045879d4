"""Questions and answers on one bus of STS servos: with deadlines, retries and counts per servo.

Synchronous and owned by one thread. The error byte of an answer is kept as telemetry; it never
raises. What raises is OSError: a servo that does not answer in time, or a port that is gone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from drivers.feetech import codec
from drivers.feetech.codec import Status, StatusStream
from drivers.feetech.link import Link
from drivers.feetech.registers import Block, Register

BITS_PER_BYTE: Final = 10
ATTEMPTS: Final = 3
SLACK_S: Final = 0.022
"""Beyond the time on the wire: return delay, and an adapter that keeps answers back for 16 ms."""
ASK_AGAIN_S: Final = 0.0025
LOSS_WINDOW: Final = 200
"""Answers over which losses are remembered."""
BROADCAST_PING_S: Final = 0.85
"""Servos answer a PING to all one after the other, by id."""


class NoAnswer(OSError):
    """Servos that did not answer in time. ``servos`` are their ids."""

    def __init__(self, servos: Sequence[int], doing: str) -> None:
        ids = ", ".join(map(str, servos))
        plural = "servos" if len(servos) > 1 else "servo"
        super().__init__(f"{plural} {ids} did not answer {doing}")
        self.servos = tuple(servos)


@dataclass(slots=True)
class Counts:
    """How well one servo can be talked to, since the port was opened."""

    asked: int = 0
    missed: int = 0
    retried: int = 0
    loss: float = 0.0
    """Share of its answers that were lost lately."""
    error: int = 0
    """Its status register as of the last answer."""

    def note(self, answered: bool) -> None:
        self.asked += 1
        self.missed += not answered
        self.loss += ((0.0 if answered else 1.0) - self.loss) / LOSS_WINDOW

    def forgive(self) -> None:
        """A missed answer came after all."""
        if self.missed:
            self.missed -= 1
            self.loss = max(0.0, self.loss - 1.0 / LOSS_WINDOW)


@dataclass(frozen=True, slots=True)
class Heard:
    """Everything that came back within a time: for looking at a bus, not for control."""

    answers: tuple[Status, ...]
    noise: int
    """Bytes that belonged to no packet, and broken packets."""


class Bus:
    """One half-duplex bus.

    Attributes:
        broken: Packets with a bad checksum, and bytes that belonged to none, since opening.
        late: Answers that came after their time.
        silences: Questions to many that nobody answered in time.
        ask_again_s: What is kept back of a deadline to ask those again that did not answer.
        echo: Whether the adapter sends back what is written; found out by ``detect_echo``.
    """

    def __init__(
        self,
        link: Link,
        baud: int,
        clock: Callable[[], float] = time.monotonic,
        slack_s: float = SLACK_S,
    ) -> None:
        self._link = link
        self._clock = clock
        self._byte_s = BITS_PER_BYTE / baud
        self._slack_s = slack_s
        self._counts: dict[int, Counts] = {}
        self._ahead = b""
        """A question that was sent ahead, and whose answers nobody has waited for yet."""
        self.ask_again_s = ASK_AGAIN_S
        self.broken = 0
        self.silences = 0
        self.late = 0
        self.echo = False

    def counts(self, servo: int) -> Counts:
        return self._counts.setdefault(servo, Counts())

    def close(self) -> None:
        self._link.close()

    # -- reading ---------------------------------------------------------------------------

    def ping(self, servo: int, attempts: int = ATTEMPTS) -> bool:
        """Whether a servo answers."""
        try:
            self._ask_one(servo, codec.ping(servo), 0, "a ping", attempts)
        except NoAnswer:
            return False
        return True

    def read(self, servo: int, block: Block, attempts: int = ATTEMPTS) -> bytes:
        """A block of one servo's registers. Raises NoAnswer or OSError."""
        asked = codec.read(servo, block.first, block.count)
        doing = f"a reading of {block.count} registers from {block.first}"
        return self._ask_one(servo, asked, block.count, doing, attempts)

    def read_one(self, servo: int, register: Register) -> int:
        return register.decode(self.read(servo, Block(register.address, register.size)))

    def ask_ahead(self, block: Block, servos: Sequence[int]) -> None:
        """Send the question of the ``sync_read`` that comes next. Raises OSError."""
        asked = codec.sync_read(block.first, block.count, servos)
        self._forgive(self._link.discard())
        self._link.send(asked)
        self._ahead = asked

    def sync_read(
        self, block: Block, servos: Sequence[int], until_s: float | None = None
    ) -> dict[int, bytes]:
        """A block of many servos at once; those that stayed silent are asked again one by one
        while time is left, and are then missing from the answer.

        Args:
            until_s: Deadline on the bus's clock; without one each servo has its usual time.
        """
        if not servos:
            return {}
        limit_s = self._usual_until(block.count, len(servos))
        if until_s is not None:
            limit_s = min(limit_s, until_s - self.ask_again_s)
        asked = codec.sync_read(block.first, block.count, servos)
        answers = self._exchange(asked, block.count, servos, limit_s)
        found = {servo: status.params for servo, status in answers.items()}
        for servo in servos:
            if servo in found:
                continue
            count = self.counts(servo)
            one = codec.read(servo, block.first, block.count)
            for _ in range(ATTEMPTS - 1):
                again_s = min(self._usual_until(block.count, 1), until_s or float("inf"))
                if again_s - self._clock() < self._wire_s(one, block.count, 1):
                    break
                count.retried += 1
                status = self._exchange(one, block.count, (servo,), again_s).get(servo)
                if status is not None:
                    found[servo] = status.params
                    break
        return found

    def anybody(self, servos: Sequence[int], looks: int) -> bool:
        """Whether any of these answers, or anything comes back at all; quick looks."""
        asked = codec.sync_read(0, 5, servos)
        for _ in range(looks):
            heard = self.listen(asked, 5, self._slack_s)
            if heard.answers or heard.noise:
                return True
        return False

    def listen(self, asked: bytes, params: int | None, for_s: float) -> Heard:
        """Send something and collect whatever comes back until the time is over."""
        self._link.discard()
        until_s = self._clock() + for_s
        self._link.send(asked)
        stream = StatusStream(params)
        answers: list[Status] = []
        skip = len(asked) if self.echo else 0
        while (data := self._link.receive(until_s)) or self._clock() < until_s:
            skip, data = max(0, skip - len(data)), data[skip:]
            answers += stream.feed(data)
        noise = stream.discarded + stream.bad_checksums + stream.pending
        return Heard(tuple(answers), noise)

    def everyone(self) -> tuple[int, ...]:
        """Ids of all servos on the bus, by one PING to all. Takes most of a second."""
        heard = self.listen(codec.ping(codec.BROADCAST), 0, BROADCAST_PING_S)
        return tuple(sorted({status.id for status in heard.answers}))

    def detect_echo(self, servo: int) -> bool:
        """Find out whether the adapter echoes; a question is never mistaken for an answer."""
        asked = codec.read(servo, 0, 5)
        self.echo = False
        self._link.discard()
        until_s = self._usual_until(5, 1)
        self._link.send(asked)
        came = b""
        while len(came) < len(asked) and (data := self._link.receive(until_s)):
            came += data
        self.echo = came.startswith(asked)
        self._finish(until_s)
        return self.echo

    # -- writing ---------------------------------------------------------------------------

    def write(self, servo: int, register: Register, value: int, attempts: int = ATTEMPTS) -> None:
        """Write one value and wait for the servo to say so. Raises NoAnswer or OSError."""
        asked = codec.write(servo, register.address, register.encode(value))
        self._ask_one(servo, asked, 0, f"writing {register.name}", attempts)

    def write_unanswered(self, servo: int, register: Register, value: int) -> None:
        """Write one value to a servo that does not answer writes."""
        asked = codec.write(servo, register.address, register.encode(value))
        self._link.discard()
        self._link.send(asked)
        self._skip_echo(len(asked))

    def sync_write(self, address: int, data: Mapping[int, bytes]) -> None:
        """Write to many at once. Nobody answers: read back what must be sure."""
        asked = codec.sync_write(address, data)
        self._link.send(asked)
        self._skip_echo(len(asked))

    def sync_write_sure(self, address: int, data: Mapping[int, bytes]) -> None:
        """Write to many and read it back from each. Raises OSError when it is not there."""
        block = Block(address, len(next(iter(data.values()))))
        wrong: dict[int, bytes] = dict(data)
        for _ in range(ATTEMPTS):
            self.sync_write(address, wrong)
            there = self.sync_read(block, tuple(wrong))
            wrong = {servo: row for servo, row in wrong.items() if there.get(servo) != row}
            if not wrong:
                return
        raise NoAnswer(tuple(wrong), f"writing registers from {address}, or did not take it")

    # -- inside ----------------------------------------------------------------------------

    def _ask_one(self, servo: int, asked: bytes, params: int, doing: str, attempts: int) -> bytes:
        for attempt in range(attempts):
            if attempt:
                self.counts(servo).retried += 1
            until_s = self._usual_until(params, 1) + len(asked) * self._byte_s
            status = self._exchange(asked, params, (servo,), until_s).get(servo)
            if status is not None:
                return status.params
        raise NoAnswer((servo,), doing)

    def _exchange(
        self, asked: bytes, params: int, servos: Sequence[int], until_s: float
    ) -> dict[int, Status]:
        """One question; the answers that came in time, of those who were asked."""
        if asked != self._ahead:
            self._forgive(self._link.discard())
            self._link.send(asked)
        self._ahead = b""
        stream = StatusStream(params)
        found: dict[int, Status] = {}
        skip = len(asked) if self.echo else 0
        while len(found) < len(servos):
            data = self._link.receive(until_s)
            if not data:
                break
            skip, data = max(0, skip - len(data)), data[skip:]
            for status in stream.feed(data):
                if status.id in servos and len(status.params) == params:
                    found[status.id] = status
        self.broken += stream.discarded + stream.bad_checksums
        self._count(servos, found)
        return found

    def _forgive(self, late: bytes) -> None:
        """Answers that came after their time were not lost: this machine was late."""
        stream = StatusStream()
        for status in stream.feed(late):
            self.counts(status.id).forgive()
            self.late += 1
        self.broken += stream.discarded + stream.bad_checksums

    def _count(self, servos: Sequence[int], found: Mapping[int, Status]) -> None:
        if not found and len(servos) > 1:
            # Nobody at all: that was no servo's fault.
            self.silences += 1
            return
        for servo in servos:
            status = found.get(servo)
            count = self.counts(servo)
            count.note(status is not None)
            if status is not None:
                count.error = status.error

    def _usual_until(self, params: int, servos: int) -> float:
        answer_s = (params + codec.OVERHEAD) * self._byte_s * servos
        return self._clock() + answer_s + self._slack_s

    def _wire_s(self, asked: bytes, params: int, servos: int) -> float:
        return (len(asked) + (params + codec.OVERHEAD) * servos) * self._byte_s

    def _finish(self, until_s: float) -> None:
        """Let an answer nobody waits for pass by."""
        while self._link.receive(until_s):
            continue

    def _skip_echo(self, count: int) -> None:
        until_s = self._clock() + self._slack_s
        left = count
        while self.echo and left > 0 and (data := self._link.receive(until_s)):
            left -= len(data)
