"""Where the time went: classes of utilisation from events and nothing else, MRU and MTU.

At the bench the clock is the recorder's monotonic wall clock. At every moment exactly one class
holds, the first that applies:

1. ``fault``: the cell is FAULT or LOST, or the phase is ``fault``;
2. ``operator``: the phase is ``needs_operator``;
3. ``held``: the phase is ``held``, or the cell is in PSTOP. (A cell in HOLD with nothing to do is
   merely standing: HOLD is also its resting state.)
4. ``executing``, ``resetting``, ``verifying`` (of reset or trial): the phase says so;
5. ``thinking``: an agent turn is open; the phase is ``idle``, ``ready`` or ``recorded``;
6. ``idle``: the rest.

Trials in workers run in simulated time, emit no phases, and are summed apart, never pooled with
the bench: ``TrialClosed.split_s`` tells the classes. Where it does not, ``executing`` is first
intent to last result of each attempt less ``held_s``, which is ``held``; what nothing explains is
``idle``. Time in which nobody recorded (after a crash, until the session was opened again) counts
nowhere.
"""

from __future__ import annotations

from typing import get_args

import msgspec

from aspire_tui.domain import Phase, Struct, Tokens, UtilisationClass
from aspire_tui.events import (
    AgentTurn,
    CallIntent,
    CallResult,
    CellChanged,
    Note,
    PhaseChanged,
    Recorded,
    RunEnded,
    TrialClosed,
    TrialOpened,
)

REOPENED = "session_reopened"
"""Code of the note a recorder writes when it goes on with a session that was not closed."""

CLASSES: tuple[UtilisationClass, ...] = get_args(UtilisationClass)
OPEN_SPANS = 64

_BY_PHASE: dict[Phase, UtilisationClass] = {
    "fault": "fault",
    "needs_operator": "operator",
    "held": "held",
    "executing": "executing",
    "resetting": "resetting",
    "verifying_reset": "verifying",
    "verifying": "verifying",
}


class Split(Struct, frozen=True):
    """Seconds by class on one clock."""

    executing: float = 0.0
    resetting: float = 0.0
    verifying: float = 0.0
    thinking: float = 0.0
    operator: float = 0.0
    held: float = 0.0
    fault: float = 0.0
    idle: float = 0.0

    @property
    def total_s(self) -> float:
        return sum(self.seconds().values())

    @property
    def mru(self) -> float | None:
        """Share of the time spent executing, in [0, 1]; None before any time has passed."""
        return self.executing / self.total_s if self.total_s > 0 else None

    def seconds(self) -> dict[UtilisationClass, float]:
        return {name: getattr(self, name) for name in CLASSES}

    def shares(self) -> dict[UtilisationClass, float]:
        """The split as shares that sum to 1 (all zero before any time has passed)."""
        total = self.total_s or 1.0
        return {name: seconds / total for name, seconds in self.seconds().items()}

    def plus(self, name: UtilisationClass, seconds: float) -> Split:
        if seconds <= 0:
            return self
        return msgspec.structs.replace(self, **{name: getattr(self, name) + seconds})


class Span(Struct, frozen=True):
    """What an open worker trial has shown of its simulated time so far."""

    trial: int
    attempt: int = 0
    first_s: float = 0.0
    last_s: float = 0.0
    executing_s: float = 0.0
    held_s: float = 0.0


class Utilisation(Struct, frozen=True):
    """The running account. ``wall`` stops at ``since_mono_s``; :meth:`at` carries it on."""

    wall: Split = Split()
    sim: Split = Split()
    now: UtilisationClass = "idle"
    since_mono_s: float = 0.0
    phase: Phase = "idle"
    cell: str = ""
    thinking: bool = False
    over: bool = False
    """The run has ended: time that passes now is nobody's."""
    bench_trials: int = 0
    spans: tuple[Span, ...] = ()

    @property
    def clock(self) -> str:
        """The clock MRU is told on: ``wall`` once a trial ran at the bench, else ``sim``."""
        return "sim" if self.bench_trials == 0 and self.sim.total_s > 0 else "wall"

    def split(self) -> Split:
        return self.sim if self.clock == "sim" else self.wall

    def at(self, mono_s: float) -> Utilisation:
        """The account carried on to a moment, for a clock that ticks between events."""
        if self.over or mono_s <= self.since_mono_s:
            return self
        return msgspec.structs.replace(
            self,
            wall=self.wall.plus(self.now, mono_s - self.since_mono_s),
            since_mono_s=mono_s,
        )


