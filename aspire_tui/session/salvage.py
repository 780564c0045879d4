"""From a damaged session a new file with everything that can still be read.

Event numbers, times and bodies stay as they were; the new file has its own hash chain, says in a
note where it comes from and what is missing, and :meth:`SessionReader.verify` goes on naming the
gaps. Where SQLite cannot walk the file any more, events are read off its bare pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import apsw
import msgspec

from aspire_tui.domain import sha256_hex
from aspire_tui.events import Note, Recorded, encode
from aspire_tui.session import checkpoints, schema
from aspire_tui.session.carving import carve
from aspire_tui.session.chain import genesis, link
from aspire_tui.session.errors import SessionFileError
from aspire_tui.session.index import index_event, insert_event
from aspire_tui.session.snapshot import EMPTY, fold
from aspire_tui.session.stored import event_of

MISSES_AT_THE_END: Final = 10_000
"""Unreadable rows in a row after which nothing more is expected, when the end is not known."""
MOST_RANGES: Final = 50
"""Lost ranges that the note names one by one."""

_BESIDE: Final = {
    "blobs": ("rowid", "sha256, media, redacted, data"),
    "samples": ("id", "after_seq, trial, call, arm, t0_s, t1_s, rows, columns, data"),
    "video": ("id", "after_seq, trial, camera, t_s, blob"),
}
_FOUND: Final = """
CREATE TEMP TABLE found(
    seq INTEGER PRIMARY KEY, wall_s REAL NOT NULL, mono_s REAL NOT NULL, kind TEXT NOT NULL,
    body BLOB NOT NULL)
