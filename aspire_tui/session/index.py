"""From an event to its rows in the noun tables: an index, written with the event itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, get_args

import apsw

from aspire_tui.domain import Keyframe
from aspire_tui.events import (
    AnyEvent,
    Attached,
    CallIntent,
    CallResult,
    HypothesisDecided,
    HypothesisOpened,
    HypothesisScored,
    ProgramEnded,
    ProgramStored,
    Recorded,
    RefereeJudged,
    ResetReported,
    TrialClosed,
    TrialOpened,
    VerdictGiven,
)

_IN_TRIAL: Final = frozenset(t for t in get_args(AnyEvent) if "trial" in t.__struct_fields__)
_IN_CALL: Final = frozenset(t for t in _IN_TRIAL if "call" in t.__struct_fields__)

_INSERT_EVENT: Final = "INSERT INTO events VALUES (?,?,?,?,?,?,?,?)"


def write_event(db: apsw.Connection, recorded: Recorded, body: str, digest: bytes) -> None:
    """One event and its rows. Call inside a transaction."""
    kind = type(recorded.event).__struct_config__.tag
    insert_event(db, recorded, str(kind), body, digest)
    index_event(db, recorded)


def insert_event(
    db: apsw.Connection, recorded: Recorded, kind: str, body: str, digest: bytes
) -> None:
    """The row of one event alone, under the kind its body says."""
    event: Any = recorded.event
    db.execute(
        _INSERT_EVENT,
        (
            recorded.seq,
            recorded.wall_s,
            recorded.mono_s,
            kind,
            event.trial if type(event) in _IN_TRIAL else None,
            event.call if type(event) in _IN_CALL else None,
            body,
            digest,
        ),
    )


def index_event(db: apsw.Connection, recorded: Recorded) -> None:
    """The rows of one event in the noun tables. Call inside a transaction."""
    write_rows = _ROWS.get(type(recorded.event))
    if write_rows is not None:
        write_rows(db, recorded, recorded.event)


def _trial_opened(db: apsw.Connection, at: Recorded, e: TrialOpened) -> None:
    db.execute(
        "INSERT OR REPLACE INTO trials(trial, opened_seq, opened_mono_s, task, seed, seed_set, "
        "program, hypothesis, place, clock) VALUES (?,?,?,?,?,?,?,?,?,?)",
        (
            e.trial,
            at.seq,
            at.mono_s,
            e.task,
            e.seed,
            e.seed_set,
            e.program,
            e.hypothesis,
            e.where,
            e.clock,
        ),
    )


def _trial_closed(db: apsw.Connection, at: Recorded, e: TrialClosed) -> None:
    db.execute(
        "UPDATE trials SET closed_seq=?, outcome=?, ended=?, implicated=?, reason=?, cell_s=?, "
        "wall_s=? WHERE trial=?",
        (at.seq, e.outcome, e.ended, e.implicated, e.reason, e.cell_s, e.wall_s, e.trial),
    )


def _intent(db: apsw.Connection, at: Recorded, e: CallIntent) -> None:
    db.execute(
        "INSERT OR REPLACE INTO calls(trial, call, attempt, primitive, line, intent_seq, "
        "start_mono_s, start_cell_s) VALUES (?,?,?,?,?,?,?,?)",
        (e.trial, e.call, e.attempt, e.primitive, e.line, at.seq, at.mono_s, e.cell_s),
    )


def _result(db: apsw.Connection, at: Recorded, e: CallResult) -> None:
    db.execute(
        "UPDATE calls SET result_seq=?, status=?, summary=?, duration_s=?, held_s=?, think_s=?, "
        "error_m=?, operator=? WHERE trial=? AND call=?",
        (
            at.seq,
            e.status,
            e.summary,
            e.duration_s,
            e.held_s,
            e.think_s,
            e.error_m,
            e.operator,
            e.trial,
            e.call,
        ),
    )
    _keyframes(db, at.seq, e.trial, e.call, "call", e.evidence.keyframes)


def _program_ended(db: apsw.Connection, at: Recorded, e: ProgramEnded) -> None:
    db.execute(
        "INSERT OR REPLACE INTO attempts(trial, attempt, ended_seq, ended, error, error_line, "
        "claimed, calls) VALUES (?,?,?,?,?,?,?,?)",
        (e.trial, e.attempt, at.seq, e.ended, e.error, e.error_line, e.claimed, e.calls),
    )


_INSERT_VERDICT: Final = "INSERT INTO verdicts VALUES (?,?,?,?,?,?)"


def _reset(db: apsw.Connection, at: Recorded, e: ResetReported) -> None:
    v = e.verdict
    db.execute(_INSERT_VERDICT, (at.seq, e.trial, v.attempt, "reset", v.outcome, v.reason))
    _keyframes(db, at.seq, e.trial, None, "reset", v.keyframes)


def _verdict(db: apsw.Connection, at: Recorded, e: VerdictGiven) -> None:
    v = e.verdict
    db.execute(_INSERT_VERDICT, (at.seq, e.trial, e.attempt, "verifier", v.outcome, v.reason))
    _keyframes(db, at.seq, e.trial, None, "verdict", v.keyframes)


def _referee(db: apsw.Connection, at: Recorded, e: RefereeJudged) -> None:
    db.execute(_INSERT_VERDICT, (at.seq, e.trial, e.attempt, "referee", e.outcome, ""))


def _program(db: apsw.Connection, at: Recorded, e: ProgramStored) -> None:
    db.execute(
        "INSERT OR IGNORE INTO programs VALUES (?,?,?,?)",
        (e.program, at.seq, e.author, e.text.sha256),
    )


def _attached(db: apsw.Connection, at: Recorded, e: Attached) -> None:
    db.execute("INSERT INTO attachments VALUES (?,?,?,?)", (at.seq, e.role, e.name, e.blob.sha256))


def _hypothesis(db: apsw.Connection, at: Recorded, e: HypothesisOpened) -> None:
    db.execute(
        "INSERT OR REPLACE INTO hypotheses VALUES (?,?,?,?,?,?)",
        (e.hypothesis, at.seq, e.parent, e.program, e.author, e.claim),
    )


def _score(db: apsw.Connection, at: Recorded, e: HypothesisScored) -> None:
    db.execute(
        "INSERT INTO scores VALUES (?,?,?,?,?,?,?)",
        (at.seq, e.hypothesis, e.seed_set, e.k, e.n, e.lo, e.hi),
    )


def _decided(db: apsw.Connection, at: Recorded, e: HypothesisDecided) -> None:
    db.execute("INSERT INTO decisions VALUES (?,?,?,?)", (at.seq, e.hypothesis, e.status, e.reason))


def _keyframes(
    db: apsw.Connection,
    seq: int,
    trial: int,
    call: int | None,
    source: str,
    pictures: tuple[Keyframe, ...],
) -> None:
    for ordinal, picture in enumerate(pictures):
        db.execute(
            "INSERT INTO keyframes VALUES (?,?,?,?,?,?,?,?,?,?)",
            (
                seq,
                ordinal,
                trial,
                call,
                source,
                picture.camera,
                picture.t_s,
                picture.rgb.sha256,
                picture.depth.sha256 if picture.depth else None,
                picture.overlay.sha256 if picture.overlay else None,
            ),
        )


_ROWS: Final[dict[type, Callable[[apsw.Connection, Recorded, Any], None]]] = {
    TrialOpened: _trial_opened,
    TrialClosed: _trial_closed,
    CallIntent: _intent,
    CallResult: _result,
    ProgramEnded: _program_ended,
    ResetReported: _reset,
    VerdictGiven: _verdict,
    RefereeJudged: _referee,
    ProgramStored: _program,
    Attached: _attached,
    HypothesisOpened: _hypothesis,
    HypothesisScored: _score,
    HypothesisDecided: _decided,
}
