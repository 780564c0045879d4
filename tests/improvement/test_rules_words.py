"""A newcomer reads what the rules agent saw and why it looks where it looks."""

from __future__ import annotations

from typing import get_args

from aspire_tui.domain import Status
from aspire_tui.improvement.rules.words import MEANS, same_task_in_words, seen_in_words
from aspire_tui.improvement.tools import CallDetail, TrialBrief


def test_a_failure_is_told_with_its_scene_call_line_status_and_reason() -> None:
    trial = TrialBrief(7, 2, "FAIL", "returned", "top of red cube: 0.06 m", 5)
    call = CallDetail(5, "goto_pose", "BLOCKED", 12, {}, None, "stopped early", 0.0244)
    said = seen_in_words(trial, call, 3)
    for words in (
        "Scene 2 (trial 7) failed: top of red cube: 0.06 m",
        "ran to its end",
        "number 5, the first that explains the failure",
        "goto_pose at line 12",
        "BLOCKED, 24 mm from where it should (stopped early)",
        "3 of the failing",
        "BLOCKED means: something stopped the arm",
    ):
        assert words in said
    later = CallDetail(6, "close_gripper", "EMPTY_GRASP", 13, {}, None, "nothing held", None)
    assert "went wrong after it: close_gripper" in seen_in_words(trial, later, 1)


def test_every_status_that_is_no_success_is_told_in_words() -> None:
    assert set(get_args(Status)) - {"OK", "STOPPED"} == set(MEANS)


def test_evidence_from_the_same_task_is_said_once_for_all() -> None:
    assert same_task_in_words(["a"]).startswith("a has its evidence from this same task")
    assert same_task_in_words(["a", "b"]).startswith("a, b have their evidence")
