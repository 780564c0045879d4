"""There is one bench: who waits for it is on record while it waits."""

from __future__ import annotations

import asyncio
from typing import Any

from two_faults import Written

from aspire_tui.domain import QueuedTrial
from aspire_tui.engine.trials import Trials
from aspire_tui.events import BenchQueue


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
