"""The console in a real terminal: bytes it sends, how soon it answers, how soon HOLD is out."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median, quantiles

from aspire_tui.events import AgentSaid, CallIntent, CallResult
from tests.bench.cores import Cores, Press, split_of
from tests.bench.figure import Figure, at_most

sys.path.insert(0, str(Path(__file__).parents[1] / "tui"))

from recorded import Story, first_half, whole_session
from slow_link import SlowTerminal
from terminal import Terminal

COMMAND = "python -m tests.bench console"
CONSOLE = str(Path(__file__).parents[1] / "tui" / "typed_console.py")
SIZES = ((80, 24, 1_500, 10_000), (160, 48, 3_000, 20_000))
"""Columns, rows, goal of live bytes per second, goal of a full repaint."""

LINKS = ((250, 0.06, 150), (32, 0.2, 450), (20, 0.2, 450))
"""kB/s, round trip, goal of the 99th percentile of key to paint in ms."""

WORDS = "the tool stood above the cube so the fingers closed on nothing and the repair goes deeper"


def figures() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="console-") as folder:
        path = Path(folder)
        over = whole_session(path / "over.db")
        return [
            _start(over),
            *_real_starts(path, over),
            *_repaints(over),
            _idle(over),
            *(_live(path, *size) for size in SIZES),
            *_keys(path),
            *(_slow_link(path, *link) for link in LINKS),
            *_holds(path),
            _cell_hold(),
        ]


def _figure(name: str, measured: float, goal: float, unit: str) -> Figure:
    value = f"{measured:.2f}" if measured < 10 else f"{measured:.0f}"
    met = at_most(goal, measured)
    return Figure(f"console: {name}", f"≤ {goal:g} {unit}", f"{value} {unit}", COMMAND, met)


def ready(screen: str) -> bool:
    return "event " in screen and "event 0 " not in screen


class Writing:
    """A run that goes on, in a process of its own: 50 tokens of text and one call a second."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Path:
        command = [sys.executable, "-m", "tests.bench.bench_console", "--write", str(self.path)]
        self._writer = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self._writer.stdout is not None
        self._writer.stdout.readline()
        return self.path

    def __exit__(self, *_: object) -> None:
        self._writer.kill()
        self._writer.wait()


def write(path: Path) -> None:
    """Go on until killed."""
    story = Story(path)
    first_half(story)
    print("writing", flush=True)
    words = WORDS.split()
    for second in range(1 << 30):
        said = " ".join(words[(7 * second + i) % len(words)] for i in range(38))
        story.say(AgentSaid(said), after_s=0.5)
        time.sleep(0.5)
        story.say(
            CallIntent(1, 1, 7 + second, "goto_pose", {"position": [0.3, 0.1, 0.2]}, 7, 1.0),
            CallResult(1, 1, 7 + second, "goto_pose", "OK", f"{second} mm off", 1.2, 2.0),
            after_s=0.25,
        )
        time.sleep(0.5)


def _start(session: Path) -> Figure:
    return _first_paint(
        "start to first paint", lambda: Terminal.python(CONSOLE, str(session)), ready
    )


