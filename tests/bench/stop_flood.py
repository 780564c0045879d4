"""STOP while the command socket is flooded and the arm moves; part of ``bench_host``.

What freezes at a stop is the goal: from then on no command and no further point of the path is
followed, the set-point brakes within the joint's acceleration. So three times are told apart: until
the host confirms, until the set-point last kept the speed of its path, until it stands.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

import zmq

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "drivers"))

from stand import smooth  # noqa: E402

from drivers.address import local  # noqa: E402
from drivers.client import CellClient, hold_now  # noqa: E402
from drivers.wire import Enable, Jog, Ping, Request, Setpoint, encode  # noqa: E402
from tests.bench.client_losses import spread, until  # noqa: E402
from tests.bench.figure import Figure, at_most  # noqa: E402

COMMAND = 'make bench ARGS="host stop"'
RUNS = 20
RATE_HZ = 10_000
GOAL_MS = 50.0
SPEEDS_S = (3.0, 8.0)
"""Durations of the same sweep: 1.25 and 0.47 rad/s at its middle."""


class Stopped(NamedTuple):
    """One stop of a moving arm, milliseconds since it was asked for.

    ``braking_ms``: what its limits need for it, speed over acceleration.
    """

    confirmed_ms: float
    last_goal_ms: float
    still_ms: float
    braking_ms: float


def figures(runtime: Path) -> list[Figure]:
    client = CellClient("bench", who="bench", runtime=runtime)
    client.set_speed(1.0, "bench")
    stop, sent = threading.Event(), []
    thread = threading.Thread(target=flood, args=(local("bench", runtime).ctl, stop, sent))
    thread.start()
    try:
        seen = [stop_once(client, runtime, SPEEDS_S[n % 2]) for n in range(RUNS)]
    finally:
        stop.set()
        thread.join()
        client.close()
    rate = f"flood {sent[0] / 1000:.0f} kHz"
    over = [s.still_ms - s.braking_ms for s in seen]
    braking = [s.braking_ms for s in seen]
    named = (
        ("STOP to HOLD confirmed", [s.confirmed_ms for s in seen], ""),
        ("STOP to the last set-point that follows the path (goal frozen)",
         [s.last_goal_ms for s in seen], ""),
        ("STOP to standstill, less speed / acceleration", over,
         f"; braking {min(braking):.0f} to {max(braking):.0f} ms"),
    )  # fmt: skip
    return [
        Figure(
            f"{name}, arm moving, {rate}",
            f"<= {GOAL_MS:.0f} ms",
            spread(values, "ms") + more,
            COMMAND,
            at_most(GOAL_MS, max(values)),
        )
        for name, values, more in named
    ]


def flood(endpoint: str, stop: threading.Event, sent: list[int]) -> None:
    """Commands of every weight, none of them allowed to do anything."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.connect(endpoint)
    wild = Setpoint("left", 1, 100, q_rad=(9.0, 9.0, 9.0))
    bodies = (Ping(), wild, Jog("left", 0.2, 100, "joint1"), Enable())
    raw = [encode(Request(f"f{n}", "operator", "mallory", body)) for n, body in enumerate(bodies)]
    begun, n = time.monotonic(), 0
    while not stop.is_set():
        with contextlib.suppress(zmq.Again):
            socket.send(raw[n % len(raw)], zmq.NOBLOCK)
            n += 1
            while True:
                socket.recv(zmq.NOBLOCK)
        if n % 20 == 0:
            # 10 kHz, in bursts that a sleep can resolve.
            time.sleep(max(0.0, begun + n / RATE_HZ - time.monotonic()))
    sent.append(int(n / (time.monotonic() - begun)))
    context.destroy(0)


def stop_once(client: CellClient, runtime: Path, duration_s: float) -> Stopped:
    held = list(client.status().arms[0].q_cmd_rad)
    goal = [-1.0 if held[0] > 0 else 1.0, *held[1:]]
    path = smooth(held, goal, duration_s)
    mover = threading.Thread(target=lambda: client.execute("left", path))
    mover.start()
    until(lambda: client.status().state == "RUN", "it moves")
    time.sleep(0.4 * duration_s)
    asked_s = client.now_s()
    confirmed_ms = hold_now("bench", "bench", "flooded", runtime, 2.0)
    until(lambda: client.now_s() > asked_s + 0.5, "half a second of cell time")
    log = client.samples("left", asked_s - 0.1)
    client.abort("bench")
    mover.join()
    client.resume("bench")
    until(lambda: not client.status().held, "resumed")
    commanded = log.q_cmd_rad[:, 0]
    steps = [abs(b - a) for a, b in itertools.pairwise(commanded)]
    slowing = next(n for n, step in enumerate(steps) if step < 0.9 * steps[0])
    still_s = next(t for t, step in zip(log.t_s[1:], steps, strict=True) if step == 0.0)
    joint = client.info.arms[0].joints[0]
    # The last step was made from the sample before: the set-point stands since then.
    period_s = float(log.t_s[1] - log.t_s[0])
    return Stopped(
        confirmed_ms,
        max(0.0, 1e3 * (float(log.t_s[slowing]) - asked_s)),
        1e3 * (float(still_s) - period_s - asked_s),
        1e3 * steps[max(0, slowing - 1)] / period_s / joint.amax_rad_s2,
    )
