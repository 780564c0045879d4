"""What tokens were spent on: exact shares per hypothesis and per dev trial. Pure.

A model's answer is paid before what comes of it is in the file. So what was spent since the last
hypothesis was opened belongs to the one that is opened next, and what was spent since the last dev
trials were asked for belongs to those that come next, in equal parts, the odd tokens to the first.
What comes after the last of either is the rest: sums are the session's totals to the token.
"""

from __future__ import annotations

from collections.abc import Iterable

from aspire_tui.domain import Struct, Tokens
from aspire_tui.events import AnyEvent, HypothesisOpened, TokensUsed, TrialOpened


class TokenAccount(Struct, frozen=True):
    """Tokens by what they were spent on."""

    total: Tokens
    by_hypothesis: dict[int, Tokens]
    hypothesis_rest: Tokens
    by_trial: dict[int, Tokens]
    trial_rest: Tokens


def account(events: Iterable[AnyEvent]) -> TokenAccount:
    """The account of a session's events, in their order."""
    total = for_hypothesis = for_trials = Tokens()
    by_hypothesis: dict[int, Tokens] = {}
    by_trial: dict[int, Tokens] = {}
    batch: list[int] = []

    def settle() -> None:
        nonlocal for_trials
        if batch:
            by_trial.update(zip(batch, shares(for_trials, len(batch)), strict=True))
            for_trials = Tokens()
            batch.clear()

    for event in events:
        match event:
            case TokensUsed(tokens=tokens):
                settle()
                total, for_hypothesis = total + tokens, for_hypothesis + tokens
                for_trials = for_trials + tokens
            case HypothesisOpened(hypothesis=number):
                by_hypothesis[number] = by_hypothesis.get(number, Tokens()) + for_hypothesis
                for_hypothesis = Tokens()
            case TrialOpened(trial=number, seed_set="dev"):
                batch.append(number)
    settle()
    return TokenAccount(total, by_hypothesis, for_hypothesis, by_trial, for_trials)


def shares(tokens: Tokens, n: int) -> list[Tokens]:
    """Equal parts whose sum is exact; the first takes what does not divide."""
    each = Tokens(
        tokens.input // n,
        tokens.cached // n,
        tokens.output // n,
        tokens.reasoning // n,
        tokens.cost_usd / n,
    )
    rest = tokens
    for _ in range(n - 1):
        rest = rest - each
    return [rest, *([each] * (n - 1))]
