"""Owners of a moving cell that are killed, or stopped for good; part of ``bench_host``."""

from __future__ import annotations

import os
import random
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "drivers"))

from stand import smooth  # noqa: E402

from drivers.client import CellClient  # noqa: E402
from drivers.lease import WATCHDOG_S  # noqa: E402
from tests.bench.figure import Figure, at_most  # noqa: E402

COMMAND = 'make bench ARGS="host kills"'
RUNS = 50
SWEEP_S = 20.0


def figures(runtime: Path) -> list[Figure]:
    with nursery(runtime) as fork:
        return [client_lost(runtime, how, fork) for how in (signal.SIGKILL, signal.SIGSTOP)]


def client_lost(runtime: Path, how: signal.Signals, fork: Callable[[], int]) -> Figure:
    """From the signal to HOLD in force, by the host's own clock, while the arm moves."""
    watch = CellClient("bench", role="operator", who="bench", runtime=runtime)
    rng = random.Random(50)
    took_ms = []
    for _ in range(RUNS):
        owner = fork()
        until(lambda: watch.status().state == "RUN", "the owner moves the arm")
        # Anywhere between two heartbeats, and while the arm is fast.
        time.sleep(rng.uniform(0.1, 0.15))
        lost_s = watch.now_s()
        os.kill(owner, how)
        until(lambda: watch.status().held, "HOLD")
        took_ms.append(1e3 * (watch.status().since_s - lost_s))
        if how != signal.SIGKILL:
            os.kill(owner, signal.SIGKILL)
        take_over(runtime)
    watch.close()
    limit = 1e3 * WATCHDOG_S + 30.0
    return Figure(
        f"client {how.name} to HOLD, arm moving",
        f"<= watchdog + 30 = {limit:.0f} ms",
        f"{sum(ms <= limit for ms in took_ms)}/{RUNS}; {spread(took_ms, 'ms')}",
        COMMAND,
        at_most(limit, max(took_ms)),
    )


def take_over(runtime: Path) -> None:
    """What the lost client had begun is ended, and the cell is free: a lease need not run out."""
    keeper = CellClient("bench", role="operator", who="bench", runtime=runtime)
    keeper.take_control("bench")
    keeper.abort("bench")
    until(lambda: max(map(abs, keeper.status().arms[0].dq_rad_s)) < 0.01, "it stands")
    keeper.resume("bench")
    until(lambda: not keeper.status().held, "resumed")
    keeper.close()


@contextmanager
def nursery(runtime: Path) -> Iterator[Callable[[], int]]:
    """Forks owners that sweep until they are lost, from one process that has imported all of it."""
    command = [sys.executable, "-m", "tests.bench.client_losses", str(runtime)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None
    ask, told = process.stdin, process.stdout

    def fork() -> int:
        ask.write("\n")
        ask.flush()
        return int(told.readline())

    try:
        yield fork
    finally:
        ask.close()
        process.wait(20)


def sweep(runtime: Path) -> None:
    """One owner's life: it moves the arm, and does not end by itself."""
    client = CellClient("bench", who="doomed", runtime=runtime)
    held = list(client.status().arms[0].q_cmd_rad)
    goal = [-1.0 if held[0] > 0 else 1.0, *held[1:]]
    client.execute("left", smooth(held, goal, SWEEP_S))


def spread(values: Sequence[float], unit: str, digits: int = 0) -> str:
    middle, worst = statistics.median(values), max(values)
    return f"median {middle:.{digits}f}, worst {worst:.{digits}f} {unit}, n={len(values)}"


def until(true: Callable[[], object], what: str, within_s: float = 20.0) -> None:
    end = time.monotonic() + within_s
    while not true():
        if time.monotonic() > end:
            raise SystemExit(f"never: {what}")
        time.sleep(0.001)


def main(runtime: Path) -> None:
    """The nursery itself: no socket and no thread here, so that a fork has none to share."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            sweep(runtime)
            os._exit(0)
        print(child, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
