"""The console on sessions too long to read: a million events, a tree of ten thousand, an hour."""

from __future__ import annotations

import itertools
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles

from aspire_tui.events import (
    AgentSaid,
    AnyEvent,
    CallIntent,
    CallResult,
    HypothesisOpened,
    HypothesisScored,
    TrialClosed,
    TrialOpened,
)
from aspire_tui.session.recorder import Recorder
from tests.bench.bench_console import WORDS
from tests.bench.bench_session import MILLION, TRIALS, _chunks
from tests.bench.bench_session import story as long_story
from tests.bench.cores import Cores, Press, split_of
from tests.bench.figure import Figure, at_most

sys.path.insert(0, str(Path(__file__).parents[1] / "tui"))

from recorded import Story, first_half
from terminal import Terminal

COMMAND = "python -m tests.bench console_scale"
CONSOLE = str(Path(__file__).parents[1] / "tui" / "typed_console.py")
NODES = 10_000
PRESSES = 60
BLOCKED_S = 60.0
HOUR_EVENTS = 36_000
"""An hour of ten events a second."""
BURST = 100
"""Events of one commit; ten commits a second make a thousand events."""


def figures() -> list[Figure]:
    return [figure for part in PARTS.values() for figure in part()]


def _in_a_folder(part: Callable[[Path], list[Figure]]) -> Callable[[], list[Figure]]:
    def measure() -> list[Figure]:
        with tempfile.TemporaryDirectory(prefix="console-") as folder:
            return part(Path(folder))

    return measure


def ready(screen: str) -> bool:
    return "event " in screen and "event 0 " not in screen


def _figure(name: str, measured: float, goal: float, unit: str) -> Figure:
    value = f"{measured:.2f}" if measured < 10 else f"{measured:.0f}"
    return Figure(f"console: {name}", f"≤ {goal:g} {unit}", f"{value} {unit}", COMMAND,
                  at_most(goal, measured))  # fmt: skip


def a_million(folder: Path) -> list[Figure]:
    """Opening it, paging in it, seeking in it, and what that costs in memory."""
    path = folder / "million.db"
    with Recorder.create(path) as recorder:
        for chunk in _chunks(itertools.islice(long_story(1, TRIALS), MILLION), 2000):
            recorder.append(chunk)
    small = folder / "small.db"
    story = Story(small)
    first_half(story)
    story.close()
    plain_s, _ = _opened(small)
    opened_s, t = _opened(path)
    with t:
        pages = _presses(t, "5\x15\x15\x15", ("\x15", "\x04"))
        seeks = _presses(t, "1{<{", ("{", "<", "}", ">"))
        private = _private_mb(t.process.pid)
    empty_s, t = _opened(small)
    with t:
        beyond = private - _private_mb(t.process.pid)
    assert empty_s > 0
    return [
        _figure(f"first screen of {MILLION} events, beyond a small one", opened_s - plain_s, 0.5,
                "s"),
        _keys(f"half a page in {MILLION} events", pages, 50),
        _keys(f"seek by failure and by time in {MILLION} events", seeks, 50),
        _figure(f"memory with {MILLION} events, beyond a small session", beyond, 100, "MB"),
    ]  # fmt: skip


