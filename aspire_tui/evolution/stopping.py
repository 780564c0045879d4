"""When a search ends: success, plateau or budget, decided here and nowhere else. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from aspire_tui.domain import Budget, Struct
from aspire_tui.evolution.criterion import RUN, Criterion

Why = Literal["success", "budget", "plateau"]


class Rules(Struct, frozen=True):
    """What ends a search. ``plateau``: rounds in a row that gained less than ``gain``."""

    criterion: Criterion = RUN
    plateau: int = 3
    gain: float = 0.0
    rounds: int | None = None


class SoFar(Struct, frozen=True):
    """Where a search stands. ``outcomes`` are the best program's judged trials, oldest first;
    ``best_by_round`` the best selection score after each round."""

    outcomes: tuple[bool, ...] = ()
    best_by_round: tuple[float, ...] = ()
    trials: int = 0
    minutes: float = 0.0
    tokens: int = 0
    cost_usd: float = 0.0
    model_calls: int = 0
    rounds: int | None = None
    """Rounds that ended; as many as ``best_by_round`` has when not given."""


class Stop(Struct, frozen=True):
    why: Why
    text: str


def stop(rules: Rules, budget: Budget, so_far: SoFar) -> Stop | None:
    """Why the search ends now, or None: success before budget before plateau."""
    if rules.criterion.met(so_far.outcomes):
        return Stop("success", rules.criterion.in_words())
    spent = used_up(budget, so_far)
    if spent:
        return Stop("budget", spent)
    done = len(so_far.best_by_round) if so_far.rounds is None else so_far.rounds
    if rules.rounds is not None and done >= rules.rounds:
        return Stop("budget", f"{done} rounds, as many as were asked for")
    if plateaued(so_far.best_by_round, rules.plateau, rules.gain):
        return Stop("plateau", f"{rules.plateau} rounds without gaining more than {rules.gain:.0%}")
    return None


def plateaued(best_by_round: Sequence[float], rounds: int, gain: float) -> bool:
    """Whether the last ``rounds`` rounds raised the best score by no more than ``gain``."""
    if rounds < 1 or len(best_by_round) <= rounds:
        return False
    before = max(best_by_round[:-rounds])
    return max(best_by_round[-rounds:]) - before <= gain


def used_up(budget: Budget, so_far: SoFar) -> str:
    """Which limit is reached, in words; empty when none is."""
    limits: tuple[tuple[str, float | None, float], ...] = (
        ("trials are", budget.max_trials, so_far.trials),
        ("minutes are", budget.max_minutes, so_far.minutes),
        ("tokens are", budget.max_tokens, so_far.tokens),
        ("model calls are", budget.max_model_calls, so_far.model_calls),
        ("USD are", budget.max_cost_usd, so_far.cost_usd),
    )
    for name, most, used in limits:
        if most is not None and used >= most:
            return (
                f"{most:g} {name} used up" if isinstance(most, float) else f"{most} {name} used up"
            )
    return ""