def observe(account: Utilisation, recorded: Recorded) -> Utilisation:
    """Take one event into the account. Pure."""
    match recorded.event:
        case PhaseChanged(phase=phase):
            return _turn(account.at(recorded.mono_s), phase=phase)
        case CellChanged(state=state):
            return _turn(account.at(recorded.mono_s), cell=state)
        case AgentTurn(open=thinking):
            return _turn(account.at(recorded.mono_s), thinking=thinking)
        case RunEnded():
            return msgspec.structs.replace(account.at(recorded.mono_s), over=True)
        case Note(code=code) if code == REOPENED:
            reopened = msgspec.structs.replace(
                account, since_mono_s=recorded.mono_s, over=False, spans=()
            )
            return _turn(reopened, phase="idle", cell="", thinking=False)
        case TrialOpened(trial=trial, where=where):
            if where == "bench":
                return msgspec.structs.replace(account, bench_trials=account.bench_trials + 1)
            spans = (*account.spans, Span(trial))[-OPEN_SPANS:]
            return msgspec.structs.replace(account, spans=spans)
        case CallIntent() | CallResult() | TrialClosed():
            return _worker(account, recorded.event) if account.spans else account
    return account


def _turn(account: Utilisation, **changes: object) -> Utilisation:
    changed = msgspec.structs.replace(account, **changes)
    return msgspec.structs.replace(changed, now=_class_of(changed))


def _class_of(account: Utilisation) -> UtilisationClass:
    if account.cell in ("FAULT", "LOST"):
        return "fault"
    if account.cell == "PSTOP" and account.phase not in ("fault", "needs_operator"):
        return "held"
    by_phase = _BY_PHASE.get(account.phase)
    if by_phase is not None:
        return by_phase
    return "thinking" if account.thinking else "idle"


def _worker(account: Utilisation, event: CallIntent | CallResult | TrialClosed) -> Utilisation:
    span = next((s for s in account.spans if s.trial == event.trial), None)
    if span is None:
        return account
    if isinstance(event, TrialClosed):
        rest = tuple(s for s in account.spans if s.trial != event.trial)
        sim = _add_trial(account.sim, span, event)
        return msgspec.structs.replace(account, sim=sim, spans=rest)
    grown = _grow(span, event)
    spans = tuple(grown if s.trial == event.trial else s for s in account.spans)
    return msgspec.structs.replace(account, spans=spans)


def _grow(span: Span, event: CallIntent | CallResult) -> Span:
    if isinstance(event, CallIntent):
        if event.attempt == span.attempt:
            return span
        return Span(
            span.trial,
            event.attempt,
            event.cell_s,
            event.cell_s,
            span.executing_s + (span.last_s - span.first_s),
            span.held_s,
        )
    return msgspec.structs.replace(
        span, last_s=max(span.last_s, event.cell_s), held_s=span.held_s + event.held_s
    )


def _add_trial(sim: Split, span: Span, closed: TrialClosed) -> Split:
    if closed.split_s:
        for name, seconds in closed.split_s.items():
            sim = sim.plus(name, seconds)
        return sim.plus("idle", closed.cell_s - sum(closed.split_s.values()))
    span_s = span.executing_s + (span.last_s - span.first_s)
    held_s = min(span.held_s, span_s)
    sim = sim.plus("executing", span_s - held_s).plus("held", held_s)
    return sim.plus("idle", closed.cell_s - span_s)


def tokens_per_minute(tokens: Tokens, minutes: float) -> float | None:
    """MTU: tokens of every class per elapsed minute; None before any time has passed."""
    total = tokens.total
    return total / minutes if minutes > 0 else None
