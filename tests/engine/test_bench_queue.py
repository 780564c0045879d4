"""There is one bench: who waits for it is on record while it waits."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from two_faults import Written

from aspire_tui.domain import QueuedTrial
from aspire_tui.engine.trials import Asked, Stopped, Trials
from aspire_tui.events import BenchQueue, TrialClosed


async def test_trials_take_turns_and_the_queue_is_told() -> None:
    book = Written()
    nothing: Any = None
    trials = Trials(book, nothing, nothing, nothing, nothing, nothing)  # type: ignore[arg-type]
    order: list[int] = []
    go_on = asyncio.Event()

    async def one(number: int) -> None:
        async with trials._turn(QueuedTrial(number, "dev", "p")):
            order.append(number)
            await go_on.wait()

    tasks = [asyncio.create_task(one(n)) for n in (1, 2, 3)]
    while len(book.of(BenchQueue)) < 2:
        await asyncio.sleep(0)
    tasks[1].cancel()  # who gives up waiting is told, too
    go_on.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    told = [[t.hypothesis for t in e.waiting] for e in book.of(BenchQueue)]
    assert order == [1, 3] and told == [[2], [2, 3], [3], []]
    assert not trials.bench_is_taken


async def test_a_batch_for_one_bench_is_seen_as_a_queue_and_leaves_none_behind() -> None:
    """On hardware a search's trials wait for each other: the record says how many."""
    book = Written()
    nothing: Any = None
    trials = Trials(book, nothing, nothing, nothing, nothing, nothing)  # type: ignore[arg-type]
    trials.bench_only = True
    ran: list[int] = []

    async def at_bench(program: str, hypothesis: int, *_: object) -> TrialClosed:
        ran.append(hypothesis)
        if hypothesis == 3:
            raise Stopped("stopped by the operator")
        return TrialClosed(hypothesis, "PASS", "returned", None, 1.0, 1.0)

    trials.at_bench = at_bench  # type: ignore[assignment,method-assign]
    asked = [Asked(f"p{n}", n, 4 * n, "dev") for n in (1, 2)]
    assert [c.trial for c in await trials.batch(asked)] == [1, 2]
    with pytest.raises(Stopped):
        await trials.batch([Asked("p", n, 4 * n, "dev") for n in (2, 3, 4)])
    told = [[t.hypothesis for t in e.waiting] for e in book.of(BenchQueue)]
    assert told == [[2], [], [3, 4], [4], []] and ran == [1, 2, 2, 3]
