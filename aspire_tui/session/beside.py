"""What runs beside the events, joint state and film, and how the hash chain comes to cover it.

Every ended trial, and the end of a run, is followed (or preceded) by a :class:`BesideSealed` whose
digests go over all rows since the one before it: those with ``after_seq`` from the earlier seal up
to this event, in the order of their ``id``. One row is one line of JSON, so that a foreign program
can make the same digest; the bytes of a picture enter by their hash, which is its name.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple, Protocol

import apsw
import msgspec

from aspire_tui.domain import sha256_hex
from aspire_tui.events import BesideSealed, Samples, VideoFrame, decode
from aspire_tui.session.rows import Problem

_SAMPLES: Final = (
    "SELECT after_seq, trial, call, arm, t0_s, t1_s, rows, columns, CAST(data AS BLOB) "
    "FROM samples {where} ORDER BY id"
)
_VIDEO: Final = "SELECT after_seq, trial, camera, t_s, blob FROM video {where} ORDER BY id"


class _Beside(Protocol):
    @property
    def samples(self) -> Sequence[Samples]: ...
    @property
    def video(self) -> Sequence[VideoFrame]: ...


class Digest:
    """Of the rows of one table since the last seal."""

    def __init__(self) -> None:
        self._sha = hashlib.sha256()
        self.rows = 0

    def add(self, row: tuple[Any, ...]) -> None:
        """One row as :func:`line_of` writes it."""
        self._sha.update(line_of(row))
        self.rows += 1

    def hex(self) -> str:
        return self._sha.hexdigest()

    def copy(self) -> Digest:
        again = Digest()
        again._sha, again.rows = self._sha.copy(), self.rows
        return again


class Unsealed:
    """What was written since the last seal, as the one writer keeps it."""

    def __init__(self, since: int = 0) -> None:
        self.samples, self.video = Digest(), Digest()
        self.since = since
        """Number of the last seal; 0 before the first."""

    def copy(self) -> Unsealed:
        """To be thrown away when what was written is rolled back."""
        again = Unsealed(self.since)
        again.samples, again.video = self.samples.copy(), self.video.copy()
        return again

    def write(self, db: apsw.Connection, after_seq: int, batch: _Beside) -> None:
        """Keep what a batch holds beside its events."""
        for samples in batch.samples:
            self.samples.add(_write_samples(db, after_seq, samples))
        for frame in batch.video:
            self.video.add(_write_frame(db, after_seq, frame))

    def __bool__(self) -> bool:
        return bool(self.samples.rows or self.video.rows)

    def seal(self) -> BesideSealed:
        return BesideSealed(
            since=self.since,
            samples=self.samples.rows,
            samples_sha256=self.samples.hex(),
            video=self.video.rows,
            video_sha256=self.video.hex(),
        )


def line_of(row: tuple[Any, ...]) -> bytes:
    """One row as a line: its values as JSON, bytes as their sha256."""
    plain = [sha256_hex(bytes(v)) if isinstance(v, (bytes, memoryview)) else v for v in row]
    return json.dumps(plain).encode() + b"\n"


def _write_samples(db: apsw.Connection, after_seq: int, s: Samples) -> tuple[Any, ...]:
    """Keep joint state; the row as it is sealed."""
    columns = ",".join(s.columns)
    times = float(s.t0_s), float(s.t1_s)
    row = (after_seq, s.trial, s.call, s.arm, *times, s.rows, columns, s.data)
    db.execute(
        "INSERT INTO samples(after_seq, trial, call, arm, t0_s, t1_s, rows, columns, data) "
        "VALUES (?,?,?,?,?,?,?,?,?)",
        row,
    )
    return row


def _write_frame(db: apsw.Connection, after_seq: int, frame: VideoFrame) -> tuple[Any, ...]:
    """Keep one picture of the film; the row as it is sealed."""
    name = sha256_hex(frame.jpeg)
    row = (after_seq, frame.trial, frame.camera, float(frame.t_s), name)
    db.execute(
        "INSERT OR IGNORE INTO blobs VALUES (?,?,?,?)", (name, "image/jpeg", False, frame.jpeg)
    )
    db.execute("INSERT INTO video(after_seq, trial, camera, t_s, blob) VALUES (?,?,?,?,?)", row)
    return row


def unsealed(db: apsw.Connection) -> Unsealed:
    """What a writer that takes a file up finds unsealed; all of it in a file from before seals."""
    last = db.execute("SELECT max(seq) FROM events WHERE kind='beside'").fetchall()
    found = Unsealed(int(str(last[0][0] or 0)))
    where = f"WHERE after_seq>={found.since}"
    for digest, rows in ((found.samples, _SAMPLES), (found.video, _VIDEO)):
        for row in db.execute(rows.format(where=where)):
            digest.add(row)
    return found


class _Seal(NamedTuple):
    seq: int
    event: BesideSealed


def broken_seals(db: apsw.Connection, left_out: tuple[str, ...]) -> Iterator[Problem]:
    """Seals whose rows are not those that were written. A file from before seals has none."""
    seals = list(_seals(db))
    tables = [("samples", "joint state", _SAMPLES), ("video", "film", _VIDEO)]
    for table, called, rows in tables:
        if table not in left_out:
            yield from _differing(db, seals, table, called, rows)


def _differing(
    db: apsw.Connection, seals: list[_Seal], table: str, called: str, rows: str
) -> Iterator[Problem]:
    ends = [seal.seq for seal in seals]
    found = [Digest() for _ in seals]
    for row in db.execute(rows.format(where="")):
        place = bisect_right(ends, row[0])
        if place < len(seals) and row[0] >= seals[place].event.since:
            found[place].add(row)
    for seal, digest in zip(seals, found, strict=True):
        fields = msgspec.structs.asdict(seal.event)
        if (digest.rows, digest.hex()) != (fields[table], fields[f"{table}_sha256"]):
            since = seal.event.since + 1
            where = f"between events {since} and {seal.seq}"
            yield Problem(f"the {called} {where} is not what was written: edited", seal.seq)


def _seals(db: apsw.Connection) -> Iterator[_Seal]:
    for seq, body in db.execute(
        "SELECT seq, CAST(body AS BLOB) FROM events WHERE kind='beside' ORDER BY seq"
    ):
        event = decode(body)
        if isinstance(event, BesideSealed):
            yield _Seal(seq, event)


def unsealed_rows(db: apsw.Connection) -> int:
    """Rows that no seal covers: of a live trial, of a crash, or of a release before seals."""
    counted = db.execute(
        "WITH last AS (SELECT coalesce(max(seq), 0) AS seq FROM events WHERE kind='beside') "
        "SELECT (SELECT count(*) FROM samples, last WHERE after_seq>=last.seq) "
        "+ (SELECT count(*) FROM video, last WHERE after_seq>=last.seq)"
    ).fetchall()
    return int(str(counted[0][0]))
