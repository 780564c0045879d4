"""From a damaged session a new file with everything that can still be read.

Event numbers and times stay as they were; the new file has its own hash chain, says in a note where
it comes from and what is missing, and :meth:`SessionReader.verify` goes on naming the gaps.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

import apsw
import msgspec

from aspire_tui.domain import sha256_hex
from aspire_tui.events import Note, Recorded, decode, encode
from aspire_tui.session import checkpoints, schema
from aspire_tui.session.chain import genesis, link
from aspire_tui.session.errors import SessionFileError
from aspire_tui.session.index import write_event
from aspire_tui.session.snapshot import EMPTY, fold

MISSES_AT_THE_END: Final = 10_000
"""Unreadable rows in a row after which nothing more is expected, when the end is not known."""

_BESIDE: Final = {
    "blobs": ("rowid", "sha256, media, redacted, data"),
    "samples": ("id", "after_seq, trial, call, arm, t0_s, t1_s, rows, columns, data"),
    "video": ("id", "after_seq, trial, camera, t_s, blob"),
}


class Salvaged(NamedTuple):
    """What was saved. ``lost`` are ranges of event numbers, both ends included."""

    events: int
    blobs: int
    lost: tuple[tuple[int, int], ...]


def salvage(source: Path, into: Path) -> Salvaged:
    """Read what can be read of ``source`` and write it to a new session file.

    Raises:
        SessionFileError: ``into`` exists, or nothing at all can be read.
    """
    if into.exists():
        raise SessionFileError(into, "exists already", "choose another name")
    if not source.is_file():
        raise SessionFileError(source, "there is no such file", "`aspire-tui sessions` lists them")
    old = apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        found = list(_events(old))
        if not found:
            raise SessionFileError(source, "holds no event that can be read", "restore a backup")
        return _write(old, found, source, into)
    finally:
        old.close()


def _events(old: apsw.Connection) -> Iterator[Recorded]:
    """Every event that still decodes, in order."""
    for seq, wall_s, mono_s, body in _rows(
        old, "events", "seq", "seq, wall_s, mono_s, CAST(body AS BLOB)"
    ):
        try:
            yield Recorded(int(seq), float(wall_s), float(mono_s), decode(body))
        except (msgspec.DecodeError, ValueError, TypeError):
            # A body that is no event any more; its number shows up among the lost.
            continue


def _rows(old: apsw.Connection, table: str, key: str, columns: str) -> Iterator[tuple[Any, ...]]:
    """Row by row, so that one broken page costs only what lies on it."""
    newest = _newest(old, table, key)
    number = misses = 0
    while number < newest if newest is not None else misses < MISSES_AT_THE_END:
        number += 1
        try:
            row = old.execute(f"SELECT {columns} FROM {table} WHERE {key}=?", (number,)).fetchone()
        except (apsw.Error, UnicodeDecodeError):
            row = None
        misses = 0 if row is not None else misses + 1
        if row is not None:
            yield row


def _newest(old: apsw.Connection, table: str, key: str) -> int | None:
    try:
        row = old.execute(f"SELECT max({key}) FROM {table}").fetchone()
    except apsw.Error:
        return None
    return row[0] if row is not None and isinstance(row[0], int) else 0


def _write(old: apsw.Connection, found: list[Recorded], source: Path, into: Path) -> Salvaged:
    lost = _gaps(found)
    new = apsw.Connection(str(into), flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
    session = _session_id(old)
    try:
        with new:
            schema.create(new, session, found[0].wall_s, "salvage")
            blobs = _copy_beside(old, new)
            _write_events(new, session, [*found, _note(found[-1], source, lost)])
    except BaseException:
        new.close()
        into.unlink()
        raise
    new.close()
    return Salvaged(len(found), blobs, lost)


def _session_id(old: apsw.Connection) -> str:
    try:
        return schema.session_id(old)
    except (apsw.Error, IndexError, UnicodeDecodeError):
        return "salvaged"


def _gaps(found: list[Recorded]) -> tuple[tuple[int, int], ...]:
    before = [0, *(recorded.seq for recorded in found)]
    return tuple((left + 1, right - 1) for left, right in pairwise(before) if right - left > 1)


def _note(last: Recorded, source: Path, lost: tuple[tuple[int, int], ...]) -> Recorded:
    ranges = ", ".join(f"{a}–{b}" if a != b else f"{a}" for a, b in lost) or "none in between"
    text = f"salvaged from {source.name} up to event {last.seq}; lost: {ranges}"
    return Recorded(last.seq + 1, last.wall_s, last.mono_s, Note(text, "warn", "salvaged"))


def _copy_beside(old: apsw.Connection, new: apsw.Connection) -> int:
    """Blobs that are what their names say, joint state and video; the number of blobs."""
    blobs = 0
    for table, (key, columns) in _BESIDE.items():
        places = ",".join("?" * (columns.count(",") + 1))
        for row in _rows(old, table, key, columns):
            if table == "blobs":
                name, _, redacted, data = row
                if not isinstance(data, bytes) or not (redacted or sha256_hex(data) == name):
                    continue
                blobs += 1
            try:
                new.execute(f"INSERT OR IGNORE INTO {table}({columns}) VALUES ({places})", row)
            except apsw.ConstraintError:
                # A value of the wrong kind: this row was damaged.
                continue
    return blobs


def _write_events(new: apsw.Connection, session: str, found: list[Recorded]) -> None:
    digest, state = genesis(session), EMPTY
    for recorded in found:
        body = encode(recorded.event)
        digest = link(digest, recorded.seq, recorded.wall_s, recorded.mono_s, body)
        write_event(new, recorded, body.decode(), digest)
        before, state = state, fold(state, recorded)
        if state.seq // checkpoints.EVERY > before.seq // checkpoints.EVERY:
            checkpoints.store(new, state, digest)
