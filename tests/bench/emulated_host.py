"""Figures of a host whose arm is real driver code on an emulated bus; part of ``bench_host``."""

from __future__ import annotations

import contextlib
import math
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from drivers.cellfile import load_cell
from drivers.client import CellClient
from drivers.core import CellCore
from drivers.devices import open_device
from drivers.emu.fault_socket import FaultClient
from drivers.errors import CellFault, CellRefused
from drivers.spawn import ensure_host, running_host
from drivers.types import Trajectory
from tests.bench.figure import Figure, at_most
from tests.drivers.hosts import two_armed_cell

COMMAND = 'make bench ARGS="host bus"'
SHIPPED = Path(__file__).resolve().parents[2] / "drivers" / "cells" / "so101-emulated.toml"
HOSTILE_COMMANDS = 100_000
PER_TICK = 40
TICK_RAD = 2.0 * math.pi / 4096
UNPLUGS = 10
SWEEP_S = 6.0


def until(true, within_s: float = 30.0) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + within_s
    while not true():
        if time.monotonic() > end:
            raise SystemExit("the bench waited for something that never came")
        time.sleep(0.002)


@contextlib.contextmanager
def emulator(folder: Path, cell: Path = SHIPPED) -> Iterator[FaultClient]:
    """The emulator alone, without a host; ends with the block."""
    read_fd, write_fd = os.pipe()
    command = [sys.executable, "-m", "drivers.emu", str(cell), "--run-dir", str(folder)]
    process = subprocess.Popen([*command, "--ready-fd", str(write_fd)], pass_fds=(write_fd,))
    os.close(write_fd)
    with os.fdopen(read_fd, "rb") as ready:
        ready.readline()
    try:
        with FaultClient(folder / "fault.sock") as faults:
            yield faults
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def hostile_at_the_bus() -> list[Figure]:
    """Random commands, sane and not, at the core; judged in the emulator's register log."""
    cell = load_cell(SHIPPED)
    spec = cell.info.arms[0]
    rng = random.Random(11)
    with tempfile.TemporaryDirectory(prefix="emu") as name, emulator(Path(name)) as faults:
        driver = open_device(cell.devices[0], spec, cell, str(Path(name) / "bus0"))
        core = CellCore(cell.info, {spec.name: driver}, time.monotonic)
        core.open()
        if core.status().state == "LIMP":
            core.enable("bench")
        faults.ask(do="goals_clear")
        due, sent, refused = time.monotonic(), 0, 0
        while sent < HOSTILE_COMMANDS:
            for _ in range(PER_TICK):
                try:
                    command_something(core, spec.name, rng, sent)
                except (CellRefused, CellFault):
                    refused += 1
                sent += 1
            core.tick()
            due = max(due + 0.01, time.monotonic() - 0.01)
            time.sleep(max(0.0, due - time.monotonic()))
        log = faults.ask(do="goals", newest=0)["arms"][spec.name]["servos"]
        wiring = driver.wiring  # type: ignore[attr-defined]
        outside = goals = 0
        for joint, mapping, servo in zip(spec.joints, wiring.joints, wiring.ids, strict=False):
            count = log.get(str(servo))
            if count is None:
                continue
            goals += count["goals"]
            ends = sorted(mapping.rad(count[key]) for key in ("lowest", "highest"))
            beyond = ends[0] < joint.lo_rad - TICK_RAD or ends[1] > joint.hi_rad + TICK_RAD
            outside += count["outside"] + beyond
        stops = sum(event.code == "pstop" for event in core.events(0))
        core.close()
    text = (
        f"{outside} of {goals:,} goals; {sent:,} commands, {refused:,} refused, "
        f"{stops} protective stops"
    )
    return [
        Figure(
            "hostile commands, goals outside limits in the register log",
            "0 of 10^5",
            text,
            COMMAND,
            at_most(0.0, outside),
        )
    ]


