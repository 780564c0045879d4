"""Whether a session file is whole and unedited: SQLite's own check, the hash chain, the index made
from the events, the blobs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import zip_longest
from typing import Any, Final

import apsw
import msgspec

from aspire_tui.domain import sha256_hex
from aspire_tui.events import Recorded
from aspire_tui.session import schema
from aspire_tui.session.beside import broken_seals
from aspire_tui.session.chain import genesis, link, seal
from aspire_tui.session.index import index_event
from aspire_tui.session.judging import judged_as_begun
from aspire_tui.session.redaction import MARK
from aspire_tui.session.rows import Problem
from aspire_tui.session.stored import event_of

MANY = 20
"""Problems of one kind that are listed before the rest is only counted on."""

LEFT_OUT: Final = "left_out"
"""Key of what a pack was told to leave out, so that its absence is no damage."""


def verify(db: apsw.Connection) -> list[Problem]:
    """Everything wrong, worst first; an empty list means whole and unedited.

    One moment is looked at, also while the session is being recorded.
    """
    try:
        db.execute("BEGIN")
        return _verify(db)
    except apsw.Error as error:
        return [_damage(error)]
    finally:
        with suppress(apsw.Error):  # a file too damaged to end a read in
            db.execute("ROLLBACK")


def _damage(error: Exception) -> Problem:
    return Problem(f"the file is damaged: {' '.join(str(error).split())[:200]}")


def _verify(db: apsw.Connection) -> list[Problem]:
    problems: list[Problem] = []
    for check in (_structure, _chain, _index, _blobs, _beside, judged_as_begun):
        try:
            problems.extend(_first_many(check(db)))
        except (apsw.Error, TypeError, ValueError, LookupError) as error:
            # Values of the wrong kind are damage too, and the other checks cannot go on.
            problems.append(_damage(error))
            break
    return problems


def head(db: apsw.Connection) -> str:
    """The hash of the last event, hex: whoever keeps it can tell any later edit of the events."""
    rows = db.execute("SELECT hex(hash) FROM events ORDER BY seq DESC LIMIT 1").fetchall()
    return str(rows[0][0]).lower() if rows else genesis(schema.session_id(db)).hex()


def left_out(db: apsw.Connection) -> tuple[str, ...]:
    """What is absent because a pack was told to leave it out: ``pictures``, ``video``."""
    rows = db.execute("SELECT value FROM meta WHERE key=?", (LEFT_OUT,)).fetchall()
    return tuple(str(rows[0][0]).split(",")) if rows else ()


def _first_many(problems: Iterator[Problem]) -> Iterator[Problem]:
    for listed, problem in enumerate(problems):
        if listed == MANY:
            yield Problem("and more of the same")
            return
        yield problem


def _structure(db: apsw.Connection) -> Iterator[Problem]:
    for (said,) in db.execute(f"PRAGMA integrity_check({MANY})"):
        if said != "ok":
            yield Problem(f"the file is damaged: {said}")


def _chain(db: apsw.Connection) -> Iterator[Problem]:
    meta = dict(db.execute("SELECT key, value FROM meta"))
    previous, expected = genesis(meta["session"]), 1
    for seq, wall_s, mono_s, kind, body, stored, state, state_seal in db.execute(
        "SELECT events.seq, CAST(wall_s AS REAL), CAST(mono_s AS REAL), kind, CAST(body AS BLOB), "
        "CAST(events.hash AS BLOB), CAST(state AS BLOB), checkpoints.hash "
        "FROM events LEFT JOIN checkpoints ON checkpoints.seq=events.seq ORDER BY events.seq"
    ):
        if seq != expected:
            yield Problem(f"events {expected} to {seq - 1} are missing", expected)
        if seq == 1 and kind != "session_opened":
            yield Problem(f"the first event is {kind}, not session_opened", 1)
        if link(previous, seq, wall_s, mono_s, body) != stored:
            yield Problem(f"event {seq} does not follow from the one before it: edited", seq)
        if state is not None and seal(stored, state) != state_seal:
            yield Problem(f"the checkpoint at event {seq} was edited", seq)
        previous, expected = stored, seq + 1
    closed_seq = int(meta.get("closed_seq", expected - 1))
    if closed_seq >= expected:
        yield Problem(f"events {expected} to {closed_seq} are missing at the end", expected)
    elif closed_seq == expected - 1 and meta.get("closed_hash", previous.hex()) != previous.hex():
        yield Problem("the last event is not the one the session was closed with", closed_seq)


def _beside(db: apsw.Connection) -> Iterator[Problem]:
    return broken_seals(db, left_out(db))


def _index(db: apsw.Connection) -> Iterator[Problem]:
    """The noun tables, made again from the events beside the file, must be those in it."""
    again = apsw.Connection("")
    try:
        schema.lay_out(again)
        with again:
            for seq, wall_s, mono_s, kind, body in db.execute(
                "SELECT seq, CAST(wall_s AS REAL), CAST(mono_s AS REAL), kind, CAST(body AS BLOB) "
                "FROM events ORDER BY seq"
            ):
                try:
                    event = event_of(kind, body)
                except msgspec.DecodeError as error:
                    yield Problem(f"event {seq} is damaged: {error}", seq)
                    continue
                index_event(again, Recorded(seq, wall_s, mono_s, event))
        for table in schema.noun_tables(db):
            yield from _same(db, again, table)
    finally:
        again.close()


def _same(db: apsw.Connection, again: apsw.Connection, table: str) -> Iterator[Problem]:
    about = list(again.execute(f"PRAGMA table_info({table})"))
    columns = ", ".join(row[1] for row in about)
    key = ", ".join(row[1] for row in sorted(about, key=lambda row: row[5]) if row[5])
    sql = f"SELECT {columns} FROM {table} ORDER BY {key}"
    for there, made in zip_longest(db.execute(sql), again.execute(sql)):
        if there != made:
            yield Problem(f"table {table} does not follow from the events: {_named(there or made)}")
            return


def _named(row: tuple[Any, ...] | None) -> str:
    return "the row of " + ", ".join(str(value)[:20] for value in (row or ())[:2])


_WANTED: Final = """
SELECT stored_seq AS seq, blob, 'program' AS what FROM programs
UNION ALL SELECT after_seq, blob, 'video' FROM video
UNION ALL SELECT seq, rgb, 'pictures' FROM keyframes
UNION ALL SELECT seq, depth, 'pictures' FROM keyframes WHERE depth IS NOT NULL
UNION ALL SELECT seq, overlay, 'pictures' FROM keyframes WHERE overlay IS NOT NULL
"""
_ATTACHED: Final = " UNION ALL SELECT seq, blob, 'attachment' FROM attachments"


def wanted_blobs(db: apsw.Connection) -> str:
    """A query for every blob that something in the file names: seq, blob, what for."""
    return _WANTED + (_ATTACHED if schema.has_attachments(db) else "")


def _blobs(db: apsw.Connection) -> Iterator[Problem]:
    for sha, media, redacted, data in db.execute(
        "SELECT sha256, media, redacted, CAST(data AS BLOB) FROM blobs"
    ):
        if redacted and media.startswith(("text/", "application/json")) and MARK in data:
            continue
        if sha256_hex(data) != sha:
            yield Problem(f"blob {sha[:12]} is not what its name says: edited")
    absent = left_out(db)
    for seq, sha, what in db.execute(
        f"SELECT seq, blob, what FROM ({wanted_blobs(db)}) "
        "WHERE blob NOT IN (SELECT sha256 FROM blobs) ORDER BY seq"
    ):
        if what not in absent:
            yield Problem(f"blob {sha[:12]} of event {seq} is missing", seq)
