"""The session file: what a durable event costs, how soon it is seen, and a million events."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles

from aspire_tui.domain import sha256_hex
from aspire_tui.events import Note
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.recorder import Recorder
from tests.bench.figure import Figure, at_most

sys.path.insert(0, str(Path(__file__).parents[1] / "session"))

from story import intent, opening, result, story

COMMAND = "python -m tests.bench session"
MILLION = 1_000_000
TRIALS = 68_000
SUSTAINED_S = 10.0
POLL_S = 0.02
"""How often a console asks whether the file changed."""


def figures() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="session-") as folder:
        path = Path(folder)
        return [
            *_commits(path),
            _events_per_second(path),
            _visible(path),
            *_a_million(path),
            _power_cuts(path),
        ]


def _ms(samples_s: list[float]) -> tuple[float, float]:
    """Median and 99th percentile in milliseconds."""
    return median(samples_s) * 1e3, quantiles(samples_s, n=100)[98] * 1e3


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _commits(folder: Path) -> list[Figure]:
    """Intent and result, each its own transaction, beside what the disk takes for a bare fsync."""
    n = 300
    with (folder / "fsync").open("wb", buffering=0) as file:

        def write_and_sync() -> None:
            file.write(bytes(8192))
            os.fdatasync(file.fileno())

        fsync_ms, _ = _ms([_timed(write_and_sync) for _ in range(n)])
    with Recorder.create(folder / "commits.db") as recorder:
        recorder.append([opening()])
        numbers = itertools.count(1)

        def call() -> None:
            number = next(numbers)
            recorder.append([intent(1, number)])
            recorder.append([result(1, number)])

        both_ms, worst_ms = _ms([_timed(call) for _ in range(n)])
    own_ms = both_ms - 2 * fsync_ms
    return [
        Figure("fsync of this disk, median", "-", f"{fsync_ms:.2f} ms, n={n}", COMMAND),
        Figure(
            "two durable commits, median (p99)",
            "2 × fsync + ≤ 0.3 ms with RPC",
            f"{both_ms:.2f} ms ({worst_ms:.1f}), own {own_ms:.2f} ms, n={n}",
            COMMAND,
        ),
    ]


def _events_per_second(folder: Path) -> Figure:
    """One event with one picture per durable commit, for as long as a run of pictures lasts."""
    rng = random.Random(1)
    pictures = [rng.randbytes(30_000) for _ in range(50)]
    n, slowest_s = 0, 0.0
    with Recorder.create(folder / "pictures.db") as recorder:
        recorder.append([opening()])
        began = time.perf_counter()
        while time.perf_counter() - began < SUSTAINED_S:
            data = n.to_bytes(8, "big") + pictures[n % 50]
            name = sha256_hex(data)
            slowest_s = max(
                slowest_s,
                _timed(lambda: recorder.append([Note(name)], {name: ("image/png", data)})),  # noqa: B023
            )
            n += 1
        seconds = time.perf_counter() - began
    return Figure(
        f"durable events with a 30 kB keyframe each, sustained for {SUSTAINED_S:.0f} s",
        "-",
        f"{n / seconds:.0f} /s, slowest {slowest_s * 1e3:.0f} ms, n={n}",
        COMMAND,
    )


def _visible(folder: Path) -> Figure:
    """From the return of an append until a reader that polls like a console has the event."""
    n = 100
    path = folder / "visible.db"
    seen_at: dict[int, float] = {}
    with Recorder.create(path) as recorder:
        recorder.append([opening()])
        done = threading.Event()

        def follow() -> None:
            with SessionReader(path) as reader:
                while not done.is_set():
                    if reader.changed():
                        last, now = reader.snapshot().seq, time.perf_counter()
                        for seq in range(max(seen_at, default=0) + 1, last + 1):
                            seen_at[seq] = now
                    done.wait(POLL_S)

        follower = threading.Thread(target=follow)
        follower.start()
        written_at = {}
        rng = random.Random(2)
        for number in range(n):
            written_at[recorder.append([Note(f"{number}")])] = time.perf_counter()
            done.wait(rng.uniform(0.005, 0.04))
        done.wait(5 * POLL_S)
        done.set()
        follower.join()
    delays = [max(0.0, seen_at[seq] - at) for seq, at in written_at.items()]
    middle, worst = _ms(delays)
    return Figure(
        f"event committed → in a reader polling at {POLL_S * 1e3:.0f} ms, p99",
        "≤ 50 ms",
        f"{worst:.1f} ms (median {middle:.1f}), n={n}",
        COMMAND,
        at_most(50, worst),
    )


def _a_million(folder: Path) -> list[Figure]:
    path = folder / "million.db"
    events = itertools.islice(story(1, TRIALS), MILLION)
    with Recorder.create(path) as recorder:
        seconds = _timed(lambda: [recorder.append(c) for c in _chunks(events, 2000)])
        written = recorder.last_seq
    size_mb = path.stat().st_size / 1e6
    opened = [_open(path) for _ in range(5)]
    resident = _reader_memory(path)
    rng = random.Random(3)
    seeks, calls, stops = [], [], []
    with SessionReader(path) as reader:
        trials = len(reader.trials(newest=1)) and reader.trials(newest=1)[0].trial
        for _ in range(100):
            at = rng.randint(1, written)
            seeks.append(_timed(lambda at=at: reader.snapshot(at)))
            stops.append(_timed(lambda at=at: reader.step_call(at)))
            number = rng.randint(1, trials)
            calls.append(_timed(lambda number=number: reader.calls(number)))
        at_time = _timed(lambda: reader.seq_at_time(mono_s=seconds / 2))
    seek_ms, worst_ms = _ms(seeks)
    return [
        Figure(
            "written in transactions of 2000 events",
            "-",
            f"{written / seconds:.0f} events/s, {size_mb:.0f} MB, n={written}",
            COMMAND,
        ),
        Figure(
            f"open a session of {written} events and show its end, worst",
            "≤ 500 ms",
            f"{max(opened) * 1e3:.1f} ms, n={len(opened)}",
            COMMAND,
            at_most(500, max(opened) * 1e3),
        ),
        Figure(
            "seek anywhere in it, p99",
            "≤ 50 ms",
            f"{worst_ms:.1f} ms (median {seek_ms:.1f}), n={len(seeks)}",
            COMMAND,
            at_most(50, worst_ms),
        ),
        Figure(
            "memory of a process that follows and seeks in it, beyond an empty session's",
            "bounded",
            f"{resident:.1f} MB",
            COMMAND,
        ),
        Figure(
            "next call · calls of a trial · moment of a time, p99",
            "-",
            f"{_ms(stops)[1]:.2f} · {_ms(calls)[1]:.2f} · {at_time * 1e3:.2f} ms",
            COMMAND,
        ),
    ]


def _reader_memory(path: Path) -> float:
    """MB that 200 seeks and 200 looks at the end cost a fresh process, beside an empty session."""
    empty = path.with_name("empty.db")
    with Recorder.create(empty, ballast_bytes=0) as recorder:
        recorder.append([opening()])
    program = (
        "import sys, random\n"
        "from pathlib import Path\n"
        "from aspire_tui.session.reader import SessionReader\n"
        "reader = SessionReader(sys.argv[1])\n"
        "rng = random.Random(1)\n"
        "for _ in range(200):\n"
        "    reader.snapshot(rng.randint(1, reader.last_seq()))\n"
        "    reader.snapshot(); reader.trials(newest=20); reader.agent_lines()\n"
        "lines = Path('/proc/self/smaps_rollup').read_text().splitlines()\n"
        "print(sum(int(l.split()[1]) for l in lines if l.startswith('Private_')) / 1e3)\n"
    )

    def resident(session: Path) -> float:
        command = [sys.executable, "-c", program, str(session)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        return float(done.stdout)

    return resident(path) - resident(empty)


def _chunks(events: itertools.islice, size: int):  # type: ignore[no-untyped-def, type-arg]
    while chunk := list(itertools.islice(events, size)):
        yield chunk


def _open(path: Path) -> float:
    def open_and_show() -> None:
        with SessionReader(path) as reader:
            reader.snapshot()

    return _timed(open_and_show)


def _power_cuts(folder: Path) -> Figure:
    from test_power_cut import losses, recorded

    n = 1500
    (folder / "disk").mkdir()
    (folder / "images").mkdir()
    lost, unreadable = losses(recorded(folder / "disk", "full"), folder / "images", n)
    return Figure(
        "simulated power cuts: acknowledged events lost · unreadable",
        "0 · 0",
        f"{lost} · {unreadable} of {n}",
        COMMAND,
        at_most(0, lost + unreadable),
    )
