"""STS/SMS packets: bytes to instructions and answers, and back. Pure; garbage is only counted.

``FF FF ID LEN INST/ERR P1..Pn CHK`` with LEN = n + 2 and CHK = ~(sum of ID..Pn) & FF.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

HEADER: Final = b"\xff\xff"
BROADCAST: Final = 0xFE
LARGEST_ID: Final = 0xFD
LARGEST_LEN: Final = 250
LARGEST_ERROR: Final = 0x7F
OVERHEAD: Final = 6
"""Bytes of a packet besides its parameters."""

PING: Final = 0x01
READ: Final = 0x02
WRITE: Final = 0x03
SYNC_READ: Final = 0x82
SYNC_WRITE: Final = 0x83


@dataclass(frozen=True, slots=True)
class Status:
    """One answer of one servo; ``error`` is its status register, which is telemetry."""

    id: int
    error: int
    params: bytes


def packet(servo: int, code: int, params: bytes) -> bytes:
    """Any packet: ``code`` is the instruction, or the error byte of a status."""
    body = bytes((servo, len(params) + 2, code)) + params
    return HEADER + body + bytes((~sum(body) & 0xFF,))


def ping(servo: int) -> bytes:
    return packet(servo, PING, b"")


def read(servo: int, address: int, count: int) -> bytes:
    return packet(servo, READ, bytes((address, count)))


def write(servo: int, address: int, data: bytes) -> bytes:
    return packet(servo, WRITE, bytes((address,)) + data)


def sync_read(address: int, count: int, servos: Sequence[int]) -> bytes:
    """One question to many; they answer one after the other, in this order."""
    return packet(BROADCAST, SYNC_READ, bytes((address, count, *servos)))


def sync_write(address: int, data: Mapping[int, bytes]) -> bytes:
    """One packet that writes to many; nobody answers. All data must have the same length."""
    lengths = {len(row) for row in data.values()}
    if len(lengths) != 1:
        raise ValueError("SYNC_WRITE needs rows of one length")
    rows = b"".join(bytes((servo,)) + row for servo, row in data.items())
    return packet(BROADCAST, SYNC_WRITE, bytes((address, lengths.pop())) + rows)


class StatusStream:
    """Finds status packets in a byte stream, in pieces of any size.

    Attributes:
        discarded: Bytes that belonged to no packet.
        bad_checksums: Packets that looked whole but did not add up.
    """

    def __init__(self, params: int | None = None) -> None:
        """``params``: how many parameters are expected; others (but none at all) are noise."""
        self._buffer = bytearray()
        self._lengths = None if params is None else (2, params + 2)
        self.discarded = 0
        self.bad_checksums = 0

    @property
    def pending(self) -> int:
        """Bytes that may become a packet."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Status]:
        """The packets that are complete now."""
        self._buffer += data
        found: list[Status] = []
        while (status := self._next()) is not None:
            found.append(status)
        return found

    def _next(self) -> Status | None:
        buffer = self._buffer
        while True:
            start = buffer.find(HEADER)
            if start < 0:
                # A last FF may be the first half of a header.
                self._discard(len(buffer) - (1 if buffer.endswith(b"\xff") else 0))
                return None
            self._discard(start)
            if len(buffer) < 3:
                return None
            if buffer[2] > LARGEST_ID or (len(buffer) > 3 and not self._plausible(buffer[3])):
                self._discard(1)
                continue
            if len(buffer) > 4 and buffer[4] > LARGEST_ERROR:
                self._discard(1)
                continue
            if len(buffer) < 4 or len(buffer) < buffer[3] + 4:
                return None
            end = buffer[3] + 4
            if ~sum(buffer[2 : end - 1]) & 0xFF != buffer[end - 1]:
                self.bad_checksums += 1
                # The true packet may begin inside the false one.
                self._discard(1)
                continue
            status = Status(buffer[2], buffer[4], bytes(buffer[5 : end - 1]))
            del buffer[:end]
            return status

    def _plausible(self, length: int) -> bool:
        if self._lengths is not None:
            return length in self._lengths
        return 2 <= length <= LARGEST_LEN

    def _discard(self, count: int) -> None:
        del self._buffer[:count]
        self.discarded += count
