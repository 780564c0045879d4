"""What the rules agent saw, in words for somebody new to the bench. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from aspire_tui.domain import Status
from aspire_tui.improvement.tools import CallDetail, TrialBrief

MEANS: Final[Mapping[Status, str]] = {
    "IK_FAILED": "the arm has no posture that reaches that pose",
    "PLANNING_ERROR": "no way there was found",
    "COLLISION": "on that way the arm would touch something",
    "NOT_CONVERGED": "the arm came close and did not settle there",
    "BLOCKED": "something stopped the arm before it got there",
    "EMPTY_GRASP": "the fingers closed and had nothing between them",
    "SLIPPED": "what the fingers held is not in them any more",
    "NOT_FOUND": "the cameras did not see it",
    "STALE": "what the cameras saw was too old to act on",
    "LIMIT": "that is outside of what this robot may do",
    "TIMEOUT": "it did not end in time",
    "INVALID": "it was asked for in a way that makes no sense",
    "FAULT": "a part of the cell failed, not the program",
}
"""What a status is, for somebody who reads it for the first time."""
SCENES_IN_WORDS: Final = (
    "A scene is where things lie at the start. On dev scenes I look and try, on others the engine "
    "decides what is kept, and on a third kind, which nobody sees before, it proves the end result."
)
PROOF_IN_WORDS: Final = (
    "Fixed are scenes that failed before and pass now, broken the other way round; p is how often "
    "luck alone would do as well, and only a small one keeps a repair."
)


def same_task_in_words(skills: Sequence[str]) -> str:
    """That what is shown is the loop, and no learning."""
    names, have = (skills[0], "has its") if len(skills) == 1 else (", ".join(skills), "have their")
    return (
        f"{names} {have} evidence from this same task: what follows shows the loop at work, and "
        "nothing newly learned."
    )


def seen_in_words(failure: TrialBrief, detail: CallDetail, times: int) -> str:
    """What a failing trial shows and why this call is looked at, for somebody new to it."""
    ended = {
        "returned": "The program ran to its end, but what it left is not what was asked",
        "raised": "The program gave up with an error",
        "timeout": "The program did not end in time",
    }.get(failure.ended, f"The program ended: {failure.ended}")
    which = (
        "the first that explains the failure"
        if detail.call == failure.implicated
        else "one that went wrong after it"
    )
    off = "" if detail.error_m is None else f", {1000 * detail.error_m:.0f} mm from where it should"
    more = "" if times == 1 else f" {times} of the failing scenes show the same."
    means = MEANS.get(detail.status)
    told = f" {detail.status} means: {means}." if means else ""
    return (
        f"Scene {failure.seed_index} (trial {failure.trial}) failed: {failure.reason}. {ended}. "
        f"Of its calls I open number {detail.call}, {which}: {detail.primitive} at line "
        f"{detail.line} ended {detail.status}{off} ({detail.summary}).{told}{more}"
    )
