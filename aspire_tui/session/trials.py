"""Trials as a snapshot keeps them: what each event of a trial changes in its view. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from aspire_tui.domain import Outcome
from aspire_tui.events import (
    CallIntent,
    CallResult,
    ProgramEnded,
    Recorded,
    RefereeJudged,
    ResetReported,
    TrialClosed,
    TrialOpened,
    VerdictGiven,
)
from aspire_tui.session.views import CallView, Count, TrialView

MOST_OPEN: Final = 64
"""More trials than this are never open at once; the oldest would be forgotten."""

replace = msgspec.structs.replace

Trials = tuple[TrialView, ...]
TrialEvent = ResetReported | CallIntent | CallResult | ProgramEnded | VerdictGiven | RefereeJudged


def opened(trials: Trials, at: Recorded, event: TrialOpened) -> Trials:
    view = TrialView(
        trial=event.trial,
        task=event.task,
        seed=event.seed,
        seed_set=event.seed_set,
        program=event.program,
        hypothesis=event.hypothesis,
        where=event.where,
        clock=event.clock,
        opened_seq=at.seq,
        opened_mono_s=at.mono_s,
        opened_wall_s=at.wall_s,
    )
    return (*trials, view)[-MOST_OPEN:]


def took_in(trials: Trials, at: Recorded, event: TrialEvent) -> Trials:
    """The open trials after one event of one of them."""
    return tuple(_changed(t, at, event) if t.trial == event.trial else t for t in trials)


def closed(trials: Trials, at: Recorded, event: TrialClosed) -> tuple[Trials, TrialView | None]:
    """The trials still open, and the one that was closed."""
    trial = next((t for t in trials if t.trial == event.trial), None)
    if trial is None:
        return trials, None
    view = replace(
        trial,
        closed_seq=at.seq,
        outcome=event.outcome,
        ended=event.ended or trial.ended,
        implicated=event.implicated,
        reason=event.reason,
        cell_s=event.cell_s,
        wall_s=event.wall_s,
    )
    return tuple(t for t in trials if t.trial != event.trial), view


def counted(count: Count, outcome: Outcome | None) -> Count:
    match outcome:
        case "PASS":
            return replace(count, passed=count.passed + 1)
        case "FAIL":
            return replace(count, failed=count.failed + 1)
        case "UNSURE":
            return replace(count, unsure=count.unsure + 1)
        case None:
            return replace(count, unjudged=count.unjudged + 1)


def _changed(trial: TrialView, at: Recorded, event: TrialEvent) -> TrialView:
    match event:
        case ResetReported(verdict=reset):
            return replace(trial, reset=replace(reset, keyframes=()))
        case CallIntent():
            return _begun(_attempt(trial, event.attempt), at, event)
        case CallResult():
            return _finished(trial, at, event)
        case ProgramEnded():
            return replace(
                _attempt(trial, event.attempt),
                ended=event.ended,
                error=event.error,
                error_line=event.error_line,
                claimed=event.claimed,
            )
        case VerdictGiven(verdict=verdict):
            return replace(trial, verdict=replace(verdict, keyframes=()))
        case RefereeJudged(outcome=outcome):
            return replace(trial, referee=outcome)


def _attempt(trial: TrialView, attempt: int) -> TrialView:
    """The same trial, with the outcomes of an earlier attempt put away when a new one begins."""
    if attempt == trial.attempt:
        return trial
    return replace(
        trial,
        attempt=attempt,
        ended=None,
        error="",
        error_line=0,
        claimed=None,
        verdict=None,
        referee=None,
    )


def _begun(trial: TrialView, at: Recorded, event: CallIntent) -> TrialView:
    call = CallView(
        trial=event.trial,
        attempt=event.attempt,
        call=event.call,
        primitive=event.primitive,
        line=event.line,
        intent_seq=at.seq,
        since_mono_s=at.mono_s,
        since_cell_s=event.cell_s,
    )
    return replace(trial, in_flight=call, calls=trial.calls + 1)


def _finished(trial: TrialView, at: Recorded, event: CallResult) -> TrialView:
    begun = trial.in_flight
    if begun is None or begun.call != event.call:
        # A result whose intent is not in sight still tells how the call ended.
        begun = CallView(
            trial=event.trial,
            attempt=event.attempt,
            call=event.call,
            primitive=event.primitive,
            line=0,
            intent_seq=0,
            since_mono_s=at.mono_s,
            since_cell_s=event.cell_s,
        )
    call = replace(
        begun,
        status=event.status,
        summary=event.summary,
        duration_s=event.duration_s,
        error_m=event.error_m,
        result_seq=at.seq,
    )
    return replace(
        trial,
        in_flight=None,
        last_call=call,
        calls_failed=trial.calls_failed + (event.status != "OK"),
    )
