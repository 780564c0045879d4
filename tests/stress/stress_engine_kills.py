"""SIGKILL of the whole engine at random moments: nothing seen is lost, nothing is left running."""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
from pathlib import Path

from aspire_tui.session.reader import SessionReader
from tests.e2e.conftest import Bench
from tests.e2e.kills import (
    _engines,
    _left,
    _reader,
    end_everything,
    kill_inside_a_moving_call,
)
from tests.stress.result import Result

N = 50
ATTENDED_EVERY = 5
"""Every so many kills hit an attended run inside a moving call; the others a headless one."""
LONGEST_S = 6.0
PROGRAM = Path(__file__).parents[2] / "docs" / "examples" / "lift.py"
GONE_WITHIN_S = 20.0
"""A worker that was just starting notices when it has started; all others go at once."""


def run(n: int, seed: int) -> list[Result]:
    draw = random.Random(seed)
    wrong: list[str] = []
    events = 0
    for kill in range(n):
        with tempfile.TemporaryDirectory(prefix="ek-", dir="/tmp") as folder:
            bench = _bench(Path(folder))
            attended = kill % ATTENDED_EVERY == ATTENDED_EVERY - 1
            after_s = draw.uniform(0.0, 0.9 if attended else LONGEST_S)
            try:
                found, kept = (_attended if attended else kill_headless)(bench, after_s)
            except (OSError, TimeoutError, IndexError) as error:
                found, kept = f"{type(error).__name__}: {error}", 0
            events += kept
            if found:
                wrong.append(f"{kill}, after {after_s:.2f} s: {found}")
    found = f"{n} kills, {events} events kept, {len(wrong)} wrong"
    said = "; ".join([found, *wrong[:5]])
    return [Result("SIGKILL of the whole engine", said, not wrong)]


def _bench(folder: Path) -> Bench:
    home, runtime = folder / "home", folder / "rt"
    home.mkdir()
    runtime.mkdir(mode=0o700)
    return Bench(home, runtime)


def _attended(bench: Bench, after_s: float) -> tuple[str, int]:
    found = kill_inside_a_moving_call(bench, "engine", after_s)
    if found.kept < found.acknowledged:
        return f"lost {found.acknowledged - found.kept}", found.kept
    if found.problems or found.left or found.cell_state != "HOLD" or found.still_moving:
        return f"{found.problems} {found.left} {found.cell_state}", found.kept
    return "", found.kept


def kill_headless(bench: Bench, after_s: float) -> tuple[str, int]:
    command = bench.start(
        "exec", str(PROGRAM), "--task", "cube_lift", "--seed", "3", "--trials", "40", "--json"
    )
    try:
        reader = _reader(bench)
        seen = _watch(reader, after_s)
        for pid in _engines(bench):
            os.kill(pid, signal.SIGKILL)
        until = time.monotonic() + GONE_WITHIN_S
        while _left(bench) and time.monotonic() < until:
            time.sleep(0.02)
        left = _left(bench)
        reader.close()
        with SessionReader(reader.path) as again:
            kept, problems = again.last_seq(), again.verify()
        if kept < seen:
            return f"lost {seen - kept} events that were seen", kept
        if problems:
            return f"damaged: {problems[0].what}", kept
        return (f"left {left[0][:80]}" if left else ""), kept
    finally:
        command.kill()
        command.communicate()
        end_everything(bench)


def _watch(reader: SessionReader, for_s: float) -> int:
    """Look as a console does until the moment comes; the newest event that was seen."""
    until = time.monotonic() + for_s
    seen = reader.last_seq()
    while time.monotonic() < until:
        if reader.changed():
            seen = reader.snapshot().seq
        time.sleep(0.01)
    return seen
