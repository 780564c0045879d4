"""Where the time went, told from events alone; bench and simulated time are never pooled."""

from __future__ import annotations

import pytest
from story import intent, result, story, trial_opened

from aspire_tui.domain import Tokens
from aspire_tui.events import (
    AgentTurn,
    AnyEvent,
    CellChanged,
    Note,
    PhaseChanged,
    Recorded,
    RunEnded,
    TrialClosed,
)
from aspire_tui.session.pass_at_k import mean_attempts, pass_at_k
from aspire_tui.session.utilisation import Utilisation, observe, tokens_per_minute


def account(*timed: tuple[float, AnyEvent]) -> Utilisation:
    state = Utilisation()
    for seq, (mono_s, event) in enumerate(timed, 1):
        state = observe(state, Recorded(seq, 1e9 + mono_s, mono_s, event))
    return state


def phase(name: str) -> PhaseChanged:
    return PhaseChanged(1, name, "engine", 0.0)


def cell(state: str) -> CellChanged:
    return CellChanged(state, None, "", "host", 0.0)


def test_the_phases_of_a_bench_trial() -> None:
    split = account(
        (0, trial_opened(1)),
        (1, phase("resetting")),
        (3, phase("verifying_reset")),
        (4, phase("ready")),
        (5, phase("executing")),
        (9, phase("held")),
        (10, phase("executing")),
        (12, phase("verifying")),
        (13, phase("needs_operator")),
        (20, phase("recorded")),
    ).at(21)
    assert split.clock == "wall"
    assert split.wall.seconds() == {
        "executing": 6, "resetting": 2, "verifying": 2, "thinking": 0, "operator": 7, "held": 1,
        "fault": 0, "idle": 3,
    }  # fmt: skip
    assert split.wall.mru == pytest.approx(6 / 21)
    assert sum(split.wall.shares().values()) == pytest.approx(1)


def test_thinking_counts_only_while_the_cell_has_nothing_to_do() -> None:
    wall = account(
        (0, AgentTurn(True)),
        (2, phase("executing")),
        (5, phase("recorded")),
        (6, AgentTurn(False)),
    ).at(10).wall  # fmt: skip
    assert (wall.thinking, wall.executing, wall.idle) == (3, 3, 4)


def test_a_fault_outranks_the_phase_and_a_resting_hold_is_no_hold() -> None:
    wall = account(
        (0, cell("HOLD")),
        (1, phase("executing")),
        (2, cell("RUN")),
        (3, cell("FAULT")),
        (5, cell("HOLD")),
        (6, cell("PSTOP")),
        (8, cell("HOLD")),
    ).at(9).wall  # fmt: skip
    assert (wall.executing, wall.fault, wall.held, wall.idle) == (4, 2, 2, 1)


def test_time_nobody_recorded_counts_nowhere() -> None:
    split = account(
        (0, phase("executing")),
        (4, cell("RUN")),
        (1000, Note("", "warn", "session_reopened")),
        (1001, phase("executing")),
        (1003, RunEnded("PASS", "done")),
    ).at(5000)
    assert split.wall.executing == 4 + 2
    assert split.wall.total_s == 4 + 1 + 2


def test_worker_trials_are_told_in_simulated_time_apart_from_the_bench() -> None:
    state = account(
        (0, trial_opened(1, "worker")),
        (0, intent(1, 1, 1, 10.0)),
        (0, result(1, 1, 1, 12.0, held_s=0.5)),
        (0, intent(1, 2, 1, 13.0)),
        (0, result(1, 2, 1, 16.0)),
        (0, intent(1, 3, 2, 20.0)),
        (0, result(1, 3, 2, 21.0)),
        (0, TrialClosed(1, "PASS", "returned", None, 15.0, 0.3)),
        (9, Note("later")),
    ).at(10)
    assert state.clock == "sim"
    assert (state.sim.executing, state.sim.held, state.sim.idle) == (6.5, 0.5, 8.0)
    assert state.wall.executing == 0 and state.wall.idle == 10
    told = account(
        (0, trial_opened(1, "worker")),
        (0, TrialClosed(1, "PASS", "returned", None, 15.0, 0.3,
                        split_s={"executing": 5.0, "resetting": 7.0, "verifying": 3.0})),
    )  # fmt: skip
    assert told.sim.mru == pytest.approx(5 / 15)
    assert told.sim.resetting == 7


@pytest.mark.parametrize("seed", range(20))
def test_every_moment_belongs_to_exactly_one_class(seed: int) -> None:
    events = [e for e in story(seed) if not isinstance(e, Note | RunEnded)]
    state = account(*((float(n), event) for n, event in enumerate(events)))
    assert state.at(len(events)).wall.total_s == pytest.approx(len(events))


def test_mtu_counts_every_token_once() -> None:
    # Reasoning is a part of the output.
    assert tokens_per_minute(Tokens(100, 2000, 30, 20, 0.1), 2.0) == 1065
    assert tokens_per_minute(Tokens(), 0.0) is None


def test_pass_at_k_is_retries_in_one_trial() -> None:
    trials = [[True], [False, True], [False, False, False], []]
    assert pass_at_k(trials, 3) == [0.25, 0.5, 0.5]
    assert mean_attempts(trials) == 1.5
    assert pass_at_k([], 3) == []
