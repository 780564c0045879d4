"""When bytes arrive: time on the wire, the servos' return delay, the USB adapter's buffer."""

from __future__ import annotations

import bisect
from typing import Final

BITS_PER_BYTE: Final = 10
USB_PACKET: Final = 62
"""Bytes of a full USB packet: an adapter passes it on without waiting for its timer."""

BURST_S: Final = 0.0015
"""Packets handed over within so little of each other are handed over as one, when the last is due:
nobody can act on half an answer, and each handing over wakes two processes."""

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
        self._arriving: list[tuple[float, int, bytes]] = []
        self._count = 0
        self._plan: list[tuple[float, int]] = []

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
        bisect.insort(self._arriving, (from_s, self._count, data))
        self._plan.clear()
        return from_s

    def due_s(self) -> float | None:
        """When ``deliver`` has something to do next."""
        if not self._arriving:
            return None
        if not self._plan:
            self._plan = _merged(self._hand_overs())
        return self._plan[0][0]

    def deliver(self, now_s: float) -> bytes:
        """What the host may read now."""
        out = bytearray()
        while (due_s := self.due_s()) is not None and due_s <= now_s:
            _, count = self._plan.pop(0)
            while count:
                at_s, number, data = self._arriving.pop(0)
                out += data[:count]
                if len(data) > count:
                    self._arriving.insert(0, (at_s, number, data[count:]))
                count -= min(count, len(data))
        return bytes(out)

    def clear(self) -> None:
        """Whatever was under way is lost."""
        self._arriving.clear()
        self._plan.clear()
        self._free_s = 0.0

    def _hand_overs(self) -> list[tuple[float, int]]:
        """When the adapter passes on how many bytes: full packets at once, else by its timer."""
        out: list[tuple[float, int]] = []
        held, since_s = 0, 0.0
        for at_s, _, data in self._arriving:
            if held and at_s > since_s + self.latency_s:
                out.append((since_s + self.latency_s, held))
                held = 0
            since_s = since_s if held else at_s
            held += len(data)
            full = held // USB_PACKET * USB_PACKET
            if full:
                out.append((at_s, full))
                held, since_s = held - full, at_s
        if held:
            out.append((since_s + self.latency_s, held))
        return out


def _merged(hand_overs: list[tuple[float, int]]) -> list[tuple[float, int]]:
    out: list[tuple[float, int]] = []
    for at_s, count in hand_overs:
        if out and at_s - out[-1][0] <= BURST_S:
            count += out.pop()[1]
        out.append((at_s, count))
    return out
