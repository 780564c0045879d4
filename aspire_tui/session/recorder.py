"""Writing a session: any thread appends, one thread writes, an append returns once durable."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import apsw

from aspire_tui.events import AnyEvent, Note, Samples, VideoFrame
from aspire_tui.session import database
from aspire_tui.session.ballast import Ballast
from aspire_tui.session.clock import Clock, SystemClock
from aspire_tui.session.errors import RecorderClosed, RecorderFull
from aspire_tui.session.redaction import Redactor
from aspire_tui.session.snapshot import Snapshot
from aspire_tui.session.store import Batch, Store, prepare
from aspire_tui.session.utilisation import REOPENED

BALLAST_BYTES: Final = 64 << 20
BESIDE_EVERY_S: Final = 0.1
"""Samples and video without an event wait at most this long for company."""
IDLE_CHECKPOINT_S: Final = 0.25
IDLE_WAL_PAGES: Final = 250
MOST_WAL_PAGES: Final = 4000
LEAST_ROOM_BYTES: Final = 1 << 20
DISK_FULL: Final = "disk_full"
"""Code of the note that says why a session stops short."""


class TrialParts(Protocol):
    """A trial kept in memory until its end."""

    events: list[AnyEvent]
    blobs: dict[str, tuple[str, bytes]]
    sampled: list[Samples]
    frames: list[VideoFrame]


class _Job(NamedTuple):
    batch: Batch
    done: Future[int] | None
    """None: nobody waits."""


class Recorder:
    """The one writer of a session file. Made by :meth:`create` or :meth:`open`."""

    def __init__(
        self, store: Store, ballast: Ballast, redactor: Redactor, most_wal_pages: int
    ) -> None:
        self.path = store.path
        self._store = store
        self._ballast = ballast
        self._redactor = redactor
        self._most_wal_pages = most_wal_pages
        self._jobs: deque[_Job] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._full = False
        self._lost_beside = False
        self._broken: BaseException | None = None
        self._thread = threading.Thread(target=self._write_until_closed, name="session-writer")
        self._thread.daemon = True
        self._thread.start()

    @classmethod
    def create(
        cls,
        path: Path | str,
        *,
        clock: Clock | None = None,
        redactor: Redactor | None = None,
        release: str = "",
        ballast_bytes: int = BALLAST_BYTES,
        most_wal_pages: int = MOST_WAL_PAGES,
    ) -> Recorder:
        """Begin a session in a new file.

        Raises:
            SessionFileError: The file exists, or lies on a network file system.
        """
        path = Path(path)
        database.refuse_old_sqlite(database.sqlite_version())
        database.refuse_network(path)
        store = Store.create(path, clock or SystemClock(), release)
        ballast = Ballast(path, ballast_bytes)
        return cls(store, ballast, redactor or Redactor(), most_wal_pages)

    @classmethod
    def open(
        cls,
        path: Path | str,
        *,
        clock: Clock | None = None,
        redactor: Redactor | None = None,
        release: str = "",
        ballast_bytes: int = BALLAST_BYTES,
        most_wal_pages: int = MOST_WAL_PAGES,
    ) -> Recorder:
        """Go on with a session that was closed or whose recorder died; says so in a note.

        Raises:
            SessionFileError: Missing, damaged, newer, recorded by another process, or on a network
                file system.
        """
        path = Path(path)
        database.refuse_old_sqlite(database.sqlite_version())
        database.refuse_network(path)
        database.connect(path, write=False).close()
        ballast = Ballast(path, ballast_bytes)
        try:
            store = Store.open(path, clock or SystemClock(), release)
        except BaseException:
            ballast.close()
            raise
        recorder = cls(store, ballast, redactor or Redactor(), most_wal_pages)
        try:
            recorder.append([Note(_reopening(store.state), "warn", REOPENED)])
        except BaseException:
            recorder.close()
            raise
        return recorder

    # -- what others call ---------------------------------------------------------------------

    def append(
        self,
        events: Sequence[AnyEvent] = (),
        blobs: Mapping[str, tuple[str, bytes]] | None = None,
        samples: Sequence[Samples] = (),
        video: Sequence[VideoFrame] = (),
    ) -> int:
        """Write everything in one transaction; the number of the last event, once it is durable.

        Without events or blobs nothing is waited for: samples and video go with the next event,
        or by themselves within ``BESIDE_EVERY_S``.

        Raises:
            RecorderFull: The disk is full and nothing of this was written. A note says so in the
                file; from now on events without blobs may still fit.
            RecorderClosed: The recorder was closed or its writer died.
            ValueError: An event cannot be written such that it reads back.
        """
        batch = prepare(self._redactor, events, blobs or {}, samples, video)
        if not batch.events and not batch.bulky:
            return self.last_seq
        done: Future[int] | None = Future() if batch.events or batch.blobs else None
        with self._wake:
            self._refuse_when_over(batch)
            self._jobs.append(_Job(batch, done))
            self._wake.notify()
        return done.result() if done else self.last_seq

    def append_trial(self, trial: TrialParts) -> int:
        """Write a trial that was kept in memory as one transaction."""
        return self.append(trial.events, trial.blobs, trial.sampled, trial.frames)

    @property
    def last_seq(self) -> int:
        return self._store.seq

    def snapshot(self) -> Snapshot:
        """The newest durable moment."""
        return self._store.state

    @property
    def full(self) -> bool:
        """The disk was full once; only events without blobs are taken."""
        return self._full

    def close(self) -> None:
        """Write what is waiting, seal the file, give the reserved bytes back. Idempotent."""
        if self._closing:
            return
        self._stop()
        try:
            self._ballast.release()
            if self._broken is None:
                self._store.close()
            else:
                self._store.abandon()
        finally:
            self._ballast.close()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- the writer's thread ------------------------------------------------------------------

    def _refuse_when_over(self, batch: Batch) -> None:
        if self._broken is not None:
            raise RecorderClosed(f"the session writer died: {self._broken}") from self._broken
        if self._closing:
            raise RecorderClosed("the session is closed")
        if self._full and batch.bulky:
            raise RecorderFull(f"{self.path}: the disk is full; only plain events are taken")

    def _stop(self) -> None:
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def _write_until_closed(self) -> None:
        try:
            while (jobs := self._take()) != []:
                if jobs is not None:
                    self._write(jobs)
                if jobs is None or self._store.wal_pages >= self._most_wal_pages:
                    self._checkpoint()
        except BaseException as error:
            self._break(error)
            raise

    def _take(self) -> list[_Job] | None:
        """The jobs to write now; None when there is time to tidy, nothing left when closing."""
        with self._wake:
            while not self._closing and not self._jobs:
                idle_s = IDLE_CHECKPOINT_S if self._store.wal_pages >= IDLE_WAL_PAGES else None
                if not self._wake.wait(idle_s):
                    return None
            if not self._has_company():
                self._wake.wait_for(self._has_company, timeout=BESIDE_EVERY_S)
            jobs = list(self._jobs)
            self._jobs.clear()
            return jobs

    def _has_company(self) -> bool:
        return self._closing or any(job.done for job in self._jobs)

    def _write(self, jobs: list[_Job]) -> None:
        try:
            ends = self._store.write([job.batch for job in jobs])
        except Exception as error:
            if self._no_room(error):
                self._say_full(error)
            # One job must not take its company down, and a plain event may fit into the reserve.
            for job in jobs:
                self._write_alone(job)
            return
        for job, end in zip(jobs, ends, strict=True):
            if job.done:
                job.done.set_result(end)

    def _write_alone(self, job: _Job) -> None:
        if self._full and job.batch.bulky:
            self._fail(job, RecorderFull(f"{self.path}: the disk is full"))
            return
        try:
            (end,) = self._store.write([job.batch])
        except Exception as error:
            self._fail(job, self._named(error))
            return
        if job.done:
            job.done.set_result(end)

    def _named(self, error: Exception) -> Exception:
        if not self._no_room(error):
            return error
        full = RecorderFull(f"{self.path}: the disk is full")
        full.__cause__ = error
        return full

    def _fail(self, job: _Job, error: Exception) -> None:
        if job.done:
            job.done.set_exception(error)
        elif not self._full and not self._lost_beside:
            self._lost_beside = True
            self._say(Note(f"samples or video were not kept: {error}", "warn", "not_kept"))

    def _checkpoint(self) -> None:
        """Events stay safe in the log when they cannot be moved into the file."""
        try:
            self._store.checkpoint()
        except (apsw.FullError, apsw.IOError) as error:
            self._store.wal_pages = 0
            if self._no_room(error):
                self._say_full(error)
            else:
                self._say(Note(f"the session file cannot be tidied: {error}", "warn", "disk"))

    def _no_room(self, error: Exception) -> bool:
        if isinstance(error, apsw.FullError):
            return True
        if not isinstance(error, apsw.IOError):
            return False
        room = os.statvfs(self.path.parent)
        return room.f_bavail * room.f_frsize < LEAST_ROOM_BYTES

    def _say_full(self, error: Exception) -> None:
        """Give the reserve back and write down why nothing more will follow; once."""
        if self._full:
            return
        self._full = True
        self._ballast.release()
        self._say(Note(f"the disk is full, recording ends here: {error}", "error", DISK_FULL))

    def _say(self, note: Note) -> None:
        with contextlib.suppress(apsw.FullError, apsw.IOError):
            # Not even the reserve was enough: the append that failed still tells its caller.
            self._store.write([prepare(self._redactor, [note], {}, (), ())])

    def _break(self, error: BaseException) -> None:
        """The writer dies of a defect: everybody who waits is told."""
        with self._wake:
            self._broken = error
            waiting = [job for job in self._jobs if job.done]
            self._jobs.clear()
        for job in waiting:
            assert job.done is not None
            job.done.set_exception(RecorderClosed(f"the session writer died: {error}"))


def _reopening(state: Snapshot) -> str:
    """What the note of a reopening says, from the moment the recording stopped at."""
    unknown = [t.in_flight for t in state.open_trials if t.in_flight]
    text = "the recording was taken up again"
    if unknown:
        named = ", ".join(f"call {c.call} ({c.primitive}) of trial {c.trial}" for c in unknown)
        text += f"; unknown outcome: {named}"
    return text