"""

Raw = tuple[int, float, float, str, bytes]
"""seq, wall_s, mono_s, kind, body."""


class Salvaged(NamedTuple):
    """What was saved. ``lost`` are ranges of event numbers, both ends included."""

    events: int
    blobs: int
    lost: tuple[tuple[int, int], ...]


def salvage(source: Path, into: Path) -> Salvaged:
    """Read what can be read of ``source`` and write it to a new session file.

    Raises:
        SessionFileError: ``into`` exists or cannot be written, or nothing at all can be read.
    """
    if into.exists():
        raise SessionFileError(into, "exists already", "choose another name")
    if not source.is_file():
        raise SessionFileError(source, "there is no such file", "`aspire-tui sessions` lists them")
    try:
        old = apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READONLY)
    except apsw.Error as error:
        raise SessionFileError(
            source, f"cannot be opened ({error})", "look at its rights"
        ) from None
    try:
        return _rescue(old, source, into)
    except (apsw.FullError, apsw.CantOpenError) as error:
        raise SessionFileError(
            into, f"cannot be written ({error})", "choose another place"
        ) from None
    finally:
        old.close()


def _rescue(old: apsw.Connection, source: Path, into: Path) -> Salvaged:
    new = apsw.Connection(str(into), flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
    done = False
    try:
        new.execute(f"PRAGMA page_size={schema.PAGE_BYTES}")
        new.execute(_FOUND)
        with new:
            _keep(new, _events(old))
            if _newest(old, "events", "seq") is None or any(_gaps(_seqs(new))):
                _keep(new, _carved(source))
            if _count(new) == 0:
                raise SessionFileError(
                    source, "holds no event that can be read", "restore a backup"
                )
        with new:
            out = _write(old, new, source)
        done = True
        return out
    finally:
        new.close()
        if not done:
            into.unlink(missing_ok=True)


def _keep(new: apsw.Connection, found: Iterable[Raw]) -> int:
    """Set the rows aside, in order and each number once: memory stays flat."""
    new.executemany("INSERT OR IGNORE INTO found VALUES (?,?,?,?,?)", found)
    return _count(new)


def _count(new: apsw.Connection) -> int:
    rows: list[tuple[Any, ...]] = new.execute("SELECT count(*) FROM found").fetchall()
    return int(rows[0][0])


def _events(old: apsw.Connection) -> Iterator[Raw]:
    """Every event that still decodes, in order. Others show up among the lost."""
    for seq, wall_s, mono_s, kind, body in _rows(
        old, "events", "seq", "seq, wall_s, mono_s, kind, CAST(body AS BLOB)"
    ):
        try:
            whole = (int(seq), float(wall_s), float(mono_s), str(kind), bytes(body))
        except (ValueError, TypeError):
            continue
        if _is_event(whole):
            yield whole


def _carved(source: Path) -> Iterator[Raw]:
    for found in carve(source):
        if _is_event((*found,)):
            yield (*found,)


def _is_event(raw: Raw) -> bool:
    """Whether the body is a JSON text of the kind the row says."""
    _, wall_s, mono_s, kind, body = raw
    try:
        event_of(kind, body)
        said = msgspec.json.decode(body, type=_Kind)
        link(b"", raw[0], wall_s, mono_s, body)
        body.decode()
    except (msgspec.DecodeError, ValueError):
        return False
    return said.kind == kind


class _Kind(msgspec.Struct):
    kind: str


def _rows(old: apsw.Connection, table: str, key: str, columns: str) -> Iterator[tuple[Any, ...]]:
    """Row by row, so that one broken page costs only what lies on it."""
    try:
        old.execute(f"SELECT {columns} FROM {table} LIMIT 0")
    except apsw.Error:
        return  # the table is not even known any more
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


def _write(old: apsw.Connection, new: apsw.Connection, source: Path) -> Salvaged:
    events = _count(new)
    lost = tuple(_gaps(_seqs(new)))
    session = _session_id(old)
    (first_wall_s,) = new.execute("SELECT wall_s FROM found ORDER BY seq LIMIT 1").fetchall()[0]
    schema.create(new, session, float(str(first_wall_s)), "salvage")
    blobs = _copy_beside(old, new)
    _write_events(new, session, source, lost)
    new.execute("DROP TABLE found")
    return Salvaged(events, blobs, lost)


def _session_id(old: apsw.Connection) -> str:
    try:
        return schema.session_id(old)
    except (apsw.Error, IndexError, UnicodeDecodeError):
        return "salvaged"


def _seqs(new: apsw.Connection) -> Iterator[int]:
    rows: Iterable[tuple[Any, ...]] = new.execute("SELECT seq FROM found ORDER BY seq")
    for (seq,) in rows:
        yield seq


def _gaps(seqs: Iterable[int]) -> Iterator[tuple[int, int]]:
    before = 0
    for seq in seqs:
        if seq - before > 1:
            yield before + 1, seq - 1
        before = seq


def _note(last: Raw, source: Path, lost: tuple[tuple[int, int], ...]) -> Raw:
    named = ", ".join(f"{a}–{b}" if a != b else f"{a}" for a, b in lost[:MOST_RANGES])
    if len(lost) > MOST_RANGES:
        named += f" and {len(lost) - MOST_RANGES} more ranges"
    seq, wall_s, mono_s = last[:3]
    text = f"salvaged from {source.name} up to event {seq}; lost: {named or 'none in between'}"
    return seq + 1, wall_s, mono_s, "note", encode(Note(text, "warn", "salvaged"))


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


def _write_events(
    new: apsw.Connection, session: str, source: Path, lost: tuple[tuple[int, int], ...]
) -> None:
    digest, state = genesis(session), EMPTY
    for raw in _then_note(new, source, lost):
        seq, wall_s, mono_s, kind, body = raw
        recorded = Recorded(seq, wall_s, mono_s, event_of(kind, body))
        digest = link(digest, seq, wall_s, mono_s, body)
        insert_event(new, recorded, kind, body.decode(), digest)
        index_event(new, recorded)
        before, state = state, fold(state, recorded)
        if state.seq // checkpoints.EVERY > before.seq // checkpoints.EVERY:
            checkpoints.store(new, state, digest)


def _then_note(
    new: apsw.Connection, source: Path, lost: tuple[tuple[int, int], ...]
) -> Iterator[Raw]:
    last: Raw | None = None
    rows: Iterable[tuple[Any, ...]] = new.execute("SELECT * FROM found ORDER BY seq")
    for row in rows:
        last = (row[0], row[1], row[2], row[3], bytes(row[4]))
        yield last
    if last is not None:
        yield _note(last, source, lost)
