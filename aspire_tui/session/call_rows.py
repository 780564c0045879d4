"""Questions to the table of calls. Pure over functions that run one query."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from aspire_tui.session.rows import CallRow, CallSeq


class Rows(Protocol):
    def __call__(self, sql: str, bindings: Sequence[Any] = ()) -> Iterable[tuple[Any, ...]]: ...


class First(Protocol):
    def __call__(self, sql: str, bindings: Sequence[Any] = ()) -> tuple[Any, ...] | None: ...


_ROW = (
    "SELECT trial, attempt, call, primitive, line, intent_seq, start_mono_s, start_cell_s, "
    "result_seq, status, summary, duration_s, held_s, think_s, error_m, operator FROM calls "
)


def calls(rows: Rows, trial: int, upto: int) -> list[CallRow]:
    found = rows(f"{_ROW}WHERE trial=? AND intent_seq<=? ORDER BY call", (trial, upto))
    return [_row(row, upto) for row in found]


def newest(rows: Rows, trial: int, limit: int, upto: int) -> list[CallRow]:
    found = rows(
        f"{_ROW}WHERE trial=? AND intent_seq<=? ORDER BY call DESC LIMIT ?", (trial, upto, limit)
    )
    return [_row(row, upto) for row in found][::-1]


def after(rows: Rows, trial: int, call: int, limit: int, upto: int) -> list[CallRow]:
    found = rows(
        f"{_ROW}WHERE trial=? AND call>? AND intent_seq<=? ORDER BY call LIMIT ?",
        (trial, call, upto, limit),
    )
    return [_row(row, upto) for row in found]


def _row(row: tuple[Any, ...], upto: int) -> CallRow:
    known = row[8] is not None and row[8] <= upto
    return CallRow(*row) if known else CallRow(*row[:8])


_STOP = (
    "SELECT coalesce(result_seq, intent_seq) AS stop, trial, call, "
    "CASE WHEN result_seq IS NULL THEN 'intent' ELSE 'result' END FROM calls "
)


def call_seqs(rows: Rows, trial: int | None) -> list[CallSeq]:
    where = "" if trial is None else "WHERE trial=? "
    bindings = () if trial is None else (trial,)
    return [CallSeq(*row) for row in rows(f"{_STOP}{where}ORDER BY stop", bindings)]


def step_call(first: First, seq: int, forward: bool) -> CallSeq | None:
    return _step(first, seq, forward, "")


def step_failure(first: First, seq: int, forward: bool) -> CallSeq | None:
    return _step(first, seq, forward, "AND status<>'OK' ")


def _step(first: First, seq: int, forward: bool, which: str) -> CallSeq | None:
    """Two indexed look-ups, among the results and among the intents without one."""
    than, order = (">", "ASC") if forward else ("<", "DESC")
    ended = first(
        f"{_STOP}WHERE result_seq{than}? {which}ORDER BY result_seq {order} LIMIT 1", (seq,)
    )
    unended = None
    if not which:
        unended = first(
            f"{_STOP}WHERE intent_seq{than}? AND result_seq IS NULL "
            f"ORDER BY intent_seq {order} LIMIT 1",
            (seq,),
        )
    found = [CallSeq(*row) for row in (ended, unended) if row is not None]
    if not found:
        return None
    nearest: Callable[..., CallSeq] = min if forward else max
    return nearest(found, key=lambda stop: stop.seq)
