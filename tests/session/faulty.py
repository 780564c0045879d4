"""A disk that fails when told to: the n-th write, sync or truncate, or when it has no room left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import apsw

from aspire_tui.session import schema
from aspire_tui.session.ballast import Ballast
from aspire_tui.session.recorder import Recorder
from aspire_tui.session.redaction import Redactor
from aspire_tui.session.store import Store

Fault = Literal["write", "short write", "sync", "truncate", "full", "none"]


class Trouble:
    """What goes wrong, and when. Counts from 1; every operation from ``at`` to ``until`` fails."""

    def __init__(self, fault: Fault = "none", at: int = 0, times: int = 1) -> None:
        self.fault = fault
        self.at = at
        self.times = times
        self.seen = 0
        self.struck = 0
        self.room_bytes: int | None = None
        self.ballast: Path | None = None

    def strikes(self, operation: str) -> bool:
        if self.fault.split()[-1] != operation:
            return False
        self.seen += 1
        hit = self.at <= self.seen < self.at + self.times
        self.struck += hit
        return hit

    def room_left(self, folder: Path) -> int | None:
        """Bytes until the disk is full: the ballast is on it too."""
        if self.room_bytes is None:
            return None
        return self.room_bytes - sum(p.stat().st_size for p in folder.iterdir())


class FaultyVFS(apsw.VFS):
    def __init__(self, name: str, trouble: Trouble) -> None:
        super().__init__(name, "")
        self.trouble = trouble

    def xOpen(self, name: apsw.URIFilename | str | None, flags: list[int]) -> FaultyFile:
        return FaultyFile(name, flags, self.trouble)


class FaultyFile(apsw.VFSFile):
    def __init__(
        self, name: apsw.URIFilename | str | None, flags: list[int], trouble: Trouble
    ) -> None:
        super().__init__("", name, flags)
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self.folder = Path(path).parent if path else None
        self.trouble = trouble

    def xWrite(self, data: bytes, offset: int) -> None:
        if self.trouble.strikes("write"):
            if self.trouble.fault == "short write":
                super().xWrite(data[: len(data) // 2], offset)
            raise apsw.IOError("the disk failed to write")
        left = self.trouble.room_left(self.folder) if self.folder else None
        if left is not None and offset + len(data) - self.xFileSize() > left:
            raise apsw.FullError("no space left on the disk")
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:
        if self.trouble.strikes("sync"):
            raise apsw.IOError("the disk failed to sync")
        super().xSync(flags)

    def xTruncate(self, newsize: int) -> None:
        if self.trouble.strikes("truncate"):
            raise apsw.IOError("the disk failed to truncate")
        super().xTruncate(newsize)


@contextmanager
def recording(
    path: Path, clock: object, trouble: Trouble, *, ballast_bytes: int = 0, pages: int = 12
) -> Iterator[Recorder]:
    """A recorder on such a disk; the session has been laid out before anything goes wrong."""
    named = f"faulty-{id(trouble)}"
    vfs = FaultyVFS(named, trouble)
    quiet, trouble.fault = trouble.fault, "none"
    room, trouble.room_bytes = trouble.room_bytes, None
    try:
        db = apsw.Connection(str(path), vfs=named)
        db.pragma("page_size", schema.PAGE_BYTES)
        # The index of the log in memory: a shim like this one has no shared memory.
        db.pragma("locking_mode", "exclusive")
        with db:
            schema.create(db, "a session", 1.0, "")
        store = Store(db, path, clock)  # type: ignore[arg-type]
        store.checkpoint()
        recorder = Recorder(store, Ballast(path, ballast_bytes), Redactor(), pages)
        trouble.fault, trouble.room_bytes = quiet, room
        try:
            yield recorder
        finally:
            trouble.fault, trouble.room_bytes = "none", None
            recorder.close()
    finally:
        vfs.unregister()
