"""What a session came to: attempts per trial, the first PASS, when the budget will be gone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NamedTuple

from aspire_tui.domain import SeedSet
from aspire_tui.events import TokensUsed
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.snapshot import Snapshot

TRIALS_COUNTED: Final = 1_000
"""The newest so many trials are in pass@k."""
LEAST_SHARE: Final = 0.02
"""From a smaller part of a budget nothing is foretold."""


class Attempts(NamedTuple):
    """pass@k as retries in context: ``passed[k - 1]`` trials passed within ``k`` attempts."""

    trials: int
    passed: tuple[int, ...]


class FirstPass(NamedTuple):
    """The first trial that was judged PASS, on whatever scene."""

    trial: int
    mono_s: float
    tokens: int
    """Fresh, cached and output, of all models until then."""


class BudgetEnd(NamedTuple):
    """When the budget is gone if it goes on as it did."""

    in_s: float
    limit: str


@dataclass(frozen=True)
class Account:
    attempts: Mapping[SeedSet, Attempts] = field(default_factory=lambda: MappingProxyType({}))
    first_pass: FirstPass | None = None


NO_ACCOUNT: Final = Account()


class AccountReading:
    """The account of the moment asked for last; read again only when another trial is judged."""

    def __init__(self) -> None:
        self._seq = 0
        self._closed = 0
        self._account = NO_ACCOUNT

    @property
    def last(self) -> Account:
        """The account of the moment that was asked for last."""
        return self._account

    def at(self, reader: SessionReader, snapshot: Snapshot) -> Account:
        back = snapshot.seq < self._seq
        if back or snapshot.trials_closed != self._closed:
            first = None if back else self._account.first_pass
            self._account = Account(
                _attempts(reader, snapshot.seq), first or _first_pass(reader, snapshot.seq)
            )
        self._seq, self._closed = snapshot.seq, snapshot.trials_closed
        return self._account


def _attempts(reader: SessionReader, seq: int) -> dict[SeedSet, Attempts]:
    tried: dict[SeedSet, list[tuple[bool, ...]]] = defaultdict(list)
    for seed_set, outcomes in reader.judged_attempts(seq, TRIALS_COUNTED):
        tried[seed_set].append(outcomes)
    found = {}
    for seed_set, trials in tried.items():
        most = max(len(outcomes) for outcomes in trials)
        passed = tuple(sum(any(o[:k]) for o in trials) for k in range(1, most + 1))
        found[seed_set] = Attempts(len(trials), passed)
    return found


def _first_pass(reader: SessionReader, seq: int) -> FirstPass | None:
    found = reader.first_pass(seq)
    if found is None:
        return None
    trial, closed_seq, mono_s = found
    used = reader.events(kinds=("tokens",), upto_seq=closed_seq)
    spent = (r.event.tokens for r in used if isinstance(r.event, TokensUsed))
    return FirstPass(trial, mono_s, sum(t.input + t.cached + t.output for t in spent))


def budget_end(snapshot: Snapshot) -> BudgetEnd | None:
    """The limit that is met first; None without one, or when too little was used to tell. Pure."""
    spent = snapshot.spent
    budget, elapsed_s = spent.budget, 60.0 * spent.minutes
    if snapshot.ended is not None or elapsed_s <= 0:
        return None
    used: tuple[tuple[str, float, float | None], ...] = (
        ("minutes", spent.minutes, budget.max_minutes),
        ("trials", spent.trials, budget.max_trials),
        ("tokens", spent.tokens, budget.max_tokens),
        ("cost", spent.cost_usd, budget.max_cost_usd),
        ("model calls", spent.model_calls, budget.max_model_calls),
    )
    ends = [
        BudgetEnd(max(0.0, elapsed_s * (most - gone) / gone), name)
        for name, gone, most in used
        if most and gone >= LEAST_SHARE * most
    ]
    return min(ends, default=None)
