"""Reading a session, live or finished: the same questions, answered for any moment of it.

A moment is a ``seq``: ``upto_seq=None`` means the newest event. Facts that came later are absent
from the answer. A reader never writes, never checkpoints, and sees an event once it is durable.
Threads may share one; their questions queue up.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Sequence
from functools import wraps
from itertools import islice
from pathlib import Path
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import msgspec

from aspire_tui.domain import SeedSet
from aspire_tui.events import (
    CallIntent,
    CallResult,
    Recorded,
    Samples,
    VideoFrame,
)
from aspire_tui.session import (
    beside,
    call_rows,
    checkpoints,
    database,
    nouns,
    schema,
    texts,
    verification,
)
from aspire_tui.session.errors import SessionFileError
from aspire_tui.session.rows import (
    AgentLine,
    AttachmentRow,
    AttemptRow,
    CallDetail,
    CallRow,
    CallSeq,
    HypothesisRow,
    KeyframeRow,
    ListedTrial,
    Problem,
    ProgramRow,
    TreeRow,
    TrialRow,
)
from aspire_tui.session.snapshot import EMPTY, Snapshot, fold_all
from aspire_tui.session.stored import event_of

AGENT_KINDS: Final = (
    "agent_turn",
    "agent_said",
    "agent_tool",
    "tokens",
    "skill_matched",
    "operator_told",
    "agent_asked",
    "agent_answered",
)

_EVENT: Final = "SELECT seq, wall_s, mono_s, kind, CAST(body AS BLOB) FROM events WHERE "


P = ParamSpec("P")
T = TypeVar("T")


def _or_damaged(
    answer: Callable[Concatenate[SessionReader, P], T],
) -> Callable[Concatenate[SessionReader, P], T]:
    """A value of the wrong kind in a damaged file is the file's fault; in a sound one, ours."""

    @wraps(answer)
    def checked(reader: SessionReader, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return answer(reader, *args, **kwargs)
        except (TypeError, ValueError, AttributeError, LookupError) as error:
            if isinstance(error, SessionFileError) or not reader.verify():
                raise
            raise reader._damaged(f"{type(error).__name__}: {error}") from error

    return checked


class SessionReader:
    """One session file, read-only, while it is written or after.

    Raises:
        SessionFileError: The file is missing, damaged, no session, or from a newer release.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._db = database.connect(self.path, write=False)
        self._lock = threading.Lock()
        with database.named_errors(self.path):
            self._attaches = schema.has_attachments(self._db)
        self._data_version = -1
        self._newest = EMPTY

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> SessionReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- the file ---------------------------------------------------------------------------

    def session_id(self) -> str:
        """The identity given when the session was created; it survives a rename of the file."""
        with self._lock, database.named_errors(self.path):
            return schema.session_id(self._db)

    def changed(self) -> bool:
        """Whether anything was committed since the last time this was asked. Costs a few µs."""
        with self._lock, database.named_errors(self.path):
            version = int(self._db.pragma("data_version"))
        changed, self._data_version = version != self._data_version, version
        return changed

    def last_seq(self) -> int:
        """The newest event's number; 0 in an empty session."""
        return int(self._one("SELECT coalesce(max(seq), 0) FROM events")[0])

    def verify(self) -> list[Problem]:
        """Everything wrong with the file: damage, edits, gaps, missing or altered blobs."""
        db = database.connect(self.path, write=False)
        try:
            return verification.verify(db)
        finally:
            db.close()

    @_or_damaged
    def head(self) -> str:
        """The hash of the last event, hex: kept elsewhere, it tells any later edit."""
        with self._lock, database.named_errors(self.path):
            return verification.head(self._db)

    @_or_damaged
    def left_out(self) -> tuple[str, ...]:
        """What a pack was told to leave out: ``pictures``, ``video``."""
        with self._lock, database.named_errors(self.path):
            return verification.left_out(self._db)

    def unsealed_rows(self) -> int:
        """Rows of joint state and film that the hash chain does not cover (yet)."""
        with self._lock, database.named_errors(self.path):
            return beside.unsealed_rows(self._db)

    # -- events and moments -----------------------------------------------------------------

    @_or_damaged
    def events(
        self,
        after_seq: int = 0,
        limit: int | None = None,
        trial: int | None = None,
        kinds: Sequence[str] | None = None,
        upto_seq: int | None = None,
    ) -> list[Recorded]:
        """Events after a moment, oldest first."""
        upto = self._upto(upto_seq)
        rows = self._select(after_seq, upto, limit, trial, kinds, newest_first=False)
        return [self._recorded(row) for row in rows]

    @_or_damaged
    def newest_events(
        self, limit: int, kinds: Sequence[str], upto_seq: int | None = None
    ) -> list[Recorded]:
        """The last ``limit`` events of some kinds up to a moment, oldest first."""
        upto = self._upto(upto_seq)
        rows = self._select(0, upto, limit, None, kinds, newest_first=True)
        return [self._recorded(row) for row in reversed(rows)]

    @_or_damaged
    def event(self, seq: int) -> Recorded | None:
        row = self._first(_EVENT + "seq=?", (seq,))
        return self._recorded(row) if row else None

    @_or_damaged
    def snapshot(self, at_seq: int | None = None) -> Snapshot:
        """The session at a moment: nearest stored checkpoint plus the events after it.

        Following the end of a live session costs only the new events.
        """
        upto = self._upto(at_seq)
        state = checkpoints.nearest(self._rows, upto, self._newest)
        if state.seq < upto:
            rows = self._rows(_EVENT + "seq>? AND seq<=? ORDER BY seq", (state.seq, upto))
            state = fold_all(state, (self._recorded(row) for row in rows))
        if state.seq > self._newest.seq:
            self._newest = state
        return state

    @_or_damaged
    def seq_at_time(self, *, wall_s: float | None = None, mono_s: float | None = None) -> int:
        """The last event at or before a time; 0 when the time lies before the first."""
        if (wall_s is None) == (mono_s is None):
            raise ValueError("give one of wall_s and mono_s")
        column, time_s = ("wall_s", wall_s) if mono_s is None else ("mono_s", mono_s)
        low, high = 0, self.last_seq()
        while low < high:
            middle = (low + high + 1) // 2
            at = self._one(f"SELECT {column} FROM events WHERE seq=?", (middle,))[0]
            low, high = (middle, high) if at <= time_s else (low, middle - 1)
        return low

    # -- trials and calls -------------------------------------------------------------------

    @_or_damaged
    def trials(
        self,
        upto_seq: int | None = None,
        *,
        hypothesis: int | None = None,
        newest: int | None = None,
    ) -> list[TrialRow]:
        """Trials in order of number, of one hypothesis if asked, the ``newest`` so many."""
        return nouns.trials(self._rows, self._upto(upto_seq), hypothesis, newest)

    def trial(self, trial: int, upto_seq: int | None = None) -> TrialRow | None:
        found = nouns.trials(self._rows, self._upto(upto_seq), None, None, trial)
        return found[0] if found else None

    @_or_damaged
    def attempts(self, trial: int, upto_seq: int | None = None) -> list[AttemptRow]:
        """The ended attempts of a trial with what the program, the verifier and truth said."""
        return nouns.attempts(self._rows, trial, self._upto(upto_seq))

    @_or_damaged
    def calls(self, trial: int, upto_seq: int | None = None) -> list[CallRow]:
        """The calls of a trial. An intent without result has status None."""
        return call_rows.calls(self._rows, trial, self._upto(upto_seq))

    @_or_damaged
    def newest_calls(self, trial: int, limit: int, upto_seq: int | None = None) -> list[CallRow]:
        """The last calls of a trial, in order."""
        return call_rows.newest(self._rows, trial, limit, self._upto(upto_seq))

    @_or_damaged
    def calls_after(
        self, trial: int, call: int, limit: int, upto_seq: int | None = None
    ) -> list[CallRow]:
        """Calls of a trial with higher numbers, in order."""
        return call_rows.after(self._rows, trial, call, limit, self._upto(upto_seq))

    @_or_damaged
    def call(self, trial: int, n: int, upto_seq: int | None = None) -> CallDetail | None:
        """One call in full."""
        upto = self._upto(upto_seq)
        row = self._first(
            "SELECT intent_seq, result_seq FROM calls WHERE trial=? AND call=?", (trial, n)
        )
        if row is None or row[0] > upto:
            return None
        result_seq = row[1] if row[1] is not None and row[1] <= upto else None
        intent = self.event(row[0])
        result = self.event(result_seq) if result_seq is not None else None
        if intent is None or not isinstance(intent.event, CallIntent):
            raise self._damaged(f"call {n} of trial {trial} points at event {row[0]}")
        ended = result.event if result else None
        if ended is not None and not isinstance(ended, CallResult):
            raise self._damaged(f"call {n} of trial {trial} points at event {result_seq}")
        return CallDetail(
            intent=intent.event, result=ended, intent_seq=row[0], result_seq=result_seq
        )

    @_or_damaged
    def call_seqs(self, trial: int | None = None) -> list[CallSeq]:
        """The stops of replay by call: where a result came, or an intent that never got one."""
        return call_rows.call_seqs(self._rows, trial)

    @_or_damaged
    def step_call(self, seq: int, *, forward: bool = True) -> CallSeq | None:
        """The next (or previous) stop of replay by call, seen from a moment."""
        return call_rows.step_call(self._first, seq, forward)

    @_or_damaged
    def step_failure(self, seq: int, *, forward: bool = True) -> CallSeq | None:
        """The next (or previous) call that did not end OK, seen from a moment."""
        return call_rows.step_failure(self._first, seq, forward)

    # -- the agent and the tree -------------------------------------------------------------

    @_or_damaged
    def agent_lines(self, upto_seq: int | None = None, limit: int = 500) -> list[AgentLine]:
        """The last lines of the agent pane, oldest first."""
        events = self.newest_events(limit, AGENT_KINDS, upto_seq)
        return [AgentLine(e.seq, e.wall_s, e.mono_s, e.event) for e in events]

    @_or_damaged
    def hypotheses(self, upto_seq: int | None = None) -> list[HypothesisRow]:
        """Every node of the tree, oldest first, as it stood."""
        upto = self._upto(upto_seq)
        story = self.events(kinds=("hypothesis", "tokens"), upto_seq=upto)
        return nouns.hypotheses(self._rows, story, upto)

    @_or_damaged
    def tree_rows(self, upto_seq: int | None = None) -> list[TreeRow]:
        """Every node of the tree as a tree shows it, oldest first, as it stood."""
        return nouns.tree_rows(self._rows, self._upto(upto_seq))

    @_or_damaged
    def listed_trials(self, newest: int, upto_seq: int | None = None) -> list[ListedTrial]:
        """The newest trials as a list shows them, in order of number, as they stood."""
        return nouns.listed_trials(self._rows, self._upto(upto_seq), newest)

    @_or_damaged
    def judged_attempts(
        self, upto_seq: int | None, newest: int
    ) -> list[tuple[SeedSet, tuple[bool, ...]]]:
        """Seed set and attempts of the newest judged trials, True for PASS."""
        return nouns.judged_attempts(self._rows, self._upto(upto_seq), newest)

    @_or_damaged
    def first_pass(self, upto_seq: int | None = None) -> tuple[int, int, float] | None:
        """The first trial that closed with PASS: its number, the event that closed it, and when."""
        return nouns.first_pass(self._rows, self._upto(upto_seq))

    @_or_damaged
    def scores(self, upto_seq: int | None = None) -> list[tuple[SeedSet, int, int, float]]:
        """Every score of every hypothesis as seed set, k, n and when, oldest first."""
        sql = (
            "SELECT seed_set, k, n, mono_s FROM scores JOIN events USING (seq) "
            "WHERE seq<=? ORDER BY seq"
        )
        return self._rows(sql, (self._upto(upto_seq),))

    @_or_damaged
    def program(self, sha: str) -> ProgramRow | None:
        """A program text by its hash."""
        return texts.program(self._first, sha)

    @_or_damaged
    def attachments(self, role: str = "", upto_seq: int | None = None) -> list[AttachmentRow]:
        """What says how the results came about, of one role if asked; none in an older file."""
        if not self._attaches:
            return []
        return texts.attachments(self._rows, role, self._upto(upto_seq))

    @_or_damaged
    def search(
        self, words: str, seq: int = 0, *, forward: bool = True, limit: int = 50
    ) -> texts.Found:
        """Events that hold some words, from a moment on or back; a stretch at a time."""
        return texts.search(self._rows, words, seq, self.last_seq(), forward, limit)

    def blob(self, sha: str) -> bytes | None:
        """Bytes by content hash; None when they were pruned."""
        row = self._first("SELECT data FROM blobs WHERE sha256=?", (sha,))
        return bytes(row[0]) if row else None

    @_or_damaged
    def samples(
        self, trial: int, t0_s: float = float("-inf"), t1_s: float = float("inf")
    ) -> list[Samples]:
        """Joint state of a trial that overlaps a stretch of cell time, in order."""
        return nouns.samples(self._rows, trial, t0_s, t1_s)

    def cameras(self, trial: int) -> list[str]:
        """Cameras that have video in a trial."""
        sql = "SELECT DISTINCT camera FROM video WHERE trial=? ORDER BY camera"
        return [row[0] for row in self._rows(sql, (trial,))]

    @_or_damaged
    def video_frame(self, trial: int, camera: str, t_s: float) -> VideoFrame | None:
        """The newest picture of a camera at or before a cell time; None when there is none."""
        row = self._first(
            "SELECT video.t_s, blobs.data FROM video JOIN blobs ON blobs.sha256=video.blob "
            "WHERE trial=? AND camera=? AND video.t_s<=? ORDER BY video.t_s DESC LIMIT 1",
            (trial, camera, t_s),
        )
        return VideoFrame(trial, camera, row[0], bytes(row[1])) if row else None

    @_or_damaged
    def keyframes(
        self, trial: int, call: int | None = None, upto_seq: int | None = None
    ) -> list[KeyframeRow]:
        """Pictures that one call used; without ``call``, every picture kept in the trial."""
        return nouns.keyframes(self._rows, self.event, trial, call, self._upto(upto_seq))

    # -- plumbing -----------------------------------------------------------------------------

    def _upto(self, seq: int | None) -> int:
        last = self.last_seq()
        return last if seq is None else max(0, min(seq, last))

    def _select(
        self,
        after_seq: int,
        upto_seq: int,
        limit: int | None,
        trial: int | None,
        kinds: Sequence[str] | None,
        newest_first: bool,
    ) -> list[tuple[Any, ...]]:
        """One indexed query per kind, merged: never a scan over the kinds in between."""
        order = "DESC" if newest_first else "ASC"
        where, bindings = "seq>? AND seq<=?", [after_seq, upto_seq]
        if trial is not None:
            where, bindings = where + " AND trial=?", [*bindings, trial]
        most = -1 if limit is None else limit
        tail = f" ORDER BY seq {order} LIMIT ?"
        if kinds is None:
            return self._rows(_EVENT + where + tail, (*bindings, most))
        by_kind = " AND +kind=?" if trial is not None else " AND kind=?"
        streams = [
            self._rows(_EVENT + where + by_kind + tail, (*bindings, kind, most)) for kind in kinds
        ]
        merged = heapq.merge(*streams, key=lambda row: row[0], reverse=newest_first)
        return list(islice(merged, limit))

    def _recorded(self, row: tuple[Any, ...]) -> Recorded:
        seq, wall_s, mono_s, kind, body = row
        try:
            return Recorded(seq, wall_s, mono_s, event_of(kind, body))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self._damaged(f"event {seq}: {error}") from None

    def _rows(self, sql: str, bindings: Any = ()) -> list[tuple[Any, ...]]:
        # SQLite's connection must not be used by two threads at once.
        with self._lock, database.named_errors(self.path):
            return self._db.execute(sql, bindings).fetchall()

    def _first(self, sql: str, bindings: Any = ()) -> tuple[Any, ...] | None:
        return next(iter(self._rows(sql, bindings)), None)

    def _one(self, sql: str, bindings: Any = ()) -> tuple[Any, ...]:
        row = self._first(sql, bindings)
        if row is None:
            raise self._damaged("a row that must be there is missing")
        return row

    def _damaged(self, what: str) -> SessionFileError:
        return SessionFileError(
            self.path, f"is damaged ({what})", database.SALVAGE.format(path=self.path)
        )
