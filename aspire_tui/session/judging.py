"""Whether a session was judged to its end by what it began with, from the file alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import apsw

from aspire_tui.events import Attached, SessionOpened, SessionResumed, decode
from aspire_tui.session.rows import Problem
from aspire_tui.session.schema import has_attachments

_EVENTS = "SELECT seq, CAST(body AS BLOB) FROM events WHERE kind=? ORDER BY seq"


def judged_as_begun(db: apsw.Connection) -> Iterator[Problem]:
    """What was hashed at the start is what is kept, and what every resumption found again."""
    first = next(iter(db.execute(_EVENTS, ("session_opened",))), None)
    opened = decode(first[1]) if first else None
    if not isinstance(opened, SessionOpened):
        return
    yield from _kept(db, opened.hashes)
    for seq, body in db.execute(_EVENTS, ("resumed",)):
        resumed = decode(body)
        if isinstance(resumed, SessionResumed):
            for name in sorted(opened.hashes.keys() & resumed.hashes.keys()):
                if opened.hashes[name] != resumed.hashes[name]:
                    yield Problem(f"the session was resumed at {seq} under another {name}", seq)


def _kept(db: apsw.Connection, hashes: dict[str, str]) -> Iterator[Problem]:
    """The kept text of each judging part gives the hash the session began with."""
    if not has_attachments(db):
        return
    texts: dict[str, list[bytes | None]] = {}
    for _, body in db.execute(_EVENTS, ("attached",)):
        event = decode(body)
        if isinstance(event, Attached) and event.role in hashes:
            row = next(
                iter(
                    db.execute(
                        "SELECT CAST(data AS BLOB) FROM blobs WHERE sha256=? AND redacted=0",
                        (event.blob.sha256,),
                    )
                ),
                None,
            )
            texts.setdefault(event.role, []).append(row[0] if row else None)
    for role, parts in texts.items():
        whole = [p for p in parts if p is not None]
        if len(whole) != len(parts):
            continue  # not kept, or redacted: nothing to compare
        if hashlib.sha256(b"".join(whole)).hexdigest() != hashes[role]:
            yield Problem(f"the kept text of {role} is not what the session was judged by")
