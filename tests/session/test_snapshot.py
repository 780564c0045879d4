"""What a screen is told of a moment."""

from __future__ import annotations

import pytest
from story import intent, opening, result, trial_opened, verdict

from aspire_tui.domain import Budget, ResetVerdict
from aspire_tui.events import (
    AgentSaid,
    AgentTurn,
    AnyEvent,
    BudgetSpent,
    CellChanged,
    HypothesisDecided,
    HypothesisOpened,
    HypothesisScored,
    Note,
    OperatorAct,
    PhaseChanged,
    ProgramEnded,
    Recorded,
    RefereeJudged,
    ResetReported,
    RunEnded,
    TrialClosed,
)
from aspire_tui.session import hypotheses, trials
from aspire_tui.session.snapshot import EMPTY, LAST_NOTES, Snapshot, fold_all


def at(*told: AnyEvent, start: Snapshot = EMPTY) -> Snapshot:
    """The moment after these events, one second apart."""
    first = start.seq + 1
    return fold_all(
        start, (Recorded(n, 1e9 + n, float(n), event) for n, event in enumerate(told, first))
    )


def act(verb: str, accepted: bool = True, **args: object) -> OperatorAct:
    return OperatorAct("1", verb, "ann", "operator", accepted, "", args)


def test_the_session_and_its_time() -> None:
    state = at(opening(), Note("hello", "warn", "x"))
    assert (state.seq, state.wall_s, state.mono_s) == (2, 1e9 + 2, 2.0)
    assert state.session is not None and state.session.opened_wall_s == 1e9 + 1
    assert state.session.brands == ("noise-off",)
    assert state.spent.budget.max_trials == 50
    assert [(n.seq, n.severity, n.text) for n in state.notes] == [(2, "warn", "hello")]


def test_cell_and_phase_say_since_when() -> None:
    state = at(
        CellChanged("HOLD", None, "enabled", "host", 1.5),
        CellChanged("HOLD", None, "key", "ann", 2.5),
        PhaseChanged(3, "needs_operator", "unsafe", 7.0, "clear the gripper"),
        Note("later"),
    )
    assert (state.cell.state, state.cell.cause, state.cell.who) == ("HOLD", "key", "ann")
    assert (state.cell.since_mono_s, state.cell.since_cell_s) == (1.0, 1.5), "HOLD since the first"
    assert (state.phase.phase, state.phase.trial, state.phase.since_mono_s) == (
        "needs_operator", 3, 3.0,
    )  # fmt: skip
    assert state.phase.waits_for == "clear the gripper"


def test_a_call_is_in_flight_until_its_result() -> None:
    flying = at(trial_opened(1), intent(1, 1))
    assert flying.in_flight is not None and flying.in_flight.since_mono_s == 2.0
    assert flying.last_call == flying.in_flight
    done = at(result(1, 1, status="BLOCKED"), start=flying)
    assert done.in_flight is None
    assert done.last_call is not None
    assert (done.last_call.status, done.last_call.line) == ("BLOCKED", 1)
    assert (done.last_call.intent_seq, done.last_call.result_seq) == (2, 3)
    assert done.trial is not None and (done.trial.calls, done.trial.calls_failed) == (1, 1)


def test_the_outcomes_of_a_trial_stay_apart() -> None:
    state = at(
        trial_opened(1),
        ResetReported(1, ResetVerdict("ok", 2, 3, (), "seen")),
        intent(1, 1),
        ProgramEnded(1, 1, "raised", "KeyError", True, "", 1, 4),
        verdict(1, "FAIL"),
        RefereeJudged(1, 1, "PASS", {}),
    )
    t = state.trial
    assert t is not None and t.reset is not None and t.reset.attempt == 2
    assert (t.ended, t.error, t.error_line, t.claimed) == ("raised", "KeyError", 4, True)
    assert t.verdict is not None and (t.verdict.outcome, t.referee) == ("FAIL", "PASS")
    again = at(intent(1, 2, attempt=2), start=state).trial
    assert again is not None
    assert (again.attempt, again.ended, again.claimed, again.verdict, again.referee) == (
        2, None, None, None, None,
    )  # fmt: skip
    closed = at(TrialClosed(1, "FAIL", "raised", 1, 9.0, 12.0, "why"), start=state)
    assert closed.open_trials == ()
    assert closed.trial is not None and not closed.trial.open
    assert (closed.trial.outcome, closed.trial.implicated, closed.trial.reason) == (
        "FAIL", 1, "why",
    )  # fmt: skip


