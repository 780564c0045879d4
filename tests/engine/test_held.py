"""A trial that is held is on the record as held, whatever its worker comes to meanwhile."""

from __future__ import annotations

from aspire_tui.engine.bench import Bench
from aspire_tui.events import PhaseChanged
from aspire_tui.rollout.link import Entry
from tests.engine.test_asking import Written, of


def told(phase: str) -> Entry:
    return Entry((PhaseChanged(3, phase, "", 1.0),))  # type: ignore[arg-type]


def phases(book: Written) -> list[str]:
    return [p.phase for p in of(book, PhaseChanged)]


async def resetting(book: Written) -> Bench:
    bench = Bench(book)  # type: ignore[arg-type]
    bench.trial = 3
    await bench._enter(told("resetting"))
    return bench


async def test_a_reset_that_ends_under_hold_begins_nothing_until_it_is_resumed() -> None:
    book = Written()
    bench = await resetting(book)
    bench.gate.hold("HOLD by ada")
    await bench.stand_held()
    for phase in ("verifying_reset", "ready", "executing"):
        await bench._enter(told(phase))
        assert phases(book)[-2:] == [phase, "held"]
        assert of(book, PhaseChanged)[-1].cause == "HOLD by ada"
    bench.gate.resume()
    await bench.go_on()
    assert phases(book)[-1] == "executing"
    await bench._enter(told("verifying"))
    assert phases(book)[-1] == "verifying"


async def test_a_fault_and_an_abort_are_not_hidden_by_a_hold() -> None:
    for end in ("fault", "closed"):
        book = Written()
        bench = await resetting(book)
        bench.gate.hold("HOLD by ada")
        await bench.stand_held()
        if end == "closed":
            bench.gate.abort("aborted by ada")
        await bench._enter(told(end))
        assert phases(book)[-1] == end
