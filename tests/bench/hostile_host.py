"""Hostile messages through the sockets of a host on an emulated bus, legal ones among them."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "drivers"))

from test_hostile import Hostiles, hostile  # noqa: E402

from drivers.address import local  # noqa: E402
from drivers.client import CellClient  # noqa: E402
from drivers.emu.fault_socket import FaultClient  # noqa: E402
from drivers.errors import CellRefused  # noqa: E402
from drivers.spawn import ensure_host, running_host  # noqa: E402
from tests.bench.emulated_host import SHIPPED, line, until  # noqa: E402
from tests.bench.figure import Figure, at_most  # noqa: E402

COMMAND = 'make bench ARGS="host hostile"'
MESSAGES = 100_000
STEP_RAD = 0.3
SECONDS = 4.0
TRACKED_DEG = 2.0


def figures(runtime: Path) -> list[Figure]:
    """Judged in the emulator's register log, at the arm's encoders and by the host's clock."""
    host = ensure_host(SHIPPED, "hostile", "bench", runtime, timeout_s=60.0)
    errors_deg: list[float] = []
    stops = 0
    try:
        client = CellClient("hostile", who="bench", runtime=runtime)
        spec = client.info.arms[0]

        def ready() -> bool:
            with contextlib.suppress(CellRefused):
                if client.status().state == "PSTOP":
                    client.ack_stop("bench")
            return client.status().state == "HOLD"

        until(ready)
        client.set_speed(1.0, "bench")
        joints = len(spec.joints)
        messages = hostile(
            client._sess, client.lease, 2**62, spec.name, joints, spec.joints[0].name
        )
        before, ticks, began_s = client.status(), client.ticks(), time.monotonic()
        with (
            FaultClient(host.paths.folder / "fault.sock") as faults,
            Hostiles(local("hostile", runtime).ctl, messages) as flood,
        ):
            faults.ask(do="goals_clear")
            while flood.sent < MESSAGES:
                until(ready)
                held = list(client.status().arms[0].q_cmd_rad)
                away = -STEP_RAD if held[0] > 0 else STEP_RAD
                try:
                    client.execute(spec.name, line(held, [held[0] + away, *held[1:]], SECONDS))
                except CellRefused:
                    stops += 1
                    continue
                sample = client.status().arms[0]
                errors_deg.append(math.degrees(abs(sample.q_rad[0] - held[0] - away)))
            seconds = time.monotonic() - began_s
            hz = (client.ticks() - ticks) / seconds
            log = faults.ask(do="goals", newest=0)["arms"][spec.name]["servos"].values()
        samples = client.samples(spec.name, before.t_s)
        gap_ms = 1e3 * float(np.percentile(np.diff(samples.t_s), 99))
        client.close()
    finally:
        os.kill(host.pid, signal.SIGTERM)
        until(lambda: running_host("hostile", runtime) is None)
    outside, goals = sum(s["outside"] for s in log), sum(s["goals"] for s in log)
    return [
        Figure(
            "hostile messages through the sockets, goals outside limits in the register log",
            "0 of 10^5",
            f"{outside} of {goals:,} goals; {flood.sent:,} messages in {seconds:.0f} s",
            COMMAND,
            at_most(0.0, outside),
        ),
        Figure(
            "loop of a host on the bus meanwhile",
            "100 Hz",
            f"{hz:.1f} Hz, 99 % of the periods within {gap_ms:.1f} ms",
            COMMAND,
        ),
        Figure(
            "legal paths of 0.3 rad in the same stream: measured off their end",
            f"<= {TRACKED_DEG:.0f}°",
            f"worst {max(errors_deg):.2f}°, n={len(errors_deg)}, {stops} stopped",
            COMMAND,
            at_most(TRACKED_DEG, max(errors_deg)),
        ),
    ]