def _first_paint(name: str, start: Callable[[], Terminal], shown: Callable[[str], bool]) -> Figure:
    """Median of five starts, the bytecode of all modules being there, as it is once installed."""
    start().close()
    starts = []
    for _ in range(5):
        begun = time.monotonic()
        with start() as t:
            t.wait(shown, timeout_s=30.0)
            took_s = time.monotonic() - begun
            starts.append(Press(took_s, Cores.of(t.process.pid)))
    middle = sorted(starts, key=lambda one: one.took_s)[len(starts) // 2]
    value = f"{middle.took_s:.2f} s; {middle.cores.in_ms}"
    return Figure(f"console: {name}", "≤ 0.8 s", value, COMMAND, at_most(0.8, middle.took_s))


def _real_starts(folder: Path, session: Path) -> list[Figure]:
    """The command an operator types, imports of the command line included."""
    command = str(Path(sys.executable).with_name("aspire-tui"))
    runtime = {"XDG_RUNTIME_DIR": str(folder / "runtime")}
    (folder / "runtime").mkdir(mode=0o700)
    found = []
    for name, words, shown in (
        ("aspire-tui replay SESSION to first paint", ["replay", str(session)], ready),
        ("aspire-tui to the launcher", [], lambda screen: "cube_stack" in screen),
    ):
        whole = [command, "--workspace", str(folder / "w"), *words]
        start = partial(Terminal, whole, environment=runtime)
        found.append(_first_paint(name, start, shown))
    return found


def _repaints(session: Path) -> list[Figure]:
    found = []
    for columns, rows, _, goal in SIZES:
        with Terminal.python(CONSOLE, str(session), columns=columns, rows=rows) as t:
            t.wait(ready)
            t.settle()
            before = t.received
            t.send("\x0c")
            t.settle()
            spent = t.received - before
        found.append(_figure(f"full repaint {columns}×{rows}", spent, goal, "B"))
    return found


def _idle(session: Path) -> Figure:
    with Terminal.python(CONSOLE, str(session), environment={"REAL_CLOCK": "1"}) as t:
        t.wait(ready)
        t.settle(quiet_s=0.6)
        spent = t.read(10.0) / 10.0
    return _figure("idle", spent, 60, "B/s")


def _live(folder: Path, columns: int, rows: int, goal: int, _: int) -> Figure:
    with (
        Writing(folder / f"live-{columns}.db") as session,
        Terminal.python(
            CONSOLE, str(session), "--live", columns=columns, rows=rows,
            environment={"REAL_CLOCK": "1"},
        ) as t,
    ):  # fmt: skip
        t.wait(ready)
        t.send("4")
        t.read(1.0)
        spent = t.read(10.0) / 10.0
    return _figure(f"live text and calls {columns}×{rows}", spent, goal, "B/s")


def _keys(folder: Path) -> list[Figure]:
    took = []
    with (
        Writing(folder / "keys.db") as session,
        Terminal.python(CONSOLE, str(session), "--live") as t,
    ):
        t.wait(ready)
        for number in range(60):
            key, shown = ("2", b"2 Call*") if number % 2 == 0 else ("1", b"1 Calls*")
            t.read(0.05)
            cores, begun = Cores.of(t.process.pid), time.monotonic()
            t.send(key)
            t.wait_sent(shown)
            took_s = time.monotonic() - begun
            took.append(Press(took_s, Cores.of(t.process.pid) - cores))
    middle = 1e3 * median(press.took_s for press in took)
    p99 = 1e3 * quantiles([press.took_s for press in took], n=100)[98]
    return [
        _figure("key to paint under load, median", middle, 15, "ms"),
        Figure("console: key to paint under load, p99", "≤ 30 ms",
               f"{p99:.0f} ms; {split_of(took)}", COMMAND, at_most(30, p99)),
    ]  # fmt: skip


def _slow_link(folder: Path, kB_s: int, round_trip_s: float, goal: int) -> Figure:
    """The same under load at the far end of a slow line, its round trip included."""
    took = []
    with (
        Writing(folder / f"link-{kB_s}.db") as session,
        SlowTerminal(
            [sys.executable, CONSOLE, str(session), "--live"], environment={"REAL_CLOCK": "1"},
            bytes_per_s=1e3 * kB_s, round_trip_s=round_trip_s,
        ) as t,
    ):  # fmt: skip
        t.wait(ready, timeout_s=60.0)
        t.read(2.0)
        spent, since = t.received, time.monotonic()
        for number in range(24):
            key, shown = ("2", b"2 Call*") if number % 2 == 0 else ("1", b"1 Calls*")
            t.read(0.3)
            begun = time.monotonic()
            t.send(key)
            t.wait_sent(shown)
            took.append(time.monotonic() - begun)
        rate = (t.received - spent) / (time.monotonic() - since) / 1e3
    p99 = 1e3 * quantiles(took, n=100)[98]
    link = f"{kB_s} kB/s, {1e3 * round_trip_s:.0f} ms round trip"
    name = f"key to paint under load, {link}"
    value = f"{1e3 * median(took):.0f} ms median, {p99:.0f} ms p99 at {rate:.1f} kB/s"
    return Figure(f"console: {name}", f"≤ {goal} ms p99", value, COMMAND, at_most(goal, p99))


def _holds(folder: Path) -> list[Figure]:
    """From the key in the terminal to the stop port, read and unread."""
    found = []
    for name, reading in (("terminal read", True), ("terminal not read", False)):
        flood = [] if reading else ["--flood"]
        holds = folder / f"holds-{reading}"
        took = []
        with (
            Writing(folder / f"holding-{reading}.db") as session,
            Terminal.python(CONSOLE, str(session), "--live", "--holds", str(holds), *flood) as t,
        ):
            t.wait(ready)
            for number in range(50):
                t.read(0.03) if reading else time.sleep(0.03)
                begun = time.monotonic()
                t.send(" ")
                while len(_lines(holds)) <= number:
                    t.read(0.001) if reading else time.sleep(0.0005)
                took.append(float(_lines(holds)[number].split()[1]) - begun)
        p99 = 1e3 * quantiles(took, n=100)[98]
        found.append(_figure(f"HOLD key to stop port, {name}", p99, 10, "ms p99"))
    return found


def _cell_hold() -> Figure:
    """``aspire-tui cell hold`` from the shell to its answer, on a cell that runs."""
    with running_cell() as environment:
        took = []
        for _ in range(10):
            begun = time.monotonic()
            done = subprocess.run(
                [str(Path(sys.executable).with_name("aspire-tui")), "cell", "hold", "yam"],
                env=environment, capture_output=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            took.append(time.monotonic() - begun)
    return _figure("aspire-tui cell hold, median", 1e3 * median(took), 150, "ms")


@contextmanager
def running_cell() -> Iterator[dict[str, str]]:
    """A simulated cell with its host, in a runtime folder of its own."""
    with tempfile.TemporaryDirectory(prefix="rt-", dir="/tmp") as folder:
        Path(folder).chmod(0o700)
        environment = {**os.environ, "XDG_RUNTIME_DIR": folder}
        host = subprocess.Popen(
            [sys.executable, "-m", "aspire_tui.cli", "cell", "serve", "yam"],
            env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            socket = Path(folder) / "aspire" / "cell-yam" / "stop"
            end = time.monotonic() + 60.0
            while not socket.exists():
                assert time.monotonic() < end, "the cell host never came up"
                time.sleep(0.1)
            time.sleep(1.0)
            yield environment
        finally:
            host.terminate()
            host.wait(timeout=20)


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write"]:
        write(Path(sys.argv[2]))
