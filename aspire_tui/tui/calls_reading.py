"""Keeps the calls of the shown trial in step with its file; only what is new is read."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple, overload

import msgspec

from aspire_tui.session.reader import SessionReader
from aspire_tui.session.rows import CallRow

WINDOW: Final = 5_000
"""Calls of one trial that are listed; of a longer one those before the moment, and more on seeking
back."""


class Begins(NamedTuple):
    """From this call on, by its place, it is another attempt."""

    place: int
    attempt: int


@dataclass(frozen=True)
class Calls(Sequence[CallRow]):
    """Calls of one trial as they stood at a moment, in order of number.

    Attributes:
        rows: The listed ones.
        begins: Attempts after the first that is listed.
        earlier: Calls before the first that is listed.
    """

    rows: tuple[CallRow, ...] = ()
    begins: tuple[Begins, ...] = ()
    earlier: int = 0

    @classmethod
    def of(cls, rows: Iterable[CallRow], earlier: int = 0) -> Calls:
        listed = tuple(rows)
        attempts = [row.attempt for row in listed]
        changes = [
            Begins(place, attempt)
            for place, attempt in enumerate(attempts)
            if place and attempt != attempts[place - 1]
        ]
        return cls(listed, tuple(changes), earlier)

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> CallRow: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[CallRow]: ...
    def __getitem__(self, index: int | slice) -> CallRow | Sequence[CallRow]:
        return self.rows[index]

    @property
    def total(self) -> int:
        return self.earlier + len(self.rows)

    @cached_property
    def failed(self) -> int:
        """How many of the listed ones did not end in OK."""
        return sum(1 for row in self.rows if row.status not in (None, "OK"))

    @cached_property
    def primitives(self) -> frozenset[str]:
        return frozenset(row.primitive for row in self.rows)

    def place_of(self, call: int) -> int | None:
        """Where a call is listed, if it is."""
        place = bisect_left(self.rows, call, key=lambda row: row.call)
        found = place < len(self.rows) and self.rows[place].call == call
        return place if found else None


NO_CALLS: Final = Calls()


class CallsReading:
    """The calls at the moment that was asked for last. Going on costs what is new.

    Args:
        window: Calls that are listed at most. With less than a tenth of them before the moment,
            and more in the file, those before it are read.

    Attributes:
        rows_read: Rows of the file that were read so far.
    """

    def __init__(self, window: int = WINDOW) -> None:
        self._window = window
        self._trial = -1
        self._upto = 0
        self._known: list[CallRow] = []
        self._shown = NO_CALLS
        self._undone_shown = False
        self._shown_key: tuple[int, int, int] = (-1, -1, -1)
        self.rows_read = 0

    def at(self, reader: SessionReader, trial: int, seq: int) -> Calls:
        """The calls of a trial as they stood at an event."""
        if trial != self._trial:
            self._read(reader, trial, seq)
        elif seq > self._upto:
            self._go_on(reader, trial, seq)
        elif self._before(seq) < max(1, self._window // 10) and self._earlier:
            self._read(reader, trial, seq)
        return self._as_it_stood(seq)

    @property
    def _earlier(self) -> int:
        return self._known[0].call - 1 if self._known else 0

    def _before(self, seq: int) -> int:
        """How many known calls had begun."""
        return bisect_right(self._known, seq, key=lambda row: row.intent_seq)

    def _read(self, reader: SessionReader, trial: int, seq: int) -> None:
        self._trial, self._upto = trial, seq
        self._known = self._count(reader.newest_calls(trial, self._window, seq))
        self._shown_key = (-1, -1, -1)

    def _go_on(self, reader: SessionReader, trial: int, seq: int) -> None:
        last = self._known[-1].call if self._known else 0
        fresh = self._count(reader.calls_after(trial, last, self._window + 1, seq))
        if len(fresh) > self._window:
            self._read(reader, trial, seq)
            return
        open_ = [place for place, row in enumerate(self._known) if row.result_seq is None]
        for place in open_:
            (self._known[place],) = self._count(
                reader.calls_after(trial, self._known[place].call - 1, 1, seq)
            )
        self._known += fresh
        if len(self._known) > 2 * self._window:
            self._known = self._known[-self._window :]
        self._upto = seq

    def _count(self, rows: list[CallRow]) -> list[CallRow]:
        self.rows_read += len(rows)
        return rows

    def _as_it_stood(self, seq: int) -> Calls:
        """Calls that had begun; what had not come yet is not known of them."""
        count = self._before(seq)
        listed = self._known[max(0, count - self._window) : count]
        key = (self._trial, len(listed), listed[-1].call if listed else 0)
        undone = [
            place
            for place, row in enumerate(listed)
            if row.result_seq is None or row.result_seq > seq
        ]
        if key == self._shown_key and not undone and not self._undone_shown:
            return self._shown
        for place in undone:
            listed[place] = unanswered(listed[place])
        self._shown_key, self._undone_shown = key, bool(undone)
        self._shown = Calls.of(listed, listed[0].call - 1 if listed else 0)
        return self._shown


def unanswered(row: CallRow) -> CallRow:
    """A call before its result."""
    return msgspec.structs.replace(
        row, result_seq=None, status=None, summary="", duration_s=0.0, held_s=0.0, think_s=0.0,
        error_m=None, operator="",
    )  # fmt: skip
