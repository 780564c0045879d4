from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aspire_tui.engine.gate import GateState

ACTS = ("hold", "resume", "step", "abort", "ask", "end")


def do(gate: GateState, act: str) -> str | None:
    if act == "hold":
        gate.hold("test")
    elif act == "resume":
        gate.resume()
    elif act == "step":
        gate.step()
    elif act == "abort":
        gate.abort("test")
    elif act == "end":
        gate.trial_ended()
    else:
        return gate.ask()
    return None


@given(st.lists(st.sampled_from(ACTS), max_size=40))
def test_after_hold_no_call_runs_until_resume_or_step(acts: list[str]) -> None:
    gate = GateState()
    allowed = float("inf")
    for act in acts:
        answer = do(gate, act)
        if act == "hold" or act == "abort":
            allowed = 0
        elif act == "resume" and gate.mode == "running":
            allowed = float("inf")
        elif act == "step" and gate.mode == "stepping":
            allowed = 1
        if answer == "run":
            assert allowed > 0
            allowed -= 1


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
