"""The emulator's one thread: it waits for bytes, orders and the next step, whichever is first."""

from __future__ import annotations

import os
import queue
import select
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, TypeVar

from drivers.emu.fault_socket import FaultServer
from drivers.emu.rig import Line, Rig

T = TypeVar("T")

TICK_S: Final = 0.01
"""Between slices of physics while nobody asks anything."""


class Loop:
    """Serves ports, fault socket and calls from other threads until told to end.

    Attributes:
        after_tick: Called with the time after each slice of physics.
    """

    def __init__(
        self, rig: Rig, faults: FaultServer | None, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self.rig = rig
        self.after_tick: Callable[[float], None] = lambda _now_s: None
        self._faults = faults
        self._now_s = now_s
        self._ended = False
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)

    def run(self) -> None:
        """Go on until ``end``."""
        tick_s = self._now_s()
        self.rig.begin(tick_s)
        while not self._ended:
            now_s = self._now_s()
            self._wait(min(tick_s, self._due_s(now_s)) - now_s)
            now_s = self._now_s()
            # What is due is handed over, and bytes have come, before the physics up to now is
            # computed: that goes on while an answer is on the wire.
            for line in self.rig.lines:
                _hand_over(line, now_s)
            came = [line.port.read() if line.port.listening else b"" for line in self.rig.lines]
            caught_up = self.rig.advance_to(now_s)
            for line, data in zip(self.rig.lines, came, strict=True):
                self._serve(line, data, now_s)
            self._run_calls()
            if now_s >= tick_s:
                tick_s = now_s + TICK_S if caught_up else now_s
                for line in self.rig.lines:
                    line.port.look()
                self.after_tick(now_s)

    def end(self) -> None:
        """Leave ``run`` soon; from a signal handler or another thread."""
        self._ended = True
        self._wake()

    def call(self, what: Callable[[], T]) -> T:
        """Run something on the loop's thread, between two steps; from any other thread."""
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(what())
            except Exception as error:
                future.set_exception(error)

        self._calls.put(run)
        self._wake()
        return future.result()

    def close(self) -> None:
        """Close what the loop itself opened, and the ports."""
        for line in self.rig.lines:
            line.port.close()
        if self._faults is not None:
            self._faults.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _due_s(self, now_s: float) -> float:
        due = [d for line in self.rig.lines if (d := line.bus.wire.due_s()) is not None]
        return min(due, default=now_s + TICK_S)

    def _wait(self, timeout_s: float) -> None:
        readers = [line.port.fd for line in self.rig.lines if line.port.listening]
        readers.append(self._wake_read)
        if self._faults is not None:
            readers += self._faults.fds()
        ready = select.select(readers, [], [], max(0.0, timeout_s))[0]
        if self._faults is not None:
            self._faults.serve(ready)
        if self._wake_read in ready:
            self._drain()

    def _serve(self, line: Line, data: bytes, now_s: float) -> None:
        if data:
            line.bus.heard(data, now_s, line.port.baud())
        _hand_over(line, self._now_s())

    def _run_calls(self) -> None:
        while True:
            try:
                call = self._calls.get_nowait()
            except queue.Empty:
                return
            call()

    def _wake(self) -> None:
        try:
            os.write(self._wake_write, b"x")
        except BlockingIOError:  # full: it will wake anyway
            return

    def _drain(self) -> None:
        try:
            os.read(self._wake_read, 4096)
        except BlockingIOError:
            return


def _hand_over(line: Line, now_s: float) -> None:
    out = line.bus.wire.deliver(now_s)
    if out:
        line.port.write(out)
