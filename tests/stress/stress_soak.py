"""A run of a hundred thousand trials through the engine's book, watched: memory stays flat."""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

from aspire_tui.domain import Budget
from aspire_tui.engine.book import Book
from aspire_tui.events import AnyEvent
from aspire_tui.rollout.journal import MemoryJournal
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.recorder import Recorder
from tests.stress.result import Result

sys.path.insert(0, str(Path(__file__).parents[1] / "session"))

from story import BLOBS, opening, trial

N = 100_000
FLAT_MB = 24.0
"""What the process may grow by between the tenth part and the end."""


def run(n: int, seed: int) -> list[Result]:
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        return asyncio.run(_soak(Path(folder) / "s.db", n, seed))


async def _soak(path: Path, n: int, seed: int) -> list[Result]:
    rng = random.Random(seed)
    recorder = Recorder.create(path)
    book = Book(recorder, Budget())
    await book.write(opening(), blobs=BLOBS)
    began = time.monotonic()
    events, marks = 1, []
    with SessionReader(path) as reader:
        for number in range(1, n + 1):
            told: list[AnyEvent] = trial(rng, number, "worker", "selection", None)
            journal = MemoryJournal()
            journal.events.extend(told)
            await book.write_trial(journal)
            events += len(told)
            if number % 50 == 0:
                reader.snapshot()
                reader.trials(newest=20)
            if number % max(1, n // 10) == 0:
                marks.append(resident_mb())
        seen = reader.snapshot()
    seconds = time.monotonic() - began
    size_mb = path.stat().st_size / 1e6
    grown = marks[-1] - marks[0]
    recorder.close()
    said = (
        f"{n} trials, {events} events, {events / seconds:.0f} events/s, {size_mb:.0f} MB on disk; "
        f"resident {marks[0]:.0f} MB after a tenth, {marks[-1]:.0f} MB at the end"
    )
    right = seen.seq == events and seen.trials_closed == n
    return [Result("soak of recorder, book and reader", said, right and grown <= FLAT_MB)]


def resident_mb() -> float:
    """Memory of this process that is its own, in MB."""
    fields = Path("/proc/self/smaps_rollup").read_text(encoding="utf-8").splitlines()
    kilobytes = sum(int(f.split()[1]) for f in fields if f.startswith("Private_"))
    return kilobytes / 1e3