def test_trials_are_counted_by_seed_set_and_unsure_is_no_pass() -> None:
    told: list[AnyEvent] = []
    outcomes = ["PASS", "PASS", "FAIL", "UNSURE", None]
    for number, outcome in enumerate(outcomes, 1):
        told += [trial_opened(number, "worker", "held_out")]
        told += [TrialClosed(number, outcome, None, None, 0.0, 0.0)]
    state = at(*told, trial_opened(9), TrialClosed(9, "PASS", None, None, 0.0, 0.0))
    held_out = state.count("held_out")
    assert (held_out.k, held_out.n, held_out.unsure, held_out.unjudged) == (2, 4, 1, 1)
    assert (state.count("dev").k, state.count("selection").n) == (1, 0)
    assert (state.trials_opened, state.trials_closed) == (6, 6)


def test_the_bench_is_shown_before_workers_while_its_trial_is_open() -> None:
    state = at(trial_opened(1), trial_opened(2, "worker"), intent(2, 1))
    assert state.trial is not None and state.trial.trial == 1
    assert state.in_flight is None
    assert state.worker is not None and state.worker.trial == 2
    state = at(TrialClosed(1, "PASS", None, None, 0.0, 0.0), start=state)
    assert state.trial is not None and state.trial.trial == 2
    assert state.bench is not None and state.bench.trial == 1


@pytest.mark.parametrize(
    ("acts", "expected"),
    [
        ([act("step")], (True, False, False)),
        ([act("step"), act("resume")], (False, False, False)),
        ([act("step", accepted=False)], (False, False, False)),
        ([act("pause_agent")], (False, True, False)),
        ([act("pause_agent"), act("pause_agent")], (False, False, False)),
        ([act("pause_agent", on=True), act("pause_agent", on=True)], (False, True, False)),
        ([act("stop")], (False, False, True)),
        ([act("step"), act("pause_agent"), Note("", "warn", "session_reopened")],
         (False, False, False)),
    ],
)  # fmt: skip
def test_the_switches_an_operator_holds(
    acts: list[AnyEvent], expected: tuple[bool, bool, bool]
) -> None:
    mode = at(*acts).mode
    assert (mode.stepping, mode.agent_paused, mode.stopping) == expected


def test_refused_acts_are_shown_with_their_reason() -> None:
    refused = OperatorAct("1", "resume", "bob", "viewer", False, "viewers may only hold")
    (shown,) = at(refused).acts
    assert (shown.who, shown.accepted, shown.reason) == ("bob", False, "viewers may only hold")


def test_the_agent_and_the_money() -> None:
    spent = BudgetSpent(Budget(max_trials=5), 3, 1.5, 100, 0.1, "5 trials are used up")
    state = at(AgentTurn(True, "reading"), AgentSaid("x" * 5000), spent)
    assert (state.agent.thinking, state.agent.note, state.agent.said_seq) == (True, "reading", 2)
    assert len(state.agent.said) < 1000
    assert (state.spent.trials, state.spent.exhausted) == (3, "5 trials are used up")


def opened(number: int) -> HypothesisOpened:
    return HypothesisOpened(number, None, f"claim {number}", "", "", "p", "rules")


def test_the_best_hypothesis() -> None:
    state = at(opened(1), opened(2), opened(3))
    assert state.best is not None and state.best.hypothesis == 1, "the oldest of equals"
    state = at(HypothesisScored(2, "selection", 5, 9, 0.3, 0.8), start=state)
    assert state.best is not None and state.best.hypothesis == 2
    state = at(HypothesisDecided(3, "kept", ""), start=state)
    assert state.best is not None and state.best.hypothesis == 3, "kept before merely scored"
    state = at(HypothesisDecided(3, "pruned", ""), start=state)
    assert state.best is not None and state.best.hypothesis == 2
    state = at(*(opened(n) for n in range(10, 10 + 3 * hypotheses.LIVE)), start=state)
    assert len(state.live_hypotheses) == hypotheses.LIVE
    assert state.best is not None and state.best.hypothesis == 2, "the best is never forgotten"


def test_lists_are_bounded() -> None:
    state = at(*(Note(f"{n}") for n in range(100)), *(act("step") for _ in range(100)))
    assert len(state.notes) == len(state.acts) == LAST_NOTES
    assert state.notes[-1].text == "99"
    state = at(*(trial_opened(n, "worker") for n in range(1, 500)))
    assert len(state.open_trials) == trials.MOST_OPEN


def test_the_end_of_the_run() -> None:
    state = at(opening(), RunEnded("PASS", "done", 3, 48, 50, 0.86, 0.99, "held"))
    assert state.ended is not None
    assert (state.ended.outcome, state.ended.best, state.ended.seq) == ("PASS", 3, 2)
