"""Figures of the cell host: loop, watchdog, stop, round trips, hostile clients. Real processes.

``python -m tests.bench host`` for all of it, ``python -m tests.bench host kills stop`` for parts.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from drivers.client import CellClient, StopClient, hold_now
from drivers.spawn import RunningHost, ensure_host, running_host
from drivers.types import CellStatus
from tests.bench import (
    client_losses,
    emulated_host,
    hostile_host,
    loop_lateness,
    pure_core,
    round_trips,
    stop_flood,
)
from tests.bench.client_losses import spread, until
from tests.bench.figure import Figure, at_most

CELL = Path(__file__).parents[1] / "drivers" / "kinematic.toml"
COMMAND = 'make bench ARGS="host commands"'


@contextmanager
def kinematic_host() -> Iterator[tuple[Path, RunningHost]]:
    """A host that simulates next to nothing, and its runtime folder; both end with the block."""
    runtime = Path(tempfile.mkdtemp(prefix="cells"))
    host = ensure_host(CELL, "bench", "bench", runtime)
    try:
        yield runtime, host
    finally:
        os.kill(host.pid, signal.SIGTERM)
        until(lambda: running_host("bench", runtime) is None, "the host ends")
        shutil.rmtree(runtime, ignore_errors=True)


def kills() -> list[Figure]:
    with kinematic_host() as (runtime, _):
        return client_losses.figures(runtime)


def stop() -> list[Figure]:
    with kinematic_host() as (runtime, _):
        return stop_flood.figures(runtime)


def commands() -> list[Figure]:
    with kinematic_host() as (runtime, host):
        return [apart(host), *command_round_trips(runtime), *hold_as_a_process(runtime)]


def bus() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="cells") as runtime:
        return emulated_host.figures(Path(runtime))


def hostile() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="cells") as runtime:
        return hostile_host.figures(Path(runtime))


PARTS: dict[str, Callable[[], list[Figure]]] = {
    "core": pure_core.figures,
    "loop": loop_lateness.figures,
    "echo": round_trips.figures,
    "kills": kills,
    "stop": stop,
    "commands": commands,
    "bus": bus,
    "hostile": hostile,
}


def figures() -> list[Figure]:
    return [figure for part in PARTS.values() for figure in part()]


def apart(host: RunningHost) -> Figure:
    """A loop that shares an interpreter with a screen or a program stalls with it."""
    ours, its = (os.getpid(), os.getsid(0)), (host.pid, os.getsid(host.pid))
    own = all(a != b for a, b in zip(ours, its, strict=True))
    return Figure(
        "control loop in a process and a session of its own",
        "always",
        "yes" if own else "no",
        COMMAND,
        "yes" if own else "no",
    )


def command_round_trips(runtime: Path) -> list[Figure]:
    client = CellClient("bench", who="bench", runtime=runtime)
    took_us = []
    for _ in range(300):
        begun = time.perf_counter()
        client.ticks()
        took_us.append(1e6 * (time.perf_counter() - begun))
        time.sleep(0.006)
    status = client.status()
    fresh, kept = [], []
    keeper = StopClient("bench", "bench", runtime=runtime)
    for n in range(40):
        client.resume("bench")
        until(lambda: not client.status().held, "resumed")
        if n % 2:
            kept.append(keeper.hold("x", 1.0))
        else:
            fresh.append(hold_now("bench", "bench", "x", runtime, 1.0))
    keeper.close()
    client.resume("bench")
    client.close()
    return [
        Figure("PING round trip, ipc", "-", spread(took_us, "us"), COMMAND),
        Figure(
            "host loop while asked",
            "100 Hz",
            f"{status.loop_hz:.1f} Hz, {status.overruns} of {client_ticks(status)} late, "
            f"real-time priority {'yes' if status.realtime else 'no'} (in STATE)",
            COMMAND,
        ),
        Figure(
            "hold_now, connection made for it",
            "<= 150 ms",
            spread(fresh, "ms", 1),
            COMMAND,
            at_most(150.0, max(fresh)),
        ),
        Figure(
            "HOLD sent to HOLD in force (next tick), connected",
            "<= 1 period + 10 ms",
            spread(kept, "ms", 1),
            COMMAND,
            at_most(20.0, max(kept)),
        ),
    ]


def client_ticks(status: CellStatus) -> int:
    """Control periods since the host of a kinematic cell began."""
    return round(status.t_s * 100.0)


def hold_as_a_process(runtime: Path) -> list[Figure]:
    """``aspire-tui cell hold`` from the start of the process to its end."""
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(runtime)}
    (runtime / "aspire").mkdir(mode=0o700, exist_ok=True)
    (runtime / "aspire" / "cell-bench").symlink_to(runtime / "cell-bench")
    command = [str(Path(sys.executable).parent / "aspire-tui"), "cell", "hold", "bench"]
    found = [_hold_process("", command, environment)]
    chrt = shutil.which("chrt")
    if chrt is not None:
        ahead = [chrt, "--fifo", "10", *command]
        found.append(_hold_process(", ahead of other load", ahead, environment))
    return found


def _hold_process(how: str, command: list[str], environment: dict[str, str]) -> Figure:
    took_ms, cpu_ms = [], []
    for _ in range(30):
        begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
        took_ms.append(1e3 * (time.monotonic() - begun))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        cpu_ms.append(1e3 * cpu)
        time.sleep(0.02)
    load = os.getloadavg()[0]
    return Figure(
        f"`aspire-tui cell hold`, whole process{how}",
        "<= 150 ms",
        f"{spread(took_ms, 'ms')}; CPU median {statistics.median(cpu_ms):.0f} ms; load {load:.1f}",
        COMMAND,
        at_most(150.0, max(took_ms)),
    )
