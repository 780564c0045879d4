"""One host per cell: a lock file that names who holds it, and asking whether it is held."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import msgspec


class Holder(msgspec.Struct, frozen=True):
    """Who serves a cell."""

    pid: int
    who: str
    cell: str
    cell_file: str
    sess: str


class CellBusy(Exception):
    """Another host serves this cell."""

    def __init__(self, holder: Holder | None) -> None:
        self.holder = holder
        by = f"process {holder.pid} of {holder.who}" if holder else "another process"
        super().__init__(f"the cell is already served by {by}")


class HostLock:
    """Held for the life of the process; the kernel lets go of it when the process dies."""

    def __init__(self, path: Path, holder: Holder) -> None:
        """Take the lock. Raises CellBusy."""
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._fd)
            raise CellBusy(_read(path)) from None
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, msgspec.json.encode(holder), 0)

    def release(self) -> None:
        os.close(self._fd)


def holder_of(path: Path) -> Holder | None:
    """Who serves the cell with this lock file now; None when nobody does."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(path) or Holder(0, "unknown", "", "", "")
    finally:
        os.close(fd)
    return None


def _read(path: Path) -> Holder | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Holder)
    except (OSError, msgspec.DecodeError):
        return None