def command_something(core: CellCore, arm: str, rng: random.Random, n: int) -> None:
    spec, held = core.info.arms[0], list(core.status().arms[0].q_cmd_rad)
    wild = [rng.choice([q, rng.uniform(-4.0, 4.0), math.nan, math.inf]) for q in held]
    near = [q + rng.uniform(-0.1, 0.1) for q in held]
    match rng.randrange(12):
        case 0:
            core.start_trajectory(arm, line(held, wild, rng.uniform(0.05, 2.0)), "bench")
        case 1:
            core.start_trajectory(arm, line(held, near, rng.uniform(0.3, 1.0)), "bench")
        case 2:
            core.manual.setpoint(arm, n, tuple(wild), None, None, 0.2, "bench")
        case 3 | 4:
            core.manual.setpoint(arm, n, tuple(near), None, None, 0.2, "bench")
        case 5:
            dq = tuple(rng.uniform(-5.0, 5.0) for _ in held)
            core.manual.setpoint(arm, n, None, dq, rng.uniform(-0.1, 0.2), 0.2, "bench")
        case 6:
            joint = rng.choice(spec.joints).name
            core.manual.jog_joint(arm, joint, rng.uniform(-0.3, 0.3), 0.5, "bench")
        case 7:
            width = rng.uniform(-0.05, 0.15)
            core.start_grip(arm, width, rng.uniform(-5.0, 50.0), None, "bench")
        case 8 if rng.random() < 0.05:
            core.hold("bench", "bench")
        case 9 | 10:
            if core.status().state == "PSTOP":
                core.ack_stop("bench")
            else:
                core.resume("bench")
        case 11 if rng.random() < 0.1:
            core.abort("bench")


def line(start: list[float], end: list[float], duration_s: float) -> Trajectory:
    """Rest to rest along a quintic; values may be anything."""
    u = np.linspace(0.0, 1.0, 30)[:, None]
    share, slope = u**3 * (10 - 15 * u + 6 * u**2), 30 * u**2 * (1 - u) ** 2 / duration_s
    with np.errstate(invalid="ignore"):
        way = np.array(end) - np.array(start)
        return Trajectory(u[:, 0] * duration_s, np.array(start) + share * way, slope * way)


def stale_goal() -> list[Figure]:
    """The arm lies at rest without torque, goals from earlier in its registers; then ENABLE."""
    with tempfile.TemporaryDirectory(prefix="emu") as name:
        folder = Path(name)
        shutil.copy(SHIPPED.with_suffix(".json"), folder)
        resting = folder / SHIPPED.name
        resting.write_text(SHIPPED.read_text().replace('start = "holding"', 'start = "resting"'))
        cell = load_cell(resting)
        spec = cell.info.arms[0]
        with emulator(folder, resting) as faults:
            driver = open_device(cell.devices[0], spec, cell, str(folder / "bus0"))
            faults.inject("stale_goal", ticks=3000.0)
            faults.inject("torque", value=0.0)
            core = CellCore(cell.info, {spec.name: driver}, time.monotonic)
            core.open()
            while core.status().state == "FAULT":  # A busy computer makes the bus look slow.
                core.clear_fault("bench")
            before = core.status().state
            seen: list[dict[str, float]] = [settled(faults, spec.name)]
            core.enable("bench")
            for _ in range(100):
                core.tick()
                seen.append(positions(faults, spec.name))
                time.sleep(0.01)
            after = core.status().state
            core.close()
    moved = max(abs(row[servo] - seen[0][servo]) for row in seen for servo in seen[0])
    return [
        Figure(
            "motion on enable with a stale goal",
            "<= 2 ticks",
            f"{moved:.1f} ticks; {before} to {after}",
            COMMAND,
            at_most(2.0, moved),
        )
    ]


