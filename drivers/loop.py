"""The fixed-rate loop of a cell host: sleep until, tick, serve until the next tick is due."""

from __future__ import annotations

import contextlib
import gc
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

FIFO_PRIORITY: Final = 40
HZ_WINDOW: Final = 100


class FixedRateLoop:
    """Calls ``tick`` at a fixed rate; between ticks ``serve(until_s)`` has the time that is left.

    A late tick is counted and not made up for: the next one is due one period later.
    """

    def __init__(
        self,
        period_s: Callable[[], float],
        tick: Callable[[], None],
        serve: Callable[[float], None],
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """``period_s`` is asked before every tick; ``serve`` must return by ``until_s``."""
        self._period_s = period_s
        self._tick = tick
        self._serve = serve
        self._now_s = now_s
        self._due_s = 0.0
        self._window_s = 0.0
        self.ticks = 0
        self.overruns = 0
        """Ticks that began more than a whole period late."""
        self.hz = 0.0
        self.lateness_s: list[float] | None = None
        """Filled when a list is put here; for measurements."""

    def run(self, stopped: Callable[[], bool]) -> None:
        """Go on until ``stopped`` says so, asked once a tick."""
        self._due_s = self._window_s = self._now_s()
        while not stopped():
            self._serve(self._due_s)
            begun = self._now_s()
            period = self._period_s()
            late = begun - self._due_s
            if self.lateness_s is not None:
                self.lateness_s.append(late)
            self._tick()
            self.ticks += 1
            if late > period:
                self.overruns += 1
                self._due_s = begun
            self._due_s += period
            if self.ticks % HZ_WINDOW == 0:
                self.hz = HZ_WINDOW / max(begun - self._window_s, 1e-9)
                self._window_s = begun


def settle_memory() -> None:
    """Take what exists now out of the garbage collector's rounds, which would stall the loop."""
    gc.collect()
    gc.freeze()


def claim_realtime(priority: int = FIFO_PRIORITY) -> bool:
    """Ask for a real-time scheduling class for this process's threads; whether it was granted.

    For all of them, and those they start: one that has the interpreter's lock and waits for the
    processor stops the loop. Processes they start are to begin with :func:`as_usual`.
    """
    try:
        for thread in Path("/proc/self/task").iterdir():
            os.sched_setscheduler(int(thread.name), os.SCHED_FIFO, os.sched_param(priority))
    except (AttributeError, OSError):
        return False
    return True


def as_usual() -> None:
    """For a new process, before it begins: wait for the processor like everybody else."""
    with contextlib.suppress(AttributeError, OSError):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
