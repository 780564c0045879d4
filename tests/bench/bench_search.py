"""What the search itself costs, and how many candidates an hour two cores judge."""

from __future__ import annotations

import asyncio
import sys
import time
from concurrent.futures import wait
from pathlib import Path

from aspire_tui.environment.task_file import find_task
from aspire_tui.evolution.criterion import until
from aspire_tui.evolution.halving import cost, plan
from aspire_tui.evolution.statistics import rate
from aspire_tui.evolution.stopping import Rules
from aspire_tui.improvement.rules.compose import compose
from aspire_tui.rollout.bulk import WorkerSpec
from aspire_tui.rollout.pool import LocalPool
from aspire_tui.rollout.trial import TrialSpec
from tests.bench.figure import Figure, at_most

sys.path.insert(0, str(Path(__file__).parent.parent / "engine"))
from two_faults import LOOKS, PLACES, PLAIN, Written, ideas_on, opened

from aspire_tui.engine.search import Search

COMMAND = "python -m tests.bench search"
CELL = Path(__file__).parents[2] / "drivers" / "cells" / "yam.toml"
TRIALS = 16
CANDIDATES = 4
GOAL_MS = 20.0


def figures() -> list[Figure]:
    ms, trials = asyncio.run(overhead())
    one, two = (per_hour(n) for n in (1, 2))
    task = find_task("cube_stack")
    race = cost(plan(CANDIDATES + 1, task.criterion.dev_n)) / CANDIDATES
    return [
        Figure(
            f"search beside its trials, per trial of {trials}",
            f"≤ {GOAL_MS:g} ms",
            f"{ms:.1f} ms",
            COMMAND,
            at_most(GOAL_MS, ms),
        ),
        Figure("cube_stack trials an hour, 1 worker", "-", f"{one:.0f}", COMMAND),
        Figure("cube_stack trials an hour, 2 workers", "-", f"{two:.0f}", COMMAND),
        Figure("speed-up of 2 workers over 1", "-", f"{two / one:.2f}", COMMAND),
        Figure(
            f"candidates raced an hour, 2 workers, {CANDIDATES} a round",
            "-",
            f"{two / race:.0f} at {race:.0f} trials each at most",
            COMMAND,
        ),
    ]


async def overhead() -> tuple[float, int]:
    """Milliseconds a trial of a round in which trials cost nothing: race, judge, merge, record."""
    task = find_task("cube_stack")
    ideas = ideas_on(task)
    search = Search(ideas, ideas.trials, Rules(until("", task.criterion.selection_n)), CANDIDATES)  # type: ignore[arg-type]
    await opened(ideas, PLAIN, None)
    rate(1, 2)  # loads scipy, once per process
    began = time.perf_counter()
    await search.brief()
    await search.race([await opened(ideas, p) for p in (LOOKS, PLACES)], "bench")
    book = ideas.book
    assert isinstance(book, Written)
    return 1e3 * (time.perf_counter() - began) / book.trials, book.trials


def per_hour(workers: int) -> float:
    """Trials of the plain cube_stack program an hour, with this many processes."""
    task = find_task("cube_stack")
    program = compose(task)
    pool = LocalPool(WorkerSpec(str(CELL), True, ("A", "A-", "B", "D"), pictures="none"), workers)
    try:
        wait([pool.submit(_trial(task, program, n)) for n in range(workers)])  # warm
        began = time.perf_counter()
        running = [pool.submit(_trial(task, program, n)) for n in range(1, TRIALS + 1)]
        for future in running:
            future.result()
        return TRIALS / (time.perf_counter() - began) * 3600
    finally:
        pool.close()


def _trial(task, program: str, number: int) -> TrialSpec:  # type: ignore[no-untyped-def]
    return TrialSpec(number, task, 4 * number, "dev", program, "p", 1, "worker", "sim")
