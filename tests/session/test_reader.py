"""The reader's answers at any moment: what came later is absent, nothing earlier is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from story import BLOBS, PROGRAM, intent, opening, result, story, trial_opened, verdict
from story import check as checked

from aspire_tui.domain import Blob, ResetVerdict
from aspire_tui.events import (
    AgentSaid,
    AgentTurn,
    CallIntent,
    CallResult,
    HypothesisDecided,
    HypothesisOpened,
    HypothesisScored,
    ProgramEnded,
    ProgramStored,
    RefereeJudged,
    ResetReported,
    TrialClosed,
)
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.recorder import Recorder

TOLD = [
    opening(),  # 1
    ProgramStored(PROGRAM, Blob(PROGRAM, "text/x-python", 6), "rules"),
    HypothesisOpened(1, None, "it lifts", "+1", "slips", PROGRAM, "rules"),
    trial_opened(1, hypothesis=1),  # 4
    ResetReported(1, ResetVerdict("ok", 1, 3, (checked(),), "cube seen")),
    intent(1, 1),  # 6
    result(1, 1, status="EMPTY_GRASP"),
    intent(1, 2),  # 8
    result(1, 2),
    ProgramEnded(1, 1, "returned", "", True, "hello", 2),  # 10
    verdict(1, "FAIL"),
    RefereeJudged(1, 1, "FAIL", {"z": 0.0}),
    intent(1, 3, attempt=2),  # 13
    result(1, 3, attempt=2),
    ProgramEnded(1, 2, "returned", "", False, "again", 1),
    verdict(1, "PASS", 2),  # 16
    TrialClosed(1, "PASS", "returned", 1, 9.0, 10.0),
    HypothesisScored(1, "dev", 1, 1, 0.2, 1.0),  # 18
    HypothesisDecided(1, "kept", "held"),
    trial_opened(2, "worker"),  # 20
    intent(2, 1),
]


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[SessionReader]:
    with Recorder.create(tmp_path / "s.db", ballast_bytes=0) as recorder:
        recorder.append(TOLD, BLOBS)
    with SessionReader(tmp_path / "s.db") as reader:
        yield reader


def test_trials_grow_as_they_did(reader: SessionReader) -> None:
    assert reader.trials(3) == []
    (opened,) = reader.trials(4)
    assert (opened.reset, opened.calls, opened.attempts, opened.closed_seq) == (None, 0, 0, None)
    (running,) = reader.trials(8)
    assert (running.reset, running.calls, running.ended, running.verdict) == ("ok", 2, None, None)
    (judged,) = reader.trials(12)
    assert (judged.ended, judged.claimed) == ("returned", True)
    assert (judged.verdict, judged.referee) == ("FAIL", "FAIL")
    assert judged.outcome is None, "the trial goes on"
    first, second = reader.trials()
    assert (first.outcome, first.implicated, first.attempts, first.calls) == ("PASS", 1, 2, 3)
    assert (first.claimed, first.verdict, first.verdict_reason) == (
        False,
        "PASS",
        "height says PASS",
    )
    assert (second.trial, second.where, second.closed_seq) == (2, "worker", None)
    assert reader.trials(newest=1) == [second]
    assert reader.trials(hypothesis=1) == [first] == [reader.trial(1)]


def test_attempts_keep_their_outcomes_apart(reader: SessionReader) -> None:
    first, second = reader.attempts(1)
    assert (first.ended, first.claimed, first.verdict, first.referee) == (
        "returned", True, "FAIL", "FAIL",
    )  # fmt: skip
    assert (second.claimed, second.verdict, second.referee) == (False, "PASS", None)
    assert reader.attempts(1, 10)[0].verdict is None


def test_calls_at_a_moment(reader: SessionReader) -> None:
    assert [c.status for c in reader.calls(1)] == ["EMPTY_GRASP", "OK", "OK"]
    before, flying = reader.calls(1, 8)
    assert (before.status, flying.status, flying.summary) == ("EMPTY_GRASP", None, "")
    detail = reader.call(1, 1)
    assert detail is not None and isinstance(detail.intent, CallIntent)
    assert isinstance(detail.result, CallResult) and detail.result.status == "EMPTY_GRASP"
    assert reader.call(1, 1, 6).result is None  # type: ignore[union-attr]
    assert reader.call(1, 1, 5) is None
    assert reader.call(1, 99) is None


def test_stepping_by_call_and_by_failure(reader: SessionReader) -> None:
    stops = [7, 9, 14, 21]
    assert [stop.seq for stop in reader.call_seqs()] == stops
    assert [stop.seq for stop in reader.call_seqs(1)] == stops[:3]
    assert reader.call_seqs()[-1].edge == "intent", "a call without a result is a stop of its own"
    seen, at = [], 0
    while stop := reader.step_call(at):
        seen.append(at := stop.seq)
    assert seen == stops
    back = []
    while stop := reader.step_call(at, forward=False):
        back.append(at := stop.seq)
    assert back == stops[-2::-1]
    failure = reader.step_failure(0)
    assert failure is not None and failure.seq == 7
    assert reader.step_failure(7) is None
    assert reader.step_failure(20, forward=False) == failure


def test_the_tree_at_a_moment(reader: SessionReader) -> None:
    assert reader.hypotheses(2) == []
    (young,) = reader.hypotheses(17)
    assert (young.status, young.scores) == ("open", {})
    (grown,) = reader.hypotheses()
    assert (grown.status, grown.decided_reason, grown.scores["dev"].k) == ("kept", "held", 1)


def test_a_program_is_found_by_its_hash(reader: SessionReader) -> None:
    row = reader.program(PROGRAM)
    assert row is not None and (row.text, row.author) == ("move()", "rules")
    assert reader.program("0" * 64) is None


@pytest.mark.parametrize("seed", range(5))
def test_filters_and_pages_agree_with_reading_everything(tmp_path: Path, seed: int) -> None:
    with Recorder.create(tmp_path / "s.db", ballast_bytes=0) as recorder:
        recorder.append(list(story(seed, 12)))
    with SessionReader(tmp_path / "s.db") as reader:
        everything = reader.events()
        kinds = ("intent", "result", "note")
        wanted = [e for e in everything if e.event.__struct_config__.tag in kinds]
        assert reader.events(kinds=kinds) == wanted
        of_trial = [e for e in wanted if not hasattr(e.event, "trial") or e.event.trial == 3]
        of_trial = [e for e in of_trial if hasattr(e.event, "trial")]
        assert reader.events(kinds=kinds, trial=3) == of_trial
        paged, after = [], 0
        while page := reader.events(after, 7, kinds=kinds):
            paged += page
            after = page[-1].seq
        assert paged == wanted
        half = len(everything) // 2
        assert reader.events(upto_seq=half) == everything[:half]
        lines = [
            e for e in everything[:half]
            if e.event.__struct_config__.tag
            in ("agent_turn", "agent_said", "agent_tool", "tokens", "skill_matched")
        ]  # fmt: skip
        assert [line.seq for line in reader.agent_lines(half, 5)] == [e.seq for e in lines[-5:]]


def test_agent_lines_are_the_newest(tmp_path: Path) -> None:
    with Recorder.create(tmp_path / "s.db", ballast_bytes=0) as recorder:
        recorder.append([opening(), AgentTurn(True), *(AgentSaid(f"{n}") for n in range(9))])
    with SessionReader(tmp_path / "s.db") as reader:
        assert [line.event for line in reader.agent_lines(limit=2)] == [
            AgentSaid("7"),
            AgentSaid("8"),
        ]
        assert reader.agent_lines(2)[0].event == AgentTurn(True)


def test_changed_is_told_once(tmp_path: Path) -> None:
    with Recorder.create(tmp_path / "s.db", ballast_bytes=0) as recorder:
        recorder.append([opening()])
        with SessionReader(tmp_path / "s.db") as reader:
            assert reader.changed()
            assert not reader.changed()
            recorder.append([AgentTurn(True)])
            assert reader.changed()
            assert not reader.changed()
