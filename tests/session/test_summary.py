"""What scripts read: exactly the promised fields, from the session file alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from story import BLOBS, PROGRAM, intent, opening, result, trial_opened, verdict

from aspire_tui.domain import Repair, ResetVerdict, Tokens
from aspire_tui.events import (
    AnyEvent,
    HypothesisDecided,
    HypothesisOpened,
    HypothesisScored,
    ProgramEnded,
    RefereeJudged,
    ResetReported,
    RunEnded,
    TokensUsed,
    TrialClosed,
)
from aspire_tui.session.interval import interval
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.recorder import Recorder
from aspire_tui.session.summary import exec_summary, run_summary


def attempt(trial: int, outcome: str, status: str = "OK", seed_set: str = "dev") -> list[AnyEvent]:
    return [
        trial_opened(trial, "worker", seed_set),
        ResetReported(trial, ResetVerdict("ok", 1, 3, (), "seen")),
        intent(trial, 1),
        result(trial, 1, status=status),
        ProgramEnded(trial, 1, "returned", "", True, "hello\n", 1),
        verdict(trial, outcome),
        RefereeJudged(trial, 1, outcome, {}),
        TrialClosed(trial, outcome, "returned", None if outcome == "PASS" else 1, 4.0, 1.0),
    ]


def record(path: Path, events: list[AnyEvent]) -> SessionReader:
    with Recorder.create(path, ballast_bytes=0) as recorder:
        recorder.append(events, BLOBS)
    return SessionReader(path)


def as_json(answer: dict[str, Any]) -> dict[str, Any]:
    return msgspec.json.decode(msgspec.json.encode(answer))


def test_exec_answers_with_the_promised_fields(tmp_path: Path) -> None:
    reader = record(tmp_path / "s.db", [opening("exec"), *attempt(1, "FAIL", "EMPTY_GRASP")])
    assert as_json(exec_summary(reader)) == {
        "session": str(tmp_path / "s.db"),
        "trial": 1,
        "task": "cube_lift",
        "seed": 101,
        "program": {"ended": "returned", "error": ""},
        "claimed": True,
        "verdict": {
            "outcome": "FAIL",
            "checks": [
                {"name": "height", "source": "scene", "value": 0.1, "unit": "m", "lo": 0.05,
                 "hi": None, "outcome": "FAIL"}
            ],
            "reason": "height says FAIL",
        },
        "referee": "FAIL",
        "calls": [
            {"n": 1, "primitive": "goto_pose", "status": "EMPTY_GRASP", "duration_s": 1.0,
             "summary": "EMPTY_GRASP 2 mm"}
        ],
        "stdout": "hello\n",
        "sandbox": {"level": "A", "kernel": "6.18", "denied": ["socket", "fork"], "leaks": [],
                    "missing": {"cgroup": "not used"}, "waived": False},
        "brands": ["noise-off"],
    }  # fmt: skip


def test_exec_of_many_trials_groups_the_failures(tmp_path: Path) -> None:
    told: list[AnyEvent] = [opening("exec")]
    told += attempt(1, "PASS") + attempt(2, "FAIL", "EMPTY_GRASP") + attempt(3, "FAIL", "IK_FAILED")
    told += attempt(4, "FAIL", "EMPTY_GRASP")
    told += [trial_opened(5, "worker"), TrialClosed(5, None, None, None, 0.0, 0.0, "reset failed")]
    answer = as_json(exec_summary(record(tmp_path / "s.db", told)))
    assert (answer["trials"]["k"], answer["trials"]["n"]) == (1, 4)
    assert answer["trials"]["interval"] == list(interval(1, 4))
    groups = [(g["primitive"], g["status"], g["check"], g["trials"]) for g in answer["failures"]]
    assert groups[0] == ("goto_pose", "EMPTY_GRASP", "height", [2, 4])
    assert sorted(groups[1:]) == [("", None, "", [5]), ("goto_pose", "IK_FAILED", "height", [3])]


def test_exec_says_when_an_outcome_is_unknown(tmp_path: Path) -> None:
    reader = record(tmp_path / "s.db", [opening("exec"), *attempt(1, "PASS")[:3]])
    answer = exec_summary(reader)
    assert answer["program"] == {"ended": None, "error": ""}
    assert answer["verdict"] is None and answer["referee"] is None
    assert answer["calls"][0]["status"] is None


def test_exec_answers_before_anything_ran(tmp_path: Path) -> None:
    reader = record(tmp_path / "s.db", [opening("exec")])
    assert set(exec_summary(reader)) == {
        "session", "trial", "task", "seed", "program", "claimed", "verdict", "referee", "calls",
        "stdout", "sandbox", "brands",
    }  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> SessionReader:
    first = Repair(1, 1, "goto_pose", "EMPTY_GRASP", "lower-first", {"dz": -0.01}, True)
    second = Repair(4, 2, "goto_pose", "BLOCKED", "lift-first", {}, False)
    told: list[AnyEvent] = [opening()]
    told += [HypothesisOpened(1, None, "plain", "", "", PROGRAM, "rules")]
    told += attempt(1, "FAIL", "EMPTY_GRASP")
    told += [TokensUsed(Tokens(10, 100, 5, 2, 0.5), "m"), TokensUsed(Tokens(1, 2, 3, 4, 0.25), "m")]
    told += [HypothesisOpened(2, 1, "lower", "", "", PROGRAM, "rules", (first,))]
    told += attempt(2, "PASS", seed_set="selection")
    told += [HypothesisScored(2, "selection", 8, 9, 0.5, 0.9)]
    told += [HypothesisOpened(3, 2, "lift too", "", "", PROGRAM, "rules", (first, second))]
    told += [HypothesisScored(3, "selection", 9, 9, 0.7, 1.0), HypothesisDecided(3, "kept", "")]
    told += attempt(3, "PASS", seed_set="held_out") + attempt(4, "FAIL", seed_set="held_out")
    told += [RunEnded("PASS", "done", 3, 48, 50, 0.86, 0.99)]
    return record(tmp_path / "s.db", told)


def test_run_answers_with_the_promised_fields(run: SessionReader) -> None:
    answer = as_json(run_summary(run))
    assert set(answer) == {
        "session", "task", "agent", "outcome", "stopped_by", "search", "held_out", "best",
        "repairs", "tokens", "utilisation", "minutes", "sandbox", "brands",
    }  # fmt: skip
    assert (answer["task"], answer["agent"]) == ("cube_lift", "rules")
    assert (answer["outcome"], answer["stopped_by"]) == ("PASS", "done")
    assert answer["search"] == {"n": 2, "k": 1}, "held-out trials are no part of the search"
    assert answer["held_out"] == {"n": 50, "k": 48, "interval": [0.86, 0.99]}
    assert answer["best"] == {"hypothesis": 3, "claim": "lift too"}
    totals = {"input": 11, "cached": 102, "output": 8, "reasoning": 6, "cost": 0.75}
    assert {name: answer["tokens"][name] for name in totals} == totals


def test_every_repair_comes_once_with_the_proof_of_where_it_came_in(run: SessionReader) -> None:
    repairs = run_summary(run)["repairs"]
    assert [(r["skill"], r["proof"]) for r in repairs] == [
        ("lower-first", {"n": 9, "k": 8}),
        ("lift-first", {"n": 9, "k": 9}),
    ]


def test_mru_names_its_clock_and_its_split_sums_to_one(run: SessionReader) -> None:
    told = run_summary(run)["utilisation"]
    assert told["clock"] == "sim"
    assert sum(told["split"].values()) == pytest.approx(1, abs=1e-3)


def test_held_out_is_never_what_the_best_is_chosen_by(tmp_path: Path) -> None:
    told: list[AnyEvent] = [opening()]
    told += [HypothesisOpened(n, None, f"{n}", "", "", PROGRAM, "rules") for n in (1, 2)]
    told += [HypothesisScored(1, "selection", 8, 9, 0.5, 0.9)]
    told += [HypothesisScored(2, "held_out", 9, 9, 0.9, 1.0)]
    told += [HypothesisScored(2, "selection", 7, 9, 0.4, 0.9)]
    reader = record(tmp_path / "s.db", told)
    best = reader.snapshot().best
    assert best is not None and best.hypothesis == 1
    assert run_summary(reader)["best"] == {"hypothesis": 1, "claim": "1"}
    assert run_summary(reader)["outcome"] is None
