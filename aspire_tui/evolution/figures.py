"""The figures of a session as they are shown and written: one struct each, no reckoning here."""

from __future__ import annotations

from aspire_tui.domain import SeedSet, Struct, Tokens, UtilisationClass
from aspire_tui.evolution.progress import Curve


class Mru(Struct, frozen=True):
    """Share of the recorded time in which the robot executed, with every class beside it."""

    mru: float | None
    clock: str
    rule: str
    seconds: dict[UtilisationClass, float]
    shares: dict[UtilisationClass, float]


class Mtu(Struct, frozen=True):
    """Tokens per recorded minute by class. ``output`` includes ``reasoning``."""

    minutes: float
    tokens: Tokens
    per_minute: dict[str, float]


class Success(Struct, frozen=True):
    """When the criterion was met and what had been spent by then; None: not met so far."""

    criterion: str
    censored: bool
    time_s: float | None
    tokens: int | None
    watched_s: float
    tokens_spent: int
    best: float | None


class RateAt(Struct, frozen=True):
    k: int
    passed: int
    n: int
    lo: float
    hi: float


class PassCurve(Struct, frozen=True):
    """pass@1 … pass@k of one task and seed set, in context: attempts of one trial, each after the
    failures before it. It ends at the attempts that were allowed: the rest was not measured."""

    task: str
    seed_set: SeedSet
    programs: str
    """``all`` that ran on these seeds, or the ``best`` of the run."""
    trials: int
    mean_attempts: float | None
    curve: tuple[RateAt, ...]
    alone: RateAt | None
    """pass@1 of the trials no person had a hand in."""


class Interventions(Struct, frozen=True):
    """What people did: accepted orders by verb, and calls, messages and answers of theirs."""

    orders: dict[str, int]
    calls_skipped: int
    calls_edited: int
    messages: int
    answers: int
    approvals: int
    trials_helped: tuple[int, ...]

    @property
    def total(self) -> int:
        given = self.messages + self.answers + self.approvals
        return sum(self.orders.values()) + self.calls_skipped + self.calls_edited + given


class Progress(Struct, frozen=True):
    """Best score so far over recorded time, on one seed set."""

    seed_set: SeedSet
    least_scenes: int
    curve: Curve
    time_averaged: float | None
    by_author: dict[str, Curve]
    team: Curve
    team_time_averaged: float | None


class Metrics(Struct, frozen=True):
    session: str
    task: str
    agent: str
    model: str
    skills: str
    brands: tuple[str, ...]
    live: bool
    mru: Mru
    mtu: Mtu
    success: Success
    pass_at: tuple[PassCurve, ...]
    interventions: Interventions
    progress: tuple[Progress, ...]
    outcome: str | None
    held_out: RateAt | None
