"""What the rules agent saw, in words for somebody new to the bench. Pure."""

from __future__ import annotations

from aspire_tui.improvement.tools import CallDetail, TrialBrief


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
    return (
        f"Scene {failure.seed_index} (trial {failure.trial}) failed: {failure.reason}. {ended}. "
        f"Of its calls I open number {detail.call}, {which}: {detail.primitive} at line "
        f"{detail.line} ended {detail.status}{off} ({detail.summary}).{more}"
    )
