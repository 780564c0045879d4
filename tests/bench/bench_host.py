"""Figures of the cell host: watchdog, stop, loop, round trips. Kinematic world, real processes."""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import random
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import zmq

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "drivers"))

from stand import Stand, smooth  # noqa: E402

from drivers.address import local  # noqa: E402
from drivers.client import CellClient, StopClient, hold_now  # noqa: E402
from drivers.errors import CellRefused  # noqa: E402
from drivers.lease import WATCHDOG_S  # noqa: E402
from drivers.loop import FixedRateLoop, claim_realtime, settle_memory  # noqa: E402
from drivers.safety import VELOCITY_MARGIN  # noqa: E402
from drivers.spawn import ensure_host, running_host  # noqa: E402
from drivers.types import CellStatus  # noqa: E402
from drivers.wire import Ping, Request, encode  # noqa: E402
from tests.bench import emulated_host  # noqa: E402
from tests.bench import round_trips as echoes  # noqa: E402
from tests.bench.figure import Figure, at_most  # noqa: E402
from tests.bench.hostile_host import hostile_through_sockets  # noqa: E402

CELL = HERE.parent / "drivers" / "kinematic.toml"

OWNER = """
import sys
sys.path[:0] = sys.argv[1:3]
from pathlib import Path
from stand import smooth
from drivers.client import CellClient
client = CellClient("bench", who="doomed", runtime=Path(sys.argv[3]))
held = list(client.status().arms[0].q_cmd_rad)
goal = [-1.0 if held[0] > 0 else 1.0, *held[1:]]
client.execute("left", smooth(held, goal, 20.0))
"""


COMMAND = 'make bench ARGS="host"'
RUNS = 50


def spread(values: Sequence[float], unit: str, digits: int = 0) -> str:
    middle, worst = statistics.median(values), max(values)
    return f"median {middle:.{digits}f}, worst {worst:.{digits}f} {unit}, n={len(values)}"


def until(true: Callable[[], bool], within_s: float = 20.0) -> None:
    end = time.monotonic() + within_s
    while not true():
        if time.monotonic() > end:
            raise SystemExit("the bench waited for something that never came")
        time.sleep(0.001)


def client_lost(runtime: Path, how: signal.Signals) -> Figure:
    """The owner of a moving cell is killed, or stopped for good."""
    watch = CellClient("bench", role="operator", who="bench", runtime=runtime)
    took_ms = []
    for _ in range(RUNS):
        command = [sys.executable, "-c", OWNER, str(HERE.parent / "drivers")]
        owner = subprocess.Popen([*command, str(HERE.parents[1]), str(runtime)])
        until(lambda: watch.status().state == "RUN")
        time.sleep(0.1)
        lost_s = watch.now_s()
        owner.send_signal(how)
        until(lambda: watch.status().held)
        took_ms.append(1e3 * (watch.status().since_s - lost_s))
        owner.kill()
        owner.wait()
        until(lambda: watch.status().lease is None)
        watch.resume("bench")
    watch.close()
    limit = 1e3 * WATCHDOG_S + 30.0
    return Figure(
        f"client {how.name} to HOLD",
        f"<= watchdog + 30 = {limit:.0f} ms",
        f"{sum(ms <= limit for ms in took_ms)}/{RUNS}; {spread(took_ms, 'ms')}",
        COMMAND,
        at_most(limit, max(took_ms)),
    )


def flood(endpoint: str, stop: threading.Event, sent: list[int]) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.connect(endpoint)
    raw = encode(Request("f", "viewer", "mallory", Ping()))
    begun, n = time.monotonic(), 0
    while not stop.is_set():
        with contextlib.suppress(zmq.Again):
            socket.send(raw, zmq.NOBLOCK)
            n += 1
            while True:
                socket.recv(zmq.NOBLOCK)
        if n % 20 == 0:
            # 10 kHz, in bursts that a sleep can resolve.
            time.sleep(max(0.0, begun + n / 10_000 - time.monotonic()))
    sent.append(int(n / (time.monotonic() - begun)))
    context.destroy(0)


class Moved(NamedTuple):
    """One stop of a moving arm, milliseconds since it was asked for."""

    confirmed_ms: float
    slowing_ms: float
    frozen_ms: float


