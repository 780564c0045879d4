"""Making a copy free of secrets that were not known as such when it was recorded.

Bodies that change break the hash chain, so from the first changed event on the copy has a chain of
its own, its index is made again, and a note at its end says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import apsw

from aspire_tui.events import Note, Recorded, encode
from aspire_tui.session import checkpoints, schema
from aspire_tui.session.chain import genesis, link
from aspire_tui.session.index import index_event, write_event
from aspire_tui.session.redaction import Redactor
from aspire_tui.session.snapshot import EMPTY, fold
from aspire_tui.session.stored import event_of

REDACTED: Final = "redacted_later"
"""Code of the note that says a copy is not, word for word, what was recorded."""
_CHUNK: Final = 2000


class Cleaned(NamedTuple):
    """How many events and texts a secret was taken out of."""

    events: int = 0
    texts: int = 0


class _Row(NamedTuple):
    seq: int
    wall_s: float
    mono_s: float
    kind: str
    body: bytes
    hash: bytes


def clean(db: apsw.Connection, redactor: Redactor) -> Cleaned:
    """Redact a copy in place. Call inside a transaction, and VACUUM after it: the old bytes are
    still in the file until then."""
    texts = _clean_texts(db, redactor)
    first = next((row.seq for row in _rows(db, 0) if redactor.body(row.body) != row.body), None)
    events = 0
    if first is not None:
        events = _clean_events(db, redactor, first)
    if events or texts:
        _say(db, Cleaned(events, texts))
    return Cleaned(events, texts)


def _rows(db: apsw.Connection, after: int) -> Iterator[_Row]:
    while True:
        chunk: list[tuple[Any, ...]] = db.execute(
            "SELECT seq, wall_s, mono_s, kind, CAST(body AS BLOB), hash FROM events "
            "WHERE seq>? ORDER BY seq LIMIT ?",
            (after, _CHUNK),
        ).fetchall()
        for row in chunk:
            yield _Row(*row)
        if len(chunk) < _CHUNK:
            return
        after = chunk[-1][0]


def _clean_texts(db: apsw.Connection, redactor: Redactor) -> int:
    changed = 0
    named: list[tuple[Any, ...]] = db.execute("SELECT rowid, media FROM blobs").fetchall()
    for rowid, media in named:
        if not Redactor.reads(media):
            continue
        held: tuple[Any, ...] = db.execute(
            "SELECT data FROM blobs WHERE rowid=?", (rowid,)
        ).fetchall()[0]
        data = bytes(held[0])
        redacted = redactor.blob(media, data)
        if redacted != data:
            changed += 1
            db.execute("UPDATE blobs SET data=?, redacted=1 WHERE rowid=?", (redacted, rowid))
    return changed


def _clean_events(db: apsw.Connection, redactor: Redactor, first: int) -> int:
    """Write the chain anew from the first changed event on, and the whole index."""
    changed, state = 0, EMPTY
    db.execute("DELETE FROM checkpoints")
    for table in schema.noun_tables(db):
        db.execute(f"DELETE FROM {table}")
    digest = b""
    for row in _rows(db, 0):
        body = redactor.body(row.body) if row.seq >= first else row.body
        changed += body != row.body
        if row.seq > first or body != row.body:
            previous = digest or genesis(schema.session_id(db))
            digest = link(previous, row.seq, row.wall_s, row.mono_s, body)
            db.execute(
                "UPDATE events SET body=?, hash=? WHERE seq=?", (body.decode(), digest, row.seq)
            )
        else:
            digest = row.hash
        recorded = Recorded(row.seq, row.wall_s, row.mono_s, event_of(row.kind, body))
        index_event(db, recorded)
        state = fold(state, recorded)
        if row.seq % checkpoints.EVERY == 0:
            checkpoints.store(db, state, digest)
    return changed


def _say(db: apsw.Connection, cleaned: Cleaned) -> None:
    last: list[tuple[Any, ...]] = db.execute(
        "SELECT seq, wall_s, mono_s, hash FROM events ORDER BY seq DESC LIMIT 1"
    ).fetchall()
    seq, wall_s, mono_s, digest = last[0]
    text = (
        f"packed: a secret was taken out of {cleaned.events} events and {cleaned.texts} texts; "
        "the hashes are of this copy"
    )
    note = Recorded(seq + 1, wall_s, mono_s, Note(text, "warn", REDACTED))
    body = encode(note.event)
    write_event(db, note, body.decode(), link(digest, note.seq, wall_s, mono_s, body))
    db.execute("DELETE FROM meta WHERE key IN ('closed_seq', 'closed_hash')")
