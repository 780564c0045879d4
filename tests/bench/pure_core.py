"""Figures of the pure core: one tick, one filter, random commands, hold and resume; no process.

Part of ``bench_host``.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import random
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "drivers"))

from stand import DT_S, Stand, arm_spec, cell_info, smooth  # noqa: E402

from drivers.errors import CellRefused  # noqa: E402
from drivers.gate import SetpointGate  # noqa: E402
from drivers.safety import VELOCITY_MARGIN  # noqa: E402
from tests.bench.figure import Figure, at_most  # noqa: E402

COMMAND = 'make bench ARGS="host core"'
JOINTS = 7


def figures() -> list[Figure]:
    return [gate_step(), core_tick(), goals_outside(), step_after_resume()]


def gate_step() -> Figure:
    """Position, speed and acceleration of seven joints, held to by the last gate: both its ways."""
    gate = SetpointGate(arm_spec(joints=JOINTS), DT_S, (0.0,) * JOINTS)
    # Half of the targets may be taken as they are, half are too far away and are limited.
    targets = [
        tuple(
            (0.4 if n % 400 < 200 else 0.4 + 0.001 * k) * math.sin(0.01 * n) for k in range(JOINTS)
        )
        for n in range(20_000)
    ]
    begun = time.process_time()
    for target in targets:
        gate.step(target)
    took_us = 1e6 * (time.process_time() - begun) / len(targets)
    return Figure(
        f"filter of position, speed, acceleration, {JOINTS} joints",
        "<= 100 us",
        f"mean {took_us:.0f} us, n={len(targets)}",
        COMMAND,
        at_most(100.0, took_us),
    )


def core_tick() -> Figure:
    stand = Stand(cell_info(arm_spec(joints=JOINTS)))
    stand.core.open()
    away = [1.0 - 0.2 * n for n in range(JOINTS)]
    stand.core.start_trajectory("left", smooth([0.0] * JOINTS, away, 60.0), "bench")
    begun = time.process_time()
    stand.step(5000)
    took_us = 1e6 * (time.process_time() - begun) / 5000
    return Figure(
        f"whole core tick while moving, {JOINTS} joints",
        "-",
        f"mean {took_us:.0f} us, n=5000",
        COMMAND,
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
