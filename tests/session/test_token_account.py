"""Tokens are shared out to the token: per hypothesis, per dev trial, and what led to neither."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aspire_tui.domain import Tokens
from aspire_tui.events import AnyEvent, HypothesisOpened, TokensUsed, TrialOpened
from aspire_tui.session.token_account import account, shares
from aspire_tui.session.utilisation import tokens_per_minute

small = st.integers(0, 10_000)
tokens = st.builds(Tokens, small, small, small, small, st.just(0.0))


def used(t: Tokens) -> TokensUsed:
    return TokensUsed(t, "m")


def opened(n: int) -> HypothesisOpened:
    return HypothesisOpened(n, None, "c", "d", "i", "sha", "llm")


def trial(n: int, seed_set: str = "dev") -> TrialOpened:
    return TrialOpened(
        trial=n, task="t", seed=n, seed_set=seed_set, hypothesis=1, program="p", where="worker",
        clock="sim",
    )  # fmt: skip


def summed(parts: list[Tokens]) -> Tokens:
    return sum(parts, Tokens())


@given(st.lists(st.one_of(tokens.map(used), st.just("h"), st.integers(1, 5)), max_size=40))
def test_every_token_is_somebodys_or_the_rest(script: list[object]) -> None:
    events: list[AnyEvent] = []
    hypothesis = trials = 0
    for step in script:
        if step == "h":
            hypothesis += 1
            events.append(opened(hypothesis))
        elif isinstance(step, int):
            events += [trial(trials + i + 1) for i in range(step)]
            trials += step
        else:
            events.append(step)  # type: ignore[arg-type]
    found = account(events)
    assert set(found.by_hypothesis) == set(range(1, hypothesis + 1))
    assert set(found.by_trial) == set(range(1, trials + 1))
    assert summed([*found.by_hypothesis.values(), found.hypothesis_rest]) == found.total
    assert summed([*found.by_trial.values(), found.trial_rest]) == found.total


def test_tokens_go_to_what_they_led_to() -> None:
    found = account(
        [
            used(Tokens(10, 0, 1)), opened(1), used(Tokens(20, 5, 2)), trial(1), trial(2),
            used(Tokens(30, 0, 3)), used(Tokens(7, 0, 0)), opened(2), trial(3, "selection"),
            used(Tokens(1, 1, 1)),
        ]
    )  # fmt: skip
    assert found.by_hypothesis == {1: Tokens(10, 0, 1), 2: Tokens(57, 5, 5)}
    assert found.hypothesis_rest == Tokens(1, 1, 1)
    assert found.by_trial == {1: Tokens(15, 3, 2), 2: Tokens(15, 2, 1)}
    assert found.trial_rest == Tokens(38, 1, 4)
    assert found.total == Tokens(68, 6, 7)


@given(tokens, st.integers(1, 60))
def test_shares_add_up(whole: Tokens, n: int) -> None:
    parts = shares(whole, n)
    assert len(parts) == n and summed(parts) == whole
    assert max(p.input for p in parts) - min(p.input for p in parts) < n


def test_reasoning_is_part_of_output_and_counts_once() -> None:
    assert tokens_per_minute(Tokens(100, 50, 30, 20), 2.0) == 90.0
