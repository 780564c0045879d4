"""A cell on "another machine": a real host over TCP with CURVE, and links that fail."""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from drivers.cameras.packed import packed
from drivers.cameras.wire import pack_frame
from drivers.client import CellClient, hold_now
from drivers.errors import CellFault, CellRefused
from drivers.meeting import met
from tests.bench.figure import Figure, at_most

sys.path[:0] = [str(Path(__file__).parents[1] / "drivers" / p) for p in ("", "zmq")]

from far import KINEMATIC, served  # noqa: E402
from hosts import cells_folder, until  # noqa: E402
from stand import smooth  # noqa: E402

from drivers.spawn import ensure_host  # noqa: E402

COMMAND = "python -m tests.bench remote"
YAM = Path(__file__).parents[2] / "drivers" / "cells" / "yam.toml"
DEAD_LINKS = 20
WATCHDOG_MS = 200.0


def figures() -> list[Figure]:
    return [*_over_tcp(), *_dead_links()]


def _over_tcp() -> Iterator[Figure]:
    with served(YAM, "yam") as far:
        met(far.reference, far.near)
        client = CellClient("far", who="bench", runtime=far.near)
        asked = _times(lambda: client.ticks(), 500)
        yield Figure("command and answer, TCP + CURVE, median · p99", "-", _two(asked), COMMAND)
        client.frame("scene")
        fresh = _times(lambda: client.glance("scene"), 50)
        yield Figure("picture 320×240 with depth, median · p99", "-", _two(fresh), COMMAND)
        frame = client.frame("scene")
        raw = pack_frame(1, frame, 0.0)
        small = packed(raw)
        kB = (len(small.rgb) + len(small.depth or b"")) / 1e3
        whole = (len(raw.rgb) + len(raw.depth or b"")) / 1e3
        yield Figure("bytes of it", "-", f"{kB:.0f} kB instead of {whole:.0f}", COMMAND)
        stops = _times(lambda: hold_now("far", "bench", "x", far.near, timeout_s=2.0), 20)
        worst = 1e3 * max(stops)
        yield Figure(
            "HOLD with a new connection, worst of 20", "≤ 150 ms", f"{worst:.0f} ms", COMMAND,
            at_most(150.0, worst),
        )  # fmt: skip
        client.close()


def _dead_links() -> Iterator[Figure]:
    """Half-open in the middle of a motion until the host is in HOLD, as the host itself says."""
    late: list[float] = []
    with cells_folder() as runtime, _link(runtime) as tell:
        straight = CellClient("kin", role="viewer", who="bench", runtime=runtime)
        acting = CellClient("kin", who="bench", runtime=runtime)
        for n in range(DEAD_LINKS):
            client = CellClient("bad", who="ann", runtime=runtime)
            q = list(straight.status().arms[0].q_cmd_rad)
            path = smooth(q, [-1.2 if q[0] > 0 else 1.2, *q[1:]], 4.0)
            mover = threading.Thread(target=_moved, args=(client, path), daemon=True)
            mover.start()
            until(lambda: straight.status().state == "RUN", "it moves")
            time.sleep(0.013 * n)  # Not always in the same moment of the heartbeat.
            tell({"half_open": True})
            begun = time.monotonic()
            until(lambda: straight.status().held, "it holds")
            late.append(1e3 * (time.monotonic() - begun))
            until(lambda: straight.status().lease is None, "the lease is free")
            tell({})
            acting.resume("bench")
            mover.join(20.0)
            client.close()
        straight.close()
        acting.close()
    worst, limit = max(late), WATCHDOG_MS + 30.0
    yield Figure(
        f"link goes dead in a motion → HOLD, worst of {DEAD_LINKS}", f"≤ {limit:.0f} ms",
        f"{worst:.0f} ms, median {statistics.median(late):.0f}", COMMAND, at_most(limit, worst),
    )  # fmt: skip


def _moved(client: CellClient, path) -> None:  # type: ignore[no-untyped-def]
    with suppress(CellFault, CellRefused):
        client.execute("left", path)


@contextmanager
def _link(runtime: Path):  # type: ignore[no-untyped-def]
    ensure_host(KINEMATIC, "kin", "bench", runtime)
    read_fd, write_fd = os.pipe()
    command = [sys.executable, "-m", "drivers.emu.link", "kin", "--name", "bad"]
    command += ["--runtime", str(runtime), "--ready-fd", str(write_fd)]
    process = subprocess.Popen(command, pass_fds=(write_fd,))
    os.close(write_fd)
    with os.fdopen(read_fd, "rb") as ready:
        ready.readline()
    with ExitStack() as kept:
        control = kept.enter_context(socket.socket(socket.AF_UNIX))
        control.connect(str(runtime / "cell-bad" / "link.sock"))
        answers = kept.enter_context(control.makefile())

        def tell(faults: dict[str, object]) -> None:
            control.sendall(json.dumps(faults).encode() + b"\n")
            answers.readline()

        try:
            yield tell
        finally:
            process.terminate()
            process.wait()


def _times(call, count: int) -> list[float]:  # type: ignore[no-untyped-def]
    out = []
    for _ in range(count):
        begun = time.perf_counter()
        call()
        out.append(time.perf_counter() - begun)
    return out


def _two(times: list[float]) -> str:
    ordered = sorted(1e3 * t for t in times)
    return f"{statistics.median(ordered):.2f} · {ordered[int(0.99 * len(ordered))]:.2f} ms"
