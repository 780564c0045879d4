from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aspire_tui.domain import Breakpoint
from aspire_tui.engine.gate import Asking, GateState

ACTS = ("hold", "resume", "step", "run_call", "skip_call", "abort", "ask", "ended", "end")
CALLS = (Asking(1, "goto_pose", 7, "abc"), Asking(2, "close_gripper", 8, "abc"), Asking())


def do(gate: GateState, act: str, what: Asking = CALLS[0]) -> str | None:
    match act:
        case "hold":
            gate.hold("test")
        case "resume":
            gate.resume()
        case "step":
            gate.step()
        case "run_call":
            gate.run_call()
        case "skip_call":
            gate.skip_call()
        case "abort":
            gate.abort("test")
        case "ended":
            gate.ended(1, "goto_pose", "BLOCKED")
        case "end":
            gate.trial_ended()
        case _:
            return gate.ask(what)
    return None


@given(st.lists(st.tuples(st.sampled_from(ACTS), st.sampled_from(CALLS)), max_size=60))
def test_after_hold_no_call_runs_until_resume_or_step(acts: list[tuple[str, Asking]]) -> None:
    gate = GateState()
    allowed = float("inf")
    for act, what in acts:
        answer = do(gate, act, what)
        if act in ("hold", "abort"):
            allowed = 0
        elif act in ("resume", "run_call") and gate.mode == "running":
            allowed = float("inf")
        elif act == "step" and gate.mode == "stepping":
            allowed = 1
        if answer == "run":
            assert allowed > 0
            allowed -= 1


@given(st.lists(st.tuples(st.sampled_from(ACTS), st.sampled_from(CALLS)), max_size=60))
def test_a_breakpoint_is_never_run_past_without_a_word(acts: list[tuple[str, Asking]]) -> None:
    """Between two runs of a call with a breakpoint lies a resume, a step or a run_call."""
    gate = GateState()
    gate.add(Breakpoint(0, "primitive", "goto_pose"))
    word = False
    for act, what in acts:
        before = gate.asking
        answer = do(gate, act, what)
        if act == "resume" and gate.mode == "running" and before is not None:
            word = True
        if act == "step" and gate.mode == "stepping" and before is not None:
            word = True
        if act == "run_call" and gate.mode == "running":
            word = True
        if act == "ask" and answer == "run":
            assert word or what.primitive != "goto_pose"
            word = False


@given(st.lists(st.sampled_from(ACTS), max_size=40))
def test_held_is_left_by_resume_step_and_abort_alone(acts: list[str]) -> None:
    gate = GateState()
    for act in acts:
        was = gate.mode
        do(gate, act)
        if was == "held" and gate.mode != "held":
            assert act in ("resume", "step", "abort")
        if act == "hold" and was != "aborting":
            assert gate.mode == "held" and not gate.stands


def test_a_step_lets_exactly_one_call_through() -> None:
    gate = GateState()
    gate.hold("bench")
    gate.step()
    assert [gate.ask(), gate.ask()] == ["run", "wait"]


def test_hold_is_idempotent_and_never_resumes() -> None:
    gate = GateState()
    gate.hold("one")
    gate.hold("two")
    assert gate.ask() == "wait"


def test_an_abort_cannot_be_resumed_and_leaves_the_bench_held() -> None:
    gate = GateState()
    gate.abort("operator")
    assert not gate.resume()
    assert gate.ask() == "abort"
    gate.trial_ended()
    assert gate.ask() == "wait"


def test_a_call_that_stands_runs_once_and_the_next_of_its_name_stands_again() -> None:
    gate = GateState()
    point = gate.add(Breakpoint(0, "primitive", "goto_pose"))
    assert gate.ask(CALLS[1]) == "run"
    assert gate.ask(CALLS[0]) == "wait" and gate.stands and gate.at == point.number
    assert gate.run_call()
    assert gate.ask(CALLS[0]) == "run"
    assert gate.ask(CALLS[0]) == "wait"


def test_hold_while_standing_leads_back_to_standing_and_nothing_else_works_meanwhile() -> None:
    gate = GateState()
    gate.add(Breakpoint(0, "line", line=7, program="abc"))
    assert gate.ask(CALLS[0]) == "wait"
    gate.hold("HOLD by op1")
    assert not gate.run_call() and not gate.skip_call() and gate.ask(CALLS[0]) == "wait"
    assert gate.resume() and gate.mode == "standing"
    assert gate.ask(CALLS[0]) == "wait"
    assert gate.resume() and gate.ask(CALLS[0]) == "run"


def test_hold_takes_back_a_word_that_was_not_used_yet() -> None:
    gate = GateState()
    gate.add(Breakpoint(0, "primitive", "goto_pose"))
    gate.ask(CALLS[0])
    gate.skip_call()
    gate.hold("HOLD by op1")
    gate.resume()
    assert gate.ask(CALLS[0]) == "wait"


def test_a_line_belongs_to_its_program() -> None:
    gate = GateState()
    gate.add(Breakpoint(0, "line", line=7, program="other"))
    assert gate.ask(CALLS[0]) == "run"
    gate.add(Breakpoint(0, "line", line=7))
    assert gate.ask(CALLS[0]) == "wait"


def test_after_a_status_the_next_call_stands_or_the_verifying() -> None:
    gate = GateState()
    gate.add(Breakpoint(0, "status", status="BLOCKED"))
    gate.ended(1, "goto_pose", "OK")
    assert gate.ask(CALLS[0]) == "run"
    gate.ended(1, "goto_pose", "BLOCKED")
    assert gate.ask(CALLS[2]) == "wait"
    assert not gate.stands and not gate.skip_call(), "no call waits, only the phase after it"
    assert "BLOCKED" in gate.reason
    assert gate.resume() and gate.ask(CALLS[2]) == "run"


def test_a_skipped_call_is_answered_and_the_next_one_stands() -> None:
    gate = GateState()
    gate.add(Breakpoint(0, "primitive", "goto_pose"))
    gate.ask(CALLS[0])
    assert gate.skip_call()
    assert gate.ask(CALLS[0]) == "skip"
    assert gate.ask(CALLS[1]) == "wait"


def test_a_step_at_a_breakpoint_takes_its_call_and_one_from_afar_stops_at_it() -> None:
    gate = GateState()
    gate.add(Breakpoint(0, "primitive", "goto_pose"))
    gate.ask(CALLS[0])
    gate.step()
    assert gate.ask(CALLS[0]) == "run"
    gate.resume()
    gate.step()
    assert gate.ask(CALLS[0]) == "wait", "nothing stood when the step was given"


def test_breakpoints_keep_their_numbers() -> None:
    gate = GateState()
    first = gate.add(Breakpoint(0, "primitive", "goto_pose"))
    second = gate.add(Breakpoint(0, "status", status="BLOCKED"))
    assert gate.add(Breakpoint(0, "primitive", "goto_pose")) == first
    assert gate.remove(first.number) and not gate.remove(first.number)
    assert gate.breakpoints == (second,)
    assert gate.add(Breakpoint(0, "primitive", "wait")).number == 3
    assert gate.remove(None) and gate.breakpoints == ()


def test_resume_takes_back_single_steps_before_anything_asks() -> None:
    gate = GateState()
    gate.step()
    assert gate.resume() and gate.mode == "running"
    assert gate.ask(Asking(1, "goto_pose", 3, "p")) == "run"
    assert not gate.resume()
