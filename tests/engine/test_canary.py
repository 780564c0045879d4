"""When the world has changed, the results since the last good canary are named."""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aspire_tui.engine.canary import EVERY, FIRST, Canary
from aspire_tui.engine.trials import Stopped
from aspire_tui.events import CanaryReported, Recorded, TrialClosed, TrialOpened
from aspire_tui.rollout.canary import SMALL, CanaryReport, Seen
from aspire_tui.session.recorder import Recorder
from aspire_tui.session.snapshot import EMPTY, fold

sys.path.insert(0, str(Path(__file__).parents[1] / "session"))

from story import BLOBS, opening

RECORDING = Path(__file__).parents[2] / "sessions" / "lift-held.db"
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
    past: Any = None

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


class OneBench:
    """A bench on which the canary's trial is the first of a recording."""

    def __init__(self, run: Run, recording: Path, answer: TrialClosed) -> None:
        self.answer, self.programs = answer, []
        run.trials = SimpleNamespace(bench_only=True, worker_ended=None, known_good=self.known_good)
        run.job.session = str(recording)
        run.bench = self  # type: ignore[attr-defined]
        run.program = self.program  # type: ignore[attr-defined]

    async def known_good(self, program: str, seed: int, task: Any) -> TrialClosed:
        assert program in self.programs, "the text is kept before it runs"
        assert task.name == "canary"
        return self.answer

    async def program(self, text: str, author: str) -> str:
        self.programs.append(text)
        return ""


def closed(outcome: str | None, trial: int = 1) -> TrialClosed:
    return TrialClosed(trial, outcome, "returned", None, 1.0, 1.0)  # type: ignore[arg-type]


def test_one_bench_runs_its_own_canary_and_reads_the_record(key_file: Path) -> None:
    run = Run(key_file, [])
    bench = OneBench(run, RECORDING, closed("PASS"))
    canary = Canary(run)  # type: ignore[arg-type]
    run.close(canary, range(1, FIRST + 1))
    told = run.written[-1]
    assert told.holds and told.reference and told.where == "bench"
    measured = {c.name: c.value for c in told.checks}
    assert measured["camera moved"] < 0.01 and "table height" in measured
    bench.answer = closed("FAIL")
    assert asyncio.run(canary.before_promotion("mine")) is False
    assert "known-good program" in run.written[-1].reason


def test_a_bench_that_cannot_be_asked_says_nothing_of_the_world(key_file: Path) -> None:
    run = Run(key_file, [])
    bench = OneBench(run, RECORDING, closed(None))
    canary = Canary(run)  # type: ignore[arg-type]
    assert asyncio.run(canary.before_promotion("mine")) is None
    assert "without a verdict" in run.written[-1].text

    async def gone(*_: Any) -> TrialClosed:
        raise Stopped("stopped by the operator")

    run.trials.known_good = gone
    assert asyncio.run(canary.before_promotion("mine")) is None
    assert "stopped by the operator" in run.written[-1].text
    del bench
    run.bench = None  # type: ignore[attr-defined]
    assert asyncio.run(canary.before_promotion("mine")) is None
    assert "has no bench" in run.written[-1].text


def test_a_resumed_run_counts_on_and_doubts_what_it_ran_before(
    key_file: Path, tmp_path: Path
) -> None:
    path = tmp_path / "stopped.db"
    events: list[Any] = [opening()]
    for n in range(1, FIRST + 8):
        opened = TrialOpened(n, "t", 4 * n, "dev", "p", 1, "worker", "sim")
        events += [opened, closed("PASS", n)]
        if n == FIRST:
            events.append(CanaryReported(True, "worker", ()))
    with Recorder.create(path, ballast_bytes=0) as recorder:
        recorder.append(events, BLOBS)
    run = Run(key_file, [report()])
    assert asyncio.run(Canary(run).before_promotion("mine")) is True  # type: ignore[arg-type]
    later = Run(key_file, [report(0.5)], past=object())
    later.job.session = str(path)
    canary = Canary(later)  # type: ignore[arg-type]
    rest = range(FIRST + 8, FIRST + EVERY + 1)
    later.close(canary, rest[:-1])
    assert later.asked == []
    later.close(canary, rest[-1:])
    assert later.written[-1].doubtful == tuple(range(FIRST + 1, FIRST + EVERY + 1))
