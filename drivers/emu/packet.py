"""The servos' side of the wire: instructions out of a byte stream, status packets into one."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

BROADCAST: Final = 0xFE
HEAD: Final = b"\xff\xff"
LONGEST: Final = 252


class Code(IntEnum):
    """Instructions an STS servo knows."""

    PING = 0x01
    READ = 0x02
    WRITE = 0x03
    REG_WRITE = 0x04
    ACTION = 0x05
    FACTORY_RESET = 0x06
    SYNC_READ = 0x82
    SYNC_WRITE = 0x83


class Instruction(NamedTuple):
    """One packet from the host whose checksum was right."""

    servo_id: int
    code: int
    params: bytes


def checksum(body: bytes) -> int:
    """Of everything between the header and the checksum itself."""
    return ~sum(body) & 0xFF


def status(servo_id: int, error: int, params: bytes = b"") -> bytes:
    """What a servo answers."""
    body = bytes((servo_id, len(params) + 2, error)) + params
    return HEAD + body + bytes((checksum(body),))


class InstructionReader:
    """Finds instructions in whatever arrives; what is none is counted and passed over.

    Attributes:
        stray: Bytes that belonged to no packet.
        spoilt: Packets with a wrong checksum; a servo ignores them.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self.stray = 0
        self.spoilt = 0

    def feed(self, data: bytes) -> list[Instruction]:
        """Take bytes; returns the instructions completed by them, in order."""
        self._held += data
        found: list[Instruction] = []
        while self._sync():
            length = self._held[3]
            if len(self._held) < length + 4:
                break
            body = bytes(self._held[2 : length + 3])
            if checksum(body) != self._held[length + 3]:
                self.spoilt += 1
                del self._held[:2]
                continue
            del self._held[: length + 4]
            found.append(Instruction(body[0], body[2], body[3:]))
        return found

    def forget(self) -> None:
        """Drop an unfinished packet, as a servo does after a silence on the line."""
        self.stray += len(self._held)
        self._held.clear()

    @property
    def waiting(self) -> bool:
        """Whether a packet has begun and not ended."""
        return bool(self._held)

    def _sync(self) -> bool:
        """Bring a plausible packet start to the front; whether its head is complete."""
        held = self._held
        while True:
            at = held.find(HEAD)
            if at < 0:
                keep = 1 if held.endswith(b"\xff") else 0
                self.stray += len(held) - keep
                del held[: len(held) - keep]
                return False
            self.stray += at
            del held[:at]
            if len(held) < 4:
                if len(held) == 3 and held[2] == 0xFF:
                    self.stray += 1
                    del held[:1]
                    continue
                return False
            if held[2] == 0xFF or not 2 <= held[3] <= LONGEST:
                self.stray += 1
                del held[:1]
                continue
            return True
