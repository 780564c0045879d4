"""SIGKILL of console, engine and cell host at random moments inside a moving call."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

from tests.bench.figure import Figure
from tests.e2e.conftest import Bench
from tests.e2e.kills import Aftermath, Victim, kill_inside_a_moving_call

COMMAND = "python -m tests.bench kills"
VICTIMS: tuple[Victim, ...] = ("console", "engine", "cell host")
ROUNDS = 20
LONGEST_S = 0.9
"""A moving call takes about a second at 1×; later moments would fall after it."""


def figures() -> list[Figure]:
    draw = random.Random(20)
    bad: list[str] = []
    for i in range(ROUNDS):
        victim = VICTIMS[i % len(VICTIMS)]
        after_s = draw.uniform(0.0, LONGEST_S)
        with tempfile.TemporaryDirectory(prefix="kills-", dir="/tmp") as folder:
            home, runtime = Path(folder) / "home", Path(folder) / "rt"
            home.mkdir()
            runtime.mkdir(mode=0o700)
            found = kill_inside_a_moving_call(Bench(home, runtime), victim, after_s)
        wrong = _wrong(victim, found)
        if wrong:
            bad.append(f"{victim} after {after_s:.2f} s: {wrong}")
    value = f"{len(bad)} of {ROUNDS}" + (f" ({'; '.join(bad)})" if bad else "")
    name = "kills inside a moving call that lost an event, damaged a file or left something moving"
    return [Figure(name, f"0 of {ROUNDS}", value, COMMAND, "no" if bad else "yes")]


def _wrong(victim: Victim, found: Aftermath) -> str:
    if found.kept < found.acknowledged:
        return f"lost {found.acknowledged - found.kept} acknowledged events"
    if found.problems:
        return f"damaged: {found.problems[0]}"
    if victim == "console":
        return "" if found.engine_lives else "the engine died with its console"
    if found.left:
        return f"left {found.left[0]}"
    if victim == "engine" and (found.cell_state != "HOLD" or found.still_moving):
        return f"the cell is in {found.cell_state}"
    return ""


if __name__ == "__main__":
    for figure in figures():
        print(figure)
