"""What the stand-in keeps from a bench there is one of, and that it decides nothing else."""

from __future__ import annotations

import pytest

from aspire_tui.domain import DryCall, SeenCell
from aspire_tui.events import DryRunReported
from aspire_tui.evolution.prescreen import kept_from_bench

SEEN = SeenCell(0.0, (), 0.07, 0.0, (), None, ())


def dry(*calls: tuple[str, str], ended: str = "returned", error: str = "") -> DryRunReported:
    made = tuple(
        DryCall(i, name, 10 + i, status, "why", 0.1)  # type: ignore[arg-type]
        for i, (name, status) in enumerate(calls, 1)
    )
    return DryRunReported("p", "t", "pre-screen", SEEN, ended, error, None, made)  # type: ignore[arg-type]


FINE = dry(("goto_pose", "OK"), ("close_gripper", "OK"))
SHORT = dry(("goto_pose", "IK_FAILED"), ("close_gripper", "EMPTY_GRASP"))


@pytest.mark.parametrize(
    ("baseline", "candidate", "why"),
    [
        (FINE, FINE, ""),
        (FINE, dry(("goto_pose", "BLOCKED"), ("close_gripper", "EMPTY_GRASP")), ""),
        (FINE, dry(("goto_pose", "LIMIT")), "goto_pose at line 11 ended LIMIT: why"),
        (FINE, dry(ended="raised", error="NameError: x"), "the program raised: NameError: x"),
        (FINE, dry(ended="timeout"), "the program timeout"),
        (SHORT, SHORT, ""),
        (SHORT, dry(("goto_pose", "COLLISION")), "goto_pose at line 11 ended COLLISION"),
        (dry(ended="raised"), dry(ended="raised"), ""),
    ],
)
def test_only_what_was_refused_or_broke_is_kept_from_the_bench(
    baseline: DryRunReported, candidate: DryRunReported, why: str
) -> None:
    said = kept_from_bench(baseline, candidate)
    assert why in said and bool(said) == bool(why)


def test_a_cell_that_could_not_be_looked_at_keeps_nobody_away() -> None:
    unseen = DryRunReported("p", "t", "pre-screen", None, error="the camera is away")
    assert kept_from_bench(FINE, unseen) == "" == kept_from_bench(unseen, FINE)
