"""Figures of the serial arm: a six-servo bus on a pseudo-terminal, emulated by another process."""

from __future__ import annotations

import math
import statistics
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "drivers" / "feetech"))

from sts_process import EmulatedBus  # noqa: E402

from drivers.feetech.arm import FeetechArm  # noqa: E402
from drivers.loop import as_usual, claim_realtime  # noqa: E402
from tests.bench.figure import Figure, at_most  # noqa: E402

COMMAND = 'make bench ARGS="serial"'
WIRE_MS = 3.0
"""The goal of a cycle whose bytes take their time on the wire; what USB adds has none."""
CYCLES = 500
PERIOD_S = 0.01
ENABLES = 20
UNPLUGS = 10
TICK_RAD = 2.0 * math.pi / 4096.0


def figures() -> list[Figure]:
    return [
        *_cycle("bus and USB without delay", usb_latency_ms=0.0, wire_time=False),
        _cycle("wire at 1 Mbps", goal_ms=WIRE_MS, usb_latency_ms=0.0, wire_time=True)[0],
        _cycle("wire and 1 ms of USB", usb_latency_ms=1.0, wire_time=True)[0],
        *_as_a_host(),
        _stale_goal(),
        _unplug(),
    ]


def _cycle(name: str, goal_ms: float | None = None, **section: object) -> list[Figure]:
    """One control cycle: all telemetry read, all goals written; goals read back now and then. And
    what it costs the processor."""
    with tempfile.TemporaryDirectory() as folder:
        bus = EmulatedBus(Path(folder), **section)
        try:
            arm = _energised(bus)
            took_ms, cpu_ms, missed = _run(arm)
            rewritten = sum(arm.bus.counts(servo).missed for servo in arm.wiring.ids)
            arm.close()
        finally:
            bus.close()
    took_ms.sort()
    p50, p99 = statistics.median(took_ms), took_ms[int(0.99 * len(took_ms))]
    value = f"p50 {p50:.2f} ms, p99 {p99:.2f} ms, n={len(took_ms)}, {missed} without answer"
    goal = f"p50 ≤ {goal_ms:g} ms" if goal_ms is not None else "-"
    cpu = f"{cpu_ms:.2f} ms a cycle, {rewritten} answers lost"
    met = at_most(goal_ms, p50) if goal_ms is not None else "-"
    return [
        Figure(f"cycle of 6 servos: {name}", goal, value, COMMAND, met),
        Figure(
            "processor time of one cycle in the host", "≤ 1 ms", cpu, COMMAND, at_most(1.0, cpu_ms)
        ),
    ]


def _as_a_host() -> list[Figure]:
    """The same with the priority that every host of devices asks for."""
    if not claim_realtime():
        return []
    try:
        name = "wire and 1 ms of USB, SCHED_FIFO as in a host"
        return _cycle(name, usb_latency_ms=1.0, wire_time=True)[:1]
    finally:
        as_usual()


def _run(arm: FeetechArm) -> tuple[list[float], float, int]:
    start = arm.read(0.1)
    took_ms, missed, cpu_s = [], 0, 0.0
    due_s = time.monotonic()
    for n in range(CYCLES):
        swing = 0.2 * math.sin(0.02 * n)
        begun_s, before_s = time.monotonic(), time.process_time()
        try:
            arm.read(0.8 * PERIOD_S)
        except OSError:
            missed += 1
        # A servo that missed an answer makes the others wait, as it does in a host.
        with suppress(OSError):
            arm.write(tuple(q + swing for q in start.q_cmd_rad), start.width_cmd_m, 5.0)
        took_ms.append(1e3 * (time.monotonic() - begun_s))
        cpu_s += time.process_time() - before_s
        due_s = max(due_s + PERIOD_S, time.monotonic())
        time.sleep(due_s - time.monotonic() if due_s > time.monotonic() else 0.0)
    return took_ms, 1e3 * cpu_s / CYCLES, missed


def _stale_goal() -> Figure:
    """Switching on with another program's goals in the registers, as the emulator felt it."""
    worst = 0
    with tempfile.TemporaryDirectory() as folder:
        bus = EmulatedBus(Path(folder))
        try:
            arm = bus.arm()
            for n in range(ENABLES):
                bus.inject("torque", value=0)
                bus.inject("stale_goal", ticks=3500 if n % 2 else 500)
                arm.open()
                before = _angles(bus)
                arm.energise()
                until_s = time.monotonic() + 0.2
                while time.monotonic() < until_s:
                    moved = (abs(a - b) for a, b in zip(_angles(bus), before, strict=True))
                    worst = max(worst, round(max(moved) / TICK_RAD))
            arm.close()
        finally:
            bus.close()
    return Figure(
        "largest motion on enable with a stale goal",
        "≤ 2 ticks",
        f"{worst} ticks, n={ENABLES}, true angles of the emulator",
        COMMAND,
        at_most(2, worst),
    )


def _unplug() -> Figure:
    """From the plug coming out to the driver raising, reading every control period."""
    took_ms = []
    with tempfile.TemporaryDirectory() as folder:
        bus = EmulatedBus(Path(folder))
        try:
            arm = _energised(bus)
            for _ in range(UNPLUGS):
                arm.read(0.1)
                bus.inject("unplug")
                begun_s = time.monotonic()
                while True:
                    try:
                        arm.read(0.8 * PERIOD_S)
                        time.sleep(PERIOD_S)
                    except OSError:
                        break
                took_ms.append(1e3 * (time.monotonic() - begun_s))
                bus.inject("replug")
                arm.open()
            arm.close()
        finally:
            bus.close()
    worst = max(took_ms)
    return Figure(
        "unplug → the driver says so",
        "≤ 100 ms",
        f"worst {worst:.1f} ms, n={UNPLUGS}",
        COMMAND,
        at_most(100.0, worst),
    )


def _energised(bus: EmulatedBus) -> FeetechArm:
    arm = bus.arm()
    arm.open()
    arm.energise()
    return arm


def _angles(bus: EmulatedBus) -> list[float]:
    servos = bus.faults.ask(do="state")["arms"]["arm"]["servos"]
    return [servo["angle_rad"] for servo in servos]


if __name__ == "__main__":
    for figure in figures():
        print(figure)
