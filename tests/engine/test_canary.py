"""When the world has changed, the results since the last good canary are named."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aspire_tui.engine.canary import EVERY, FIRST, Canary
from aspire_tui.events import CanaryReported, Recorded, TrialClosed
from aspire_tui.rollout.canary import SMALL, CanaryReport, Seen
from aspire_tui.session.snapshot import EMPTY, fold

CELL = Path(__file__).parents[2] / "drivers" / "cells" / "yam.toml"


def report(light: float = 1.0, outcome: str = "PASS") -> CanaryReport:
    channels = (100 * light, 100 * light, 100 * light)
    seen = Seen("scene", bytes(SMALL[0] * SMALL[1]), channels, 0.0, 0.0, 320)
    return CanaryReport(outcome, "", seen, "abc", 4003, 12.0)


@dataclass
class Run:
    """An engine with a pool that answers with what it is told to."""

    key_file: Path
    answers: list[CanaryReport]
    written: list[Any] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        spec = SimpleNamespace(cell="yam", noise=True)
        self.job = SimpleNamespace(key_file=str(self.key_file), cell_file=str(CELL), spec=spec)
        self.trials = SimpleNamespace(bench_only=False, worker_ended=None)
        self.pool = self.book = self

    def submit_canary(self, seed: int) -> Future[CanaryReport]:
        self.asked.append(seed)
        done: Future[CanaryReport] = Future()
        done.set_result(self.answers.pop(0))
        return done

    async def write(self, *events: Any) -> int:
        self.written += events
        return len(self.written)

    def close(self, canary: Canary, numbers: range) -> None:
        async def all_of_them() -> None:
            for n in numbers:
                await canary.trial_closed(TrialClosed(n, "PASS", "returned", None, 1.0, 1.0))

        asyncio.run(all_of_them())


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / ".key"


def test_the_first_becomes_the_reference_and_later_ones_are_compared(key_file: Path) -> None:
    run = Run(key_file, [report(), report(0.6), report()])
    canary = Canary(run)  # type: ignore[arg-type]
    run.close(canary, range(1, FIRST + 1))
    assert [e.reference for e in run.written] == [True] and canary.holds
    run.close(canary, range(FIRST + 1, FIRST + EVERY + 1))
    last = run.written[-1]
    assert isinstance(last, CanaryReported) and not last.holds and "light 0.6" in last.reason
    assert last.doubtful == tuple(range(FIRST + 1, FIRST + EVERY + 1))
    state = EMPTY
    for seq, event in enumerate(run.written):
        state = fold(state, Recorded(seq, 0.0, 0.0, event))
    assert state.canary is not None and not state.canary.holds
    assert state.canary.doubted == EVERY and state.canary.doubtful == last.doubtful
    assert asyncio.run(canary.before_promotion("mine")) is True, "the lamp is on again"


def test_another_session_is_compared_with_what_the_workspace_kept(key_file: Path) -> None:
    first = Run(key_file, [report()])
    assert asyncio.run(Canary(first).before_promotion("mine")) is True  # type: ignore[arg-type]
    later = Run(key_file, [report(0.5)])
    assert asyncio.run(Canary(later).before_promotion("mine")) is False  # type: ignore[arg-type]
    assert not later.written[-1].reference


def test_without_a_reference_a_scene_is_looked_for_that_holds(key_file: Path) -> None:
    run = Run(key_file, [report(outcome="FAIL"), report()])
    assert asyncio.run(Canary(run).before_promotion("mine")) is True  # type: ignore[arg-type]
    assert run.asked == [4003, 4007]
    broken = Run(key_file.with_name("other") / "k", [report(outcome="FAIL")] * 3)
    assert asyncio.run(Canary(broken).before_promotion("mine")) is False  # type: ignore[arg-type]


def test_a_cell_without_a_copy_says_that_it_has_no_canary(key_file: Path) -> None:
    run = Run(key_file, [])
    run.trials.bench_only = True
    assert asyncio.run(Canary(run).before_promotion("mine")) is None  # type: ignore[arg-type]
    assert "no canary on this cell" in run.written[0].text
