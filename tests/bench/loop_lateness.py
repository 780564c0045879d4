"""How late the loop of a cell host wakes, idle and with two CPU hogs; part of ``bench_host``."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "drivers"))

from stand import Stand  # noqa: E402

from drivers.loop import FixedRateLoop, claim_realtime, settle_memory  # noqa: E402
from tests.bench.figure import Figure  # noqa: E402

COMMAND = 'make bench ARGS="host loop"'
TICKS = 1000


def figures() -> list[Figure]:
    return [loop_lateness(realtime, hogs) for hogs in (0, 2) for realtime in (False, True)]


def loop_lateness(realtime: bool, hogs: int = 0) -> Figure:
    """How late ticks begin; with ``hogs`` other processes that never rest."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(hogs)]
    try:
        return _loop_lateness(realtime, hogs)
    finally:
        for hog in busy:
            hog.kill()
            hog.wait()


def _loop_lateness(realtime: bool, hogs: int) -> Figure:
    stand = Stand()
    stand.core.open()

    def rest(until_s: float) -> None:
        time.sleep(max(0.0, until_s - time.monotonic()))

    loop = FixedRateLoop(lambda: 0.01, stand.step, rest)
    late_s = loop.lateness_s = []
    settle_memory()
    granted = realtime and claim_realtime()
    loop.run(lambda: loop.ticks >= TICKS)
    if granted:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    late_ms = sorted(1e3 * s for s in late_s)
    p99 = late_ms[int(0.99 * len(late_ms))]
    missed = loop.overruns / loop.ticks
    kind = "SCHED_FIFO" if granted else "FIFO refused" if realtime else "ordinary"
    return Figure(
        f"loop lateness at 100 Hz, {kind}" + (f", {hogs} CPU hogs" if hogs else ""),
        "-" if hogs else "p99 <= 3 ms, missed <= 0.5 %",
        f"p50 {statistics.median(late_ms):.2f}, p99 {p99:.2f} ms, missed {missed:.1%}, n={TICKS}",
        COMMAND,
        "-" if hogs else "yes" if p99 <= 3.0 and missed <= 0.005 else "no",
    )
