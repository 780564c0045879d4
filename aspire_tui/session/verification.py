"""Whether a session file is whole and unedited: SQLite's own check, the hash chain, the blobs."""

from __future__ import annotations

from collections.abc import Iterator

import apsw

from aspire_tui.domain import sha256_hex
from aspire_tui.session.chain import genesis, link, seal
from aspire_tui.session.rows import Problem

MANY = 20
"""Problems of one kind that are listed before the rest is only counted on."""


def verify(db: apsw.Connection) -> list[Problem]:
    """Everything wrong, worst first; an empty list means whole and unedited."""
    problems: list[Problem] = []
    for check in (_structure, _chain, _blobs):
        try:
            problems.extend(_first_many(check(db)))
        except (apsw.Error, TypeError, ValueError, LookupError) as error:
            # Values of the wrong kind are damage too, and the other checks cannot go on.
            problems.append(Problem(f"the file is damaged: {error}"))
            break
    return problems


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
    checkpoints = {
        seq: (state, stored)
        for seq, state, stored in db.execute(
            "SELECT seq, CAST(state AS BLOB), hash FROM checkpoints"
        )
    }
    for seq, wall_s, mono_s, kind, body, stored in db.execute(
        "SELECT seq, CAST(wall_s AS REAL), CAST(mono_s AS REAL), kind, CAST(body AS BLOB), "
        "CAST(hash AS BLOB) FROM events ORDER BY seq"
    ):
        if seq != expected:
            yield Problem(f"events {expected} to {seq - 1} are missing", expected)
        if seq == 1 and kind != "session_opened":
            yield Problem(f"the first event is {kind}, not session_opened", 1)
        if link(previous, seq, wall_s, mono_s, body) != stored:
            yield Problem(f"event {seq} does not follow from the one before it: edited", seq)
        if seq in checkpoints and seal(stored, checkpoints[seq][0]) != checkpoints[seq][1]:
            yield Problem(f"the checkpoint at event {seq} was edited", seq)
        previous, expected = stored, seq + 1
    closed_seq = int(meta.get("closed_seq", expected - 1))
    if closed_seq >= expected:
        yield Problem(f"events {expected} to {closed_seq} are missing at the end", expected)
    elif closed_seq == expected - 1 and meta.get("closed_hash", previous.hex()) != previous.hex():
        yield Problem("the last event is not the one the session was closed with", closed_seq)


_WANTED = """
SELECT stored_seq, blob FROM programs
UNION ALL SELECT seq, rgb FROM keyframes
UNION ALL SELECT seq, depth FROM keyframes WHERE depth IS NOT NULL
UNION ALL SELECT seq, overlay FROM keyframes WHERE overlay IS NOT NULL
UNION ALL SELECT after_seq, blob FROM video
"""


def _blobs(db: apsw.Connection) -> Iterator[Problem]:
    for sha, data in db.execute("SELECT sha256, CAST(data AS BLOB) FROM blobs WHERE redacted=0"):
        if sha256_hex(data) != sha:
            yield Problem(f"blob {sha[:12]} is not what its name says: edited")
    for seq, sha in db.execute(
        f"SELECT seq, blob FROM (SELECT stored_seq AS seq, blob FROM ({_WANTED})) "
        "WHERE blob NOT IN (SELECT sha256 FROM blobs) ORDER BY seq"
    ):
        yield Problem(f"blob {sha[:12]} of event {seq} is missing", seq)
