"""A terminal at the far end of a slow line: so many bytes a second, each way delayed."""

from __future__ import annotations

import os
import select
import threading
import time
from collections import deque
from typing import Any

from terminal import Terminal

WINDOW: int = 2 << 20
"""Bytes that may be under way, as an SSH channel allows; further ones wait in the pty."""
STEP: int = 512
"""Bytes that arrive together."""


class SlowTerminal(Terminal):
    """What the program sends arrives at ``bytes_per_s`` and half a round trip later; keys too."""

    def __init__(self, *given: Any, bytes_per_s: float, round_trip_s: float, **more: Any) -> None:
        self._bytes_per_s = bytes_per_s
        self._one_way_s = round_trip_s / 2
        self._line: deque[tuple[float, bytes]] = deque()
        self._under_way = 0
        self._changed = threading.Condition()
        self._closing = False
        super().__init__(*given, **more)
        self._carrier = threading.Thread(target=self._carry, daemon=True)
        self._carrier.start()

    @property
    def under_way(self) -> int:
        """Bytes the program has sent that have not arrived."""
        return self._under_way

    def send(self, keys: str) -> None:
        def arrive() -> None:
            if not self._closing:
                os.write(self._master, keys.encode())

        threading.Timer(self._one_way_s, arrive).start()

    def wait_sent(self, marker: bytes, timeout_s: float = 15.0) -> None:
        end, seen = time.monotonic() + timeout_s, len(self.raw)
        while marker not in self.raw[seen:]:
            assert time.monotonic() < end, f"never arrived: {marker!r}"
            self._read_once(0.2)

    def close(self) -> None:
        self._closing = True
        self._carrier.join(timeout=2.0)
        super().close()

    def _carry(self) -> None:
        free_s = time.monotonic()
        while not self._closing:
            if self._under_way >= WINDOW or not select.select([self._master], [], [], 0.05)[0]:
                time.sleep(0.001)
                continue
            try:
                data = os.read(self._master, 65536)
            except OSError:
                return
            with self._changed:
                for start in range(0, len(data), STEP):
                    piece = data[start : start + STEP]
                    free_s = max(free_s, time.monotonic()) + len(piece) / self._bytes_per_s
                    self._line.append((free_s + self._one_way_s, piece))
                self._under_way += len(data)
                self._changed.notify()

    def _read_once(self, timeout_s: float) -> int:
        end = time.monotonic() + max(0.0, timeout_s)
        with self._changed:
            while not self._line or self._line[0][0] > time.monotonic():
                left = min(end, self._line[0][0] if self._line else end) - time.monotonic()
                if left <= 0:
                    return 0
                self._changed.wait(left)
            _, piece = self._line.popleft()
            self._under_way -= len(piece)
        self.received += len(piece)
        self.raw += piece
        self._stream.feed(piece)
        return len(piece)
