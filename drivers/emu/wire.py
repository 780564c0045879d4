"""When bytes arrive: time on the wire, the servos' return delay, the USB adapter's buffer."""

from __future__ import annotations

import heapq
from typing import Final

BITS_PER_BYTE: Final = 10
USB_PACKET: Final = 62
"""Bytes of a full USB packet: an adapter passes it on without waiting for its timer."""

PING_STAGGER_S: Final = 0.0031
"""Between the answers of neighbouring ids to a broadcast PING."""


class Wire:
    """The half-duplex line and its adapter. Times are those of the caller's clock, in seconds.

    Attributes:
        latency_s: How long the adapter collects bytes at most.
        timed: Whether bytes take time on the line.
        echo: Whether the host hears what it sends.
    """

    def __init__(self, latency_s: float, timed: bool) -> None:
        self.latency_s = self.usual_latency_s = latency_s
        self.timed = timed
        self.echo = False
        self._free_s = 0.0
        self._queued: list[tuple[float, int, bytes]] = []
        self._count = 0
        self._buffer = bytearray()
        self._buffer_due_s = 0.0

    def heard(self, count: int, now_s: float, baud: int) -> float:
        """When the last of some bytes from the host has reached the servos."""
        if not self.timed or baud <= 0:
            return now_s
        self._free_s = max(self._free_s, now_s) + count * BITS_PER_BYTE / baud
        return self._free_s

    def send(self, data: bytes, from_s: float, baud: int) -> float:
        """Put an answer on the line, no earlier than ``from_s``; returns when its last byte is."""
        if self.timed and baud > 0:
            from_s = max(from_s, self._free_s) + len(data) * BITS_PER_BYTE / baud
            self._free_s = from_s
        self._count += 1
        heapq.heappush(self._queued, (from_s, self._count, data))
        return from_s

    def due_s(self) -> float | None:
        """When ``deliver`` has something to do next."""
        first = self._queued[0][0] if self._queued else None
        if not self._buffer:
            return first
        return self._buffer_due_s if first is None else min(first, self._buffer_due_s)

    def deliver(self, now_s: float) -> bytes:
        """What the host may read now."""
        out = bytearray()
        while self._queued and self._queued[0][0] <= now_s:
            at_s, _, data = heapq.heappop(self._queued)
            if not self._buffer:
                self._buffer_due_s = at_s + self.latency_s
            self._buffer += data
            while len(self._buffer) >= USB_PACKET:
                out += self._buffer[:USB_PACKET]
                del self._buffer[:USB_PACKET]
                self._buffer_due_s = at_s + self.latency_s
        if self._buffer and self._buffer_due_s <= now_s:
            out += self._buffer
            self._buffer.clear()
        return bytes(out)

    def clear(self) -> None:
        """Whatever was under way is lost."""
        self._queued.clear()
        self._buffer.clear()
        self._free_s = 0.0