def stop_once(client: CellClient, runtime: Path) -> Moved:
    held = list(client.status().arms[0].q_cmd_rad)
    goal = [-1.0 if held[0] > 0 else 1.0, *held[1:]]
    mover = threading.Thread(target=lambda: client.execute("left", smooth(held, goal, 8.0)))
    mover.start()
    until(lambda: client.status().state == "RUN")
    time.sleep(0.6)
    asked_s = client.now_s()
    confirmed_ms = hold_now("bench", "bench", "flooded", runtime, 2.0)
    until(lambda: client.now_s() > asked_s + 0.5)
    log = client.samples("left", asked_s - 0.1)
    commanded = log.q_cmd_rad[:, 0]
    steps = [abs(b - a) for a, b in itertools.pairwise(commanded)]
    slow_s = next(t for t, s in zip(log.t_s[1:], steps, strict=True) if s < 0.9 * steps[0])
    still_s = next(t for t, s in zip(log.t_s[1:], steps, strict=True) if s == 0.0)
    client.abort("bench")
    mover.join()
    client.resume("bench")
    until(lambda: not client.status().held)
    return Moved(confirmed_ms, 1e3 * (slow_s - asked_s), 1e3 * (still_s - asked_s))


def stop_under_flood(runtime: Path) -> list[Figure]:
    client = CellClient("bench", who="bench", runtime=runtime)
    stop, sent = threading.Event(), []
    thread = threading.Thread(target=flood, args=(local("bench", runtime).ctl, stop, sent))
    thread.start()
    moved = [stop_once(client, runtime) for _ in range(10)]
    stop.set()
    thread.join()
    client.close()
    rate = f"flood {sent[0] / 1000:.0f} kHz"
    named = (
        ("STOP confirmed", [m.confirmed_ms for m in moved], 50.0),
        # What the goal of 50 ms is about: from then on the arm is being stopped.
        ("STOP to goals slowing down", [m.slowing_ms for m in moved], 50.0),
        # A moving arm needs its braking time on top: speed over acceleration.
        ("STOP to goals frozen, braking included", [m.frozen_ms for m in moved], None),
    )
    return [
        Figure(
            f"{name}, {rate}",
            "-" if limit is None else f"<= {limit:.0f} ms",
            spread(values, "ms"),
            COMMAND,
            "-" if limit is None else at_most(limit, max(values)),
        )
        for name, values, limit in named
    ]


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
    loop.run(lambda: loop.ticks >= 1000)
    if granted:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    late_ms = sorted(1e3 * s for s in late_s)
    p99 = late_ms[int(0.99 * len(late_ms))]
    missed = loop.overruns / loop.ticks
    kind = "SCHED_FIFO" if granted else "FIFO refused" if realtime else "ordinary"
    return Figure(
        f"loop lateness at 100 Hz, {kind}" + (f", {hogs} CPU hogs" if hogs else ""),
        "-" if hogs else "p99 <= 3 ms, missed <= 0.5 %",
        f"p50 {statistics.median(late_ms):.2f}, p99 {p99:.2f} ms, missed {missed:.1%}, n=1000",
        COMMAND,
        "-" if hogs else "yes" if p99 <= 3.0 and missed <= 0.005 else "no",
    )


def round_trips(runtime: Path) -> list[Figure]:
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
        until(lambda: not client.status().held)
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
            f"{status.loop_hz:.1f} Hz, {status.overruns} of {client_ticks(status)} late",
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


def core_tick() -> Figure:
    stand = Stand()
    stand.core.open()
    stand.core.start_trajectory("left", smooth([0.0] * 3, [1.0, 0.5, -0.5], 60.0), "bench")
    begun = time.process_time()
    stand.step(5000)
    took_us = 1e6 * (time.process_time() - begun) / 5000
    return Figure(
        "core tick while moving, 3 joints",
        "<= 100 us",
        f"mean {took_us:.0f} us, n=5000",
        COMMAND,
        at_most(100.0, took_us),
    )