def settled(faults: FaultClient, arm: str) -> dict[str, float]:
    """Positions once the arm without torque has come to lie still."""
    before = positions(faults, arm)
    while True:
        time.sleep(0.3)
        now = positions(faults, arm)
        if max(abs(now[servo] - before[servo]) for servo in now) < 0.1:
            return now
        before = now


def positions(faults: FaultClient, arm: str) -> dict[str, float]:
    servos = faults.ask(do="state")["arms"][arm]["servos"]
    return {str(servo["id"]): servo["present"] for servo in servos}


def unplug_to_lost(runtime: Path) -> list[Figure]:
    """The plug is pulled in the middle of a motion, and put in again."""
    host = ensure_host(SHIPPED, "emu", "bench", runtime, timeout_s=60.0)
    took_ms, after = [], set()
    try:
        client = CellClient("emu", who="bench", runtime=runtime)
        arm = client.info.arms[0].name
        until(lambda: client.status().state == "HOLD")
        with FaultClient(host.paths.folder / "fault.sock") as faults:
            for n in range(UNPLUGS):
                client.jog(arm, 0.1 if n % 2 else -0.1, joint=client.info.arms[0].joints[0].name)
                until(lambda: client.status().state == "RUN")
                pulled_s = time.monotonic()
                faults.inject("unplug")
                until(lambda: client.status().state == "LOST")
                lost = [e for e in client.events() if e.state == "LOST" and e.t_s > pulled_s - 0.1]
                took_ms.append(1e3 * (lost[0].t_s - pulled_s))
                faults.inject("replug")
                until(lambda: client.status().state not in ("LOST", "CHECK"))
                after.add(client.status().state)
                client.ack_stop("bench")
                until(lambda: client.status().state == "HOLD")
        client.close()
    finally:
        os.kill(host.pid, signal.SIGTERM)
        until(lambda: running_host("emu", runtime) is None)
    return [
        Figure(
            "USB unplugged in motion to LOST",
            "<= 100 ms",
            f"median {statistics.median(took_ms):.0f}, worst {max(took_ms):.0f} ms, n={UNPLUGS}; "
            f"back in {'/'.join(sorted(after))}",
            COMMAND,
            at_most(100.0, max(took_ms)),
        )
    ]


def two_buses(runtime: Path) -> list[Figure]:
    """Two arms, each on a line that takes a third of a control period, moving at once."""
    with tempfile.TemporaryDirectory(prefix="two") as folder:
        host = ensure_host(two_armed_cell(Path(folder)), "two", "bench", runtime, timeout_s=60.0)
        try:
            client = CellClient("two", who="bench", runtime=runtime)
            until(lambda: client.status().state == "HOLD")
            client.set_speed(1.0, "bench")
            ticks, began_s, before = client.ticks(), time.monotonic(), client.status()
            held = {a.name: s.q_cmd_rad for a, s in zip(client.info.arms, before.arms, strict=True)}
            ways = {n: line(list(q), [q[0] + 0.3, *q[1:]], SWEEP_S) for n, q in held.items()}
            ended = {report.status for report in client.execute_together(ways).values()}
            hz = (client.ticks() - ticks) / (time.monotonic() - began_s)
            ages_ms = [1e3 * max(sample.age_s) for sample in client.status().arms]
            client.close()
        finally:
            os.kill(host.pid, signal.SIGTERM)
            until(lambda: running_host("two", runtime) is None)
    return [
        Figure(
            "two serial arms in one loop, moving at once",
            ">= 99 Hz, both OK",
            f"{hz:.1f} Hz, {'/'.join(sorted(ended))}; readings {max(ages_ms):.0f} ms old at most",
            COMMAND,
            "yes" if hz >= 99.0 and ended == {"OK"} else "no",
        )
    ]


def figures(runtime: Path) -> list[Figure]:
    return [
        *hostile_at_the_bus(),
        *stale_goal(),
        *unplug_to_lost(runtime),
        *two_buses(runtime),
    ]