def a_tree(folder: Path) -> list[Figure]:
    """Ten thousand hypotheses: opening, moving, and one more."""
    path = folder / "tree.db"
    story = Story(path)
    program = first_half(story)
    nodes = [
        HypothesisOpened(n, n // 3 or 1, f"claim {n}", "a line", "it fails", program, "rules")
        for n in range(2, NODES + 1)
    ]
    for start in range(0, len(nodes), 500):
        story.recorder.append(nodes[start : start + 500])
    with Terminal.python(CONSOLE, str(path), "--live", environment={"REAL_CLOCK": "1"}) as t:
        t.wait(ready)
        t.send("5")
        t.settle()
        t.send("j" * 8)  # away from the top, so that every key has something to change
        moves = _presses(t, "", ("j", "k"))
        t.send("g")
        t.settle()
        added = []
        for n in range(10):
            begun = time.monotonic()
            story.say(HypothesisScored(1, "dev", n, 20, 0.0, 1.0))
            t.wait(lambda screen, n=n: f" {n}/20" in screen)  # type: ignore[misc]
            added.append(time.monotonic() - begun)
            t.read(0.2)
    story.close()
    return [
        _keys(f"a row down or up in a tree of {NODES}", moves, 30),
        _figure(f"a score in a tree of {NODES}, committed to painted, median",
                1e3 * median(added), 350, "ms"),
    ]  # fmt: skip


def blocked(folder: Path) -> list[Figure]:
    """A terminal that reads nothing for a minute: HOLD meanwhile, and what comes when it reads."""
    holds = folder / "blocked-holds"
    path = folder / "blocked.db"
    story = Story(path)
    first_half(story)
    with Terminal.python(CONSOLE, str(path), "--live", "--holds", str(holds), "--flood") as t:
        t.wait(ready)
        took: list[Press] = []
        end = time.monotonic() + BLOCKED_S
        while time.monotonic() < end:
            time.sleep(2.0)
            cores, begun = Cores.of(t.process.pid), time.monotonic()
            t.send(" ")
            while len(_lines(holds)) <= len(took):
                time.sleep(0.0005)
            held_s = float(_lines(holds)[len(took)].split()[1]) - begun
            took.append(Press(held_s, Cores.of(t.process.pid) - cores))
        backlog = t.read(0.3)
    story.close()
    worst = max(took, key=lambda press: press.took_s)
    return [
        Figure(f"console: HOLD key to stop port, nothing read for {BLOCKED_S:.0f} s", "≤ 10 ms",
               f"worst of {len(took)}: {1e3 * worst.took_s:.0f} ms, {worst.cores.in_ms}; median "
               f"{1e3 * median(press.took_s for press in took):.0f} ms", COMMAND,
               at_most(10, 1e3 * worst.took_s)),
        _figure("bytes at once when it is read again", backlog / 1e3, 64, "kB"),
    ]  # fmt: skip


def an_hour(folder: Path) -> list[Figure]:
    """An hour's events within a minute: what they send, and what they leave in memory."""
    path = folder / "hour.db"
    story = Story(path)
    program = first_half(story)
    with Terminal.python(CONSOLE, str(path), "--live", environment={"REAL_CLOCK": "1"}) as t:
        t.wait(ready)
        t.send("4")
        t.settle()
        memory = [_private_mb(t.process.pid)]
        received, begun = t.received, time.monotonic()
        for number in range(HOUR_EVENTS // BURST):
            story.recorder.append(_a_trial(number + 2, program))
            t.read(max(0.0, begun + (number + 1) / 10 - time.monotonic()))
            if number % 36 == 35:
                memory.append(_private_mb(t.process.pid))
        took_s = time.monotonic() - begun
        spent = (t.received - received) / took_s
    story.close()
    rate = HOUR_EVENTS / took_s
    return [
        Figure(f"console: bytes sent while {rate:.0f} events a second arrive, 80×24", "-",
               f"{spent:.0f} B/s", COMMAND),
        _figure(f"memory grown by an hour's {HOUR_EVENTS} events", memory[-1] - memory[1], 30,
                "MB"),
    ]  # fmt: skip


def _a_trial(number: int, program: str) -> list[AnyEvent]:
    """A hundred events: what an agent says, and a trial of 48 calls."""
    events: list[AnyEvent] = [
        AgentSaid(f"{number} {WORDS}"), AgentSaid(f"trial {number}"),
        TrialOpened(number, "cube_stack", number, "dev", program, 1, "worker", "sim"),
    ]  # fmt: skip
    for call in range(1, 49):
        events += [
            CallIntent(number, 1, call, "goto_pose", {"n": call}, 7, 1.0),
            CallResult(number, 1, call, "goto_pose", "OK", "there", 1.2, 2.0),
        ]
    return [*events, TrialClosed(number, "PASS", "returned", None, 12.0, 0.6)]


def _opened(path: Path) -> tuple[float, Terminal]:
    begun = time.monotonic()
    t = Terminal.python(CONSOLE, str(path))
    t.wait(ready, timeout_s=60.0)
    took_s = time.monotonic() - begun
    t.settle()
    return took_s, t


def _presses(t: Terminal, before: str, keys: tuple[str, ...]) -> list[Press]:
    """From each key to the first byte it changes; ``before`` leads to where all of them have
    something to change."""
    for key in before:
        t.send(key)
        t.settle()
    took = []
    for number in range(PRESSES):
        cores, received = Cores.of(t.process.pid), t.received
        begun = time.monotonic()
        t.send(keys[number % len(keys)])
        while t.received == received and time.monotonic() - begun < 2.0:
            t.read(0.002)
        took_s = time.monotonic() - begun
        took.append(Press(took_s, Cores.of(t.process.pid) - cores))
        t.read(0.05)
    return took


def _keys(name: str, presses: list[Press], goal_ms: float) -> Figure:
    """The 99th percentile, and whose time it was."""
    p99_ms = 1e3 * quantiles([press.took_s for press in presses], n=100)[98]
    middle_ms = 1e3 * median(press.took_s for press in presses)
    value = f"{p99_ms:.0f} ms, median {middle_ms:.0f}; {split_of(presses)}"
    return Figure(f"console: {name}, p99", f"≤ {goal_ms:g} ms", value, COMMAND,
                  at_most(goal_ms, p99_ms))  # fmt: skip


def _private_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1e3


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


PARTS: dict[str, Callable[[], list[Figure]]] = {
    "blocked": _in_a_folder(blocked),
    "tree": _in_a_folder(a_tree),
    "hour": _in_a_folder(an_hour),
    "million": _in_a_folder(a_million),
}
