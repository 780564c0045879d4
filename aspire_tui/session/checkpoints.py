"""Stored snapshots: they only save time, so one that does not check out is passed over."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import apsw
import msgspec

from aspire_tui.session.chain import seal
from aspire_tui.session.snapshot import EMPTY, Snapshot

EVERY: Final = 500
"""Events between two checkpoints; a seek folds at most this many."""

_NEAREST: Final = """
SELECT CAST(checkpoints.state AS BLOB), checkpoints.hash, CAST(events.hash AS BLOB)
FROM checkpoints
JOIN events ON events.seq=checkpoints.seq
WHERE checkpoints.seq>? AND checkpoints.seq<=? ORDER BY checkpoints.seq DESC
"""


Rows = Callable[[str, tuple[Any, ...]], Iterable[tuple[Any, ...]]]


def store(db: apsw.Connection, state: Snapshot, event_hash: bytes) -> None:
    """Write a checkpoint. Call inside the transaction of its event."""
    body = msgspec.json.encode(state)
    db.execute(
        "INSERT OR REPLACE INTO checkpoints VALUES (?,?,?)",
        (state.seq, body, seal(event_hash, body)),
    )


def nearest(rows: Rows, upto: int, known: Snapshot = EMPTY) -> Snapshot:
    """The newest sound checkpoint up to a moment, or ``known`` when that is as near."""
    start = known if known.seq <= upto else EMPTY
    for limit in ("LIMIT 1", "LIMIT -1 OFFSET 1"):
        for body, stored, event_hash in rows(_NEAREST + limit, (start.seq, upto)):
            if seal(event_hash, body) == stored:
                try:
                    return msgspec.json.decode(body, type=Snapshot)
                except msgspec.DecodeError:
                    # Whole, but another release's idea of a snapshot.
                    continue
    return start
