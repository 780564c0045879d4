"""The file as its one writer holds it: batches in, durable sequence numbers out. One thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import apsw
import msgspec

from aspire_tui.domain import sha256_hex
from aspire_tui.events import (
    AnyEvent,
    Recorded,
    RunEnded,
    Samples,
    TrialClosed,
    VideoFrame,
    decode,
    encode,
)
from aspire_tui.session import checkpoints, database, schema
from aspire_tui.session.beside import Unsealed, unsealed
from aspire_tui.session.chain import genesis, link
from aspire_tui.session.clock import Clock
from aspire_tui.session.errors import SessionFileError
from aspire_tui.session.redaction import Redactor
from aspire_tui.session.snapshot import EMPTY, Snapshot, fold_all
from aspire_tui.session.tail import Tail


class Batch(NamedTuple):
    """What is written in one piece: all of it or nothing."""

    events: tuple[tuple[AnyEvent, bytes], ...] = ()
    """Each event as it will be read back, and its body."""
    blobs: tuple[tuple[str, str, bytes, bool], ...] = ()
    """Name (sha256), media type, bytes, and whether a secret was taken out of them."""
    samples: tuple[Samples, ...] = ()
    video: tuple[VideoFrame, ...] = ()

    @property
    def bulky(self) -> bool:
        return bool(self.blobs or self.samples or self.video)


def prepare(
    redactor: Redactor,
    events: Sequence[AnyEvent],
    blobs: Mapping[str, tuple[str, bytes]],
    samples: Sequence[Samples],
    video: Sequence[VideoFrame],
) -> Batch:
    """Encode and redact, before anything waits for the disk.

    Raises:
        ValueError: An event cannot be written such that it reads back (NaN in a required number,
            a lone surrogate in a text), or a blob's name is not the hash of its bytes.
    """
    return Batch(
        tuple(_encoded(redactor, event) for event in events),
        tuple(_named(redactor, name, *content) for name, content in blobs.items()),
        tuple(samples),
        tuple(video),
    )


def _encoded(redactor: Redactor, event: AnyEvent) -> tuple[AnyEvent, bytes]:
    try:
        body = redactor.body(encode(event))
        return decode(body), body
    except (msgspec.DecodeError, msgspec.EncodeError, TypeError, UnicodeError) as error:
        raise ValueError(f"{type(event).__name__} cannot be recorded: {error}") from error


def _named(redactor: Redactor, name: str, media: str, data: bytes) -> tuple[str, str, bytes, bool]:
    if sha256_hex(data) != name:
        raise ValueError(f"blob {name[:12]} is not named by its content")
    clean = redactor.blob(media, data)
    return name, media, clean, clean != data


class Store:
    """An open session file with its tail in memory: last number, last hash, newest snapshot."""

    def __init__(self, db: apsw.Connection, path: Path, clock: Clock) -> None:
        self.path = path
        self._db = db
        self._clock = clock
        self.wal_pages = 0
        database.set_up_writer(db)
        db.set_wal_hook(self._on_commit)
        self._tail = Tail(0, genesis(schema.session_id(db)), EMPTY, Unsealed())
        self._mono_origin_s = clock.mono_s()

    @classmethod
    def create(cls, path: Path, clock: Clock, release: str) -> Store:
        """A new session file; an existing one is never touched."""
        if path.exists():
            raise SessionFileError(path, "exists already", "choose another name")
        flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
        db = apsw.Connection(str(path), flags=flags)
        try:
            db.execute(f"PRAGMA page_size={schema.PAGE_BYTES}")
            with db:
                schema.create(db, uuid4().hex, clock.wall_s(), release)
            return cls(db, path, clock)
        except BaseException:
            # Half a session is none: the name stays free.
            db.close()
            for left in ("", "-journal", "-wal", "-shm"):
                path.with_name(path.name + left).unlink(missing_ok=True)
            raise

    @classmethod
    def open(cls, path: Path, clock: Clock, release: str) -> Store:
        """Go on where a recording stopped, however it stopped."""
        db = database.connect(path, write=True)
        with database.named_errors(path):
            with db:
                schema.migrate(db, clock.wall_s(), release)
                db.execute("DELETE FROM meta WHERE key IN ('closed_seq', 'closed_hash')")
            store = cls(db, path, clock)
            try:
                store._load_tail()
            except (msgspec.DecodeError, ValueError, TypeError) as error:
                store.abandon()
                if isinstance(error, SessionFileError):
                    raise
                raise SessionFileError(
                    path, f"is damaged ({error})", database.SALVAGE.format(path=path)
                ) from error
            except BaseException:
                store.abandon()
                raise
        return store

    def _load_tail(self) -> None:
        tail: list[tuple[Any, ...]] = self._db.execute(
            "SELECT seq, wall_s, mono_s, CAST(body AS BLOB), hash FROM events "
            "ORDER BY seq DESC LIMIT 2"
        ).fetchall()
        if not tail:
            return
        before = tail[1][4] if len(tail) > 1 else self._tail.hash
        seq, wall_s, mono_s, body, digest = tail[0]
        if link(before, seq, wall_s, mono_s, body) != digest:
            raise SessionFileError(
                self.path,
                "is not as it was written (the last event was edited)",
                "`aspire-tui sessions verify` lists what changed; start a new session",
            )
        away_s = max(0.0, self._clock.wall_s() - wall_s)
        self._mono_origin_s = self._clock.mono_s() - (mono_s + away_s)
        state = checkpoints.nearest(self._db.execute, seq)
        rows = self._db.execute(
            "SELECT seq, wall_s, mono_s, CAST(body AS BLOB) FROM events WHERE seq>? ORDER BY seq",
            (state.seq,),
        )
        state = fold_all(state, (Recorded(n, w, m, decode(body)) for n, w, m, body in rows))
        self._tail = Tail(seq, digest, state, unsealed(self._db))

    @property
    def seq(self) -> int:
        """Number of the last durable event."""
        return self._tail.seq

    @property
    def state(self) -> Snapshot:
        """The newest durable moment."""
        return self._tail.state

    def write(self, batches: Sequence[Batch]) -> list[int]:
        """Write all batches in one durable transaction; the last number of each.

        Raises:
            apsw.Error: Nothing of it was written.
        """
        tail = self._next()
        ends: list[int] = []
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for batch in batches:
                self._write_blobs(batch)
                for event, body in batch.events:
                    if isinstance(event, RunEnded):  # it is the last event of a run
                        tail.seal(self._db)
                    tail.add(self._db, event, body)
                ends.append(tail.seq)
                tail.unsealed.write(self._db, tail.seq, batch)
                if any(isinstance(event, TrialClosed) for event, _ in batch.events):
                    tail.seal(self._db)
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        self._tail = tail
        return ends

    def _next(self) -> Tail:
        return self._tail.copy(self._clock.wall_s(), self._clock.mono_s() - self._mono_origin_s)

    def _write_blobs(self, batch: Batch) -> None:
        for name, media, data, redacted in batch.blobs:
            self._db.execute(
                "INSERT OR IGNORE INTO blobs VALUES (?,?,?,?)", (name, media, redacted, data)
            )

    def checkpoint(self) -> None:
        """Move what readers no longer need from the log into the file. Never waits for them."""
        self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        self.wal_pages = 0

    def _on_commit(self, _: apsw.Connection, __: str, pages: int) -> int:
        self.wal_pages = pages
        return apsw.SQLITE_OK

    def close(self) -> None:
        """Seal: note the last event, leave one file without a log where no reader holds it."""
        self._db.set_wal_hook(None)
        self._db.set_busy_timeout(0)
        try:
            tail = self._next()
            with self._db:
                tail.seal(self._db)
                self._db.executemany(
                    "INSERT OR REPLACE INTO meta VALUES (?,?)",
                    [("closed_seq", str(tail.seq)), ("closed_hash", tail.hash.hex())],
                )
            self._tail = tail
            self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            self._db.pragma("journal_mode", "delete")
        except (apsw.BusyError, apsw.FullError, apsw.IOError):
            # A screen is still reading, there is no room, or the disk fails: the log stays beside
            # the file and nothing is lost.
            return
        finally:
            self._db.close()

    def abandon(self) -> None:
        """Close without sealing: the file is as a crash would leave it."""
        self._db.close()
