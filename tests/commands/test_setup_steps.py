"""Set-up as a machine: any order of steps, also repeated, leaves only results that still hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aspire_tui.commands.setup_steps import (
    RESTS_ON,
    STEPS,
    Done,
    Progress,
    StepName,
    finished,
    lacking,
    next_step,
    void_after,
)

DONE = Done("2026-05-01T10:00:00+00:00", "ann", "fine")


def test_from_the_box_to_the_end_in_order() -> None:
    progress = Progress("mine")
    order = []
    while (step := next_step(progress)) is not None:
        order.append(step)
        progress = finished(progress, step, DONE)
    assert order == list(STEPS)


@given(st.lists(st.sampled_from(STEPS), max_size=40))
def test_nothing_stands_on_what_was_done_again_or_never(tried: list[StepName]) -> None:
    progress = Progress("mine")
    when: dict[StepName, int] = {}
    for n, step in enumerate(tried):
        if lacking(progress, step):
            with pytest.raises(ValueError, match="rests on"):
                finished(progress, step, DONE)
            continue
        progress = finished(progress, step, DONE)
        when[step] = n
        for done in progress.done:
            assert all(b in progress.done and when[b] < when[done] for b in RESTS_ON[done])
        assert list(progress.done) == [s for s in STEPS if s in progress.done]


def test_new_joint_zeros_void_what_was_measured_with_the_old_ones() -> None:
    assert void_after("calibrate") == {"poses", "zero", "hover"}
    assert void_after("cameras") == {"intrinsics", "poses", "zero", "hover"}
    assert void_after("hover") == frozenset()
