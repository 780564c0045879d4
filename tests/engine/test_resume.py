"""What a stopped run did is not done again; what it left open is not counted."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aspire_tui.domain import Budget, RunSpec, SandboxReport, sha256_hex
from aspire_tui.engine.book import Book
from aspire_tui.engine.resume import UNFINISHED, Replay, TrialKey, closings, read_past
from aspire_tui.errors import ConfigError
from aspire_tui.events import (
    AgentSaid,
    AgentTool,
    AgentTurn,
    AnyEvent,
    BudgetSpent,
    CallIntent,
    HypothesisOpened,
    Note,
    RunEnded,
    SessionOpened,
    TrialClosed,
    TrialOpened,
)
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.recorder import Recorder

SPEC = RunSpec("run", ("cube_stack",), "yam", "rules", 7, True, Budget(max_trials=20))
PROGRAM = sha256_hex(b"x")


def opened(trial: int, seed: int, where: str = "worker") -> TrialOpened:
    return TrialOpened(trial, "cube_stack", seed, "dev", PROGRAM, 1, where, "sim")


def closed(trial: int, outcome: str | None = "PASS", ended: str | None = "returned") -> TrialClosed:
    return TrialClosed(trial, outcome, ended, None, 1.0, 1.0)  # type: ignore[arg-type]


STORY: list[AnyEvent] = [
    SessionOpened(SPEC, SandboxReport("A", "Linux", (), ()), {}, {}, {"verifier": "v"}),
    AgentSaid("Task: stack", "plan"),
    HypothesisOpened(1, None, "plain", "first", "fails", PROGRAM, "rules"),
    opened(1, 40, "bench"),
    closed(1),
    opened(2, 44),
    closed(2, "FAIL"),
    opened(3, 48),
    closed(3, None, "aborted"),
    BudgetSpent(SPEC.budget, 3, 1.5, 0, 0.0),
    opened(4, 52, "bench"),
    CallIntent(4, 1, 1, "goto_pose", {}, 3, 0.0),
]


def recorded(path: Path, events: list[AnyEvent]) -> Path:
    with Recorder.create(path, ballast_bytes=0) as recorder:
        for event in events:
            recorder.append([event])
    return path


def test_the_past_is_read_from_the_file(tmp_path: Path) -> None:
    with SessionReader(recorded(tmp_path / "s.db", STORY)) as reader:
        past = read_past(reader)
    assert past.unfinished == (4,)
    assert past.unknown == ("call 1 (goto_pose) of trial 4",)
    assert (past.trials, past.last_trial, past.last_hypothesis) == (2, 4, 1)
    assert past.minutes == 1.5
    assert past.finished.take(TrialKey(PROGRAM, 40, "dev", "bench")).trial == 1  # type: ignore[union-attr]
    # Once handed out it is gone, and where it ran matters.
    assert past.finished.take(TrialKey(PROGRAM, 40, "dev", "bench")) is None
    assert past.finished.take(TrialKey(PROGRAM, 44, "dev", "bench")) is None
    # An aborted trial says nothing of its program: it is run again.
    assert past.finished.take(TrialKey(PROGRAM, 48, "dev", "worker")) is None
    (closing,) = closings(past)
    assert (closing.trial, closing.outcome, closing.reason) == (4, None, UNFINISHED)


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (RunEnded("PASS", "done"), "is done"),
        (None, "exec is not resumed"),
    ],
)
def test_what_cannot_be_resumed_says_so(tmp_path: Path, last: RunEnded | None, said: str) -> None:
    story = list(STORY)
    if last is None:
        first = story[0]
        assert isinstance(first, SessionOpened)
        spec = msgspec.structs.replace(SPEC, verb="exec")
        story[0] = msgspec.structs.replace(first, spec=spec)
    else:
        story.append(last)
    with (
        SessionReader(recorded(tmp_path / "s.db", story)) as reader,
        pytest.raises(ConfigError, match=said),
    ):
        read_past(reader)


def test_a_book_counts_on_and_writes_nothing_twice(tmp_path: Path) -> None:
    path = recorded(tmp_path / "s.db", STORY)
    with SessionReader(path) as reader:
        past = read_past(reader)
    with Recorder.open(path, ballast_bytes=0) as recorder:
        book = Book(recorder, SPEC.budget, clock=lambda: 0.0)
        book.go_on(past)
        before = recorder.last_seq

        async def again() -> None:
            await book.write(AgentTurn(True, "rules"))
            await book.write(AgentSaid("Task: stack", "plan"))
            assert book.earlier_hypotheses() == 0
            await book.write(HypothesisOpened(1, None, "plain", "first", "fails", PROGRAM, "rules"))
            assert recorder.last_seq == before
            await book.write(AgentSaid("something new"))
            assert book.earlier_hypotheses() == 1
            await book.write(AgentTurn(False))

        asyncio.run(again())
        assert recorder.last_seq == before + 2
        assert book.next_trial() == 5
        assert book.trials == 3
        assert book.minutes() == 1.5


events_st = st.lists(
    st.one_of(
        st.builds(AgentSaid, st.sampled_from(["a", "b", "c"])),
        st.builds(AgentTool, st.sampled_from(["run", "call"]), st.just({}), st.just("ok")),
    ),
    max_size=12,
)


@given(events_st, events_st, st.integers(0, 12))
def test_an_agent_that_repeats_itself_adds_exactly_what_was_missing(
    story: list[AnyEvent], noise: list[AnyEvent], crash: int
) -> None:
    """Whatever prefix of the story the file holds, replaying the story completes it."""
    kept = story[:crash]
    replay = Replay(kept)
    written = [e for event in story for e in replay.fresh([event])]
    assert kept + written == story
    # What the engine says of itself is never held back.
    assert Replay(kept).fresh([Note("x")]) == (Note("x"),)
