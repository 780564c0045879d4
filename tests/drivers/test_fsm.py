from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.errors import CellRefused
from drivers.fsm import ENERGISED, TABLE, StateMachine, Trigger

TRIGGERS: list[Trigger] = sorted({trigger for _, trigger in TABLE})


def machine(*triggers: Trigger) -> StateMachine:
    fsm = StateMachine(lambda: 0.0)
    for trigger in triggers:
        fsm.fire(trigger, "test", "me")
    return fsm


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(TRIGGERS), max_size=40))
def test_any_sequence_either_follows_the_table_or_changes_nothing(triggers: list[Trigger]) -> None:
    fsm = StateMachine(lambda: 0.0)
    for n, trigger in enumerate(triggers):
        before, seq = (fsm.state, fsm.mode, fsm.cause), fsm.seq
        try:
            event = fsm.fire(trigger, f"cause {n}", f"who {n}")
        except CellRefused:
            assert trigger != "hold", "a stop is never refused"
            assert ((fsm.state, fsm.mode, fsm.cause), fsm.seq) == (before, seq)
            continue
        if event is None:
            assert trigger == "hold" and (fsm.state, fsm.mode, fsm.cause) == before
            continue
        assert (fsm.state, fsm.mode) == TABLE[before[0], trigger]
        assert (event.seq, event.cause, event.who) == (seq + 1, f"cause {n}", f"who {n}")
        assert (fsm.mode is not None) == (fsm.state == "RUN")


def test_nothing_leads_from_a_protective_stop_or_a_loss_to_motion() -> None:
    for state in ("PSTOP", "LOST", "FAULT", "LIMP", "OFFLINE", "CHECK"):
        following = {TABLE[s, t][0] for s, t in TABLE if s == state}
        assert "RUN" not in following, state


def test_torque_goes_off_only_by_release() -> None:
    limp = {t for (s, t), (after, _) in TABLE.items() if s in ENERGISED and after == "LIMP"}
    assert limp == {"release"}


def test_a_refusal_says_what_to_do() -> None:
    with pytest.raises(CellRefused, match="enable the drives first"):
        machine("connect", "checked_limp").fire("start_traj", "", "")


def test_events_are_numbered_and_asked_for_by_number() -> None:
    fsm = machine("connect", "checked_hold", "start_traj", "hold")
    assert [e.seq for e in fsm.events(2)] == [3, 4]
    assert fsm.events(2)[0].mode == "TRAJ"