def goals_outside(commands: int = 100_000) -> Figure:
    """Random commands, sane and not, against an arm that is pushed, blocked and silent at times."""
    rng = random.Random(7)
    stand = Stand()
    stand.core.open()
    for n in range(commands):
        command_something(stand, rng)
        stand.step()
        if n % 1000 == 999 and stand.core.status().state in ("PSTOP", "LOST"):
            stand.arm.silent = False
            stand.step(80)
            with contextlib.suppress(CellRefused):
                stand.core.ack_stop("bench")
    outside = 0
    for before, row in itertools.pairwise(stand.arm.written):
        for i, joint in enumerate(stand.arm.spec.joints):
            fast = abs(row[i] - before[i]) > joint.vmax_rad_s * VELOCITY_MARGIN * 0.01 + 1e-9
            outside += fast or not joint.lo_rad <= row[i] <= joint.hi_rad
    return Figure(
        "goals outside limits written, random commands",
        "0 of 100,000",
        f"{outside} of {len(stand.arm.written):,} written, {commands:,} commands",
        COMMAND,
        at_most(0.0, outside),
    )


def command_something(stand: Stand, rng: random.Random) -> None:
    core, arm = stand.core, stand.arm
    kind = rng.randrange(20)
    held = list(core.status().arms[0].q_cmd_rad)
    with contextlib.suppress(CellRefused):
        if kind < 4:
            goal = [rng.choice([q, rng.uniform(-2.0, 2.0), math.nan]) for q in held]
            core.start_trajectory("left", smooth(held, goal, rng.uniform(0.1, 2.0)), "bench")
        elif kind < 6:
            core.start_grip("left", rng.uniform(-0.05, 0.15), rng.uniform(-5, 50), None, "bench")
        elif kind < 8:
            core.hold("bench", "bench")
        elif kind < 12:
            core.resume("bench")
        elif kind == 12:
            core.abort("bench")
        elif kind == 13:
            core.set_speed(rng.uniform(-1.0, 2.0), "bench")
        elif kind == 14:
            arm.walls = {rng.randrange(3): rng.uniform(-1.0, 1.0)}
        elif kind == 15:
            arm.walls = {}
        elif kind == 16 and rng.random() < 0.2:
            arm.q_rad[rng.randrange(3)] += rng.uniform(-0.3, 0.3)
        elif kind == 17 and rng.random() < 0.2:
            arm.silent = not arm.silent
        else:
            core.ack_stop("bench")


def step_after_resume() -> Figure:
    """Held and resumed in mid-sweep, the arm pushed aside meanwhile: the largest step of a goal."""
    worst, normal = 0.0, 0.0
    for n in range(20):
        stand = Stand()
        stand.core.open()
        ticket = stand.core.start_trajectory("left", smooth([0.0] * 3, [1.2, 0.5, -0.5], 1.5), "x")
        stand.step(30 + 4 * n)
        stand.core.hold("bench", "bench")
        stand.step(60)
        rows = len(stand.arm.written)
        stand.arm.q_rad[0] += 0.1 * math.sin(n)
        stand.step(1)
        stand.core.resume("bench")
        stand.finish(ticket)
        steps = [
            max(abs(b - a) for a, b in zip(before, after, strict=True))
            for before, after in itertools.pairwise(stand.arm.written)
        ]
        normal, worst = max(normal, *steps[: rows - 1]), max(worst, *steps[rows - 1 :])
    return Figure(
        "largest step after hold and resume in mid-sweep",
        "<= a normal one",
        f"{1e3 * worst:.1f} mrad; before the hold {1e3 * normal:.1f} mrad, n=20",
        COMMAND,
        at_most(1.001 * normal, worst),
    )


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


def figures() -> list[Figure]:
    runtime = Path(tempfile.mkdtemp(prefix="cells"))
    found = [
        core_tick(),
        goals_outside(),
        step_after_resume(),
        loop_lateness(realtime=False),
        loop_lateness(realtime=True),
        loop_lateness(realtime=False, hogs=2),
        loop_lateness(realtime=True, hogs=2),
        *echoes.figures(),
        *emulated_host.figures(runtime),
        *hostile_through_sockets(runtime),
    ]
    host = ensure_host(CELL, "bench", "bench", runtime)
    try:
        found += round_trips(runtime)
        found += stop_under_flood(runtime)
        found += [client_lost(runtime, how) for how in (signal.SIGKILL, signal.SIGSTOP)]
        found += hold_as_a_process(runtime)
    finally:
        os.kill(host.pid, signal.SIGTERM)
        until(lambda: running_host("bench", runtime) is None)
        shutil.rmtree(runtime, ignore_errors=True)
    return found
