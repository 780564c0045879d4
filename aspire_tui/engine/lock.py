"""One engine per cell: a lock the kernel frees with the process, and whose holder has a name.

A lock belongs to the open file, so any child that kept the descriptor would keep the cell locked
after its engine died. No child has it: it closes on exec, and a child that only forks closes it.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from weakref import WeakSet


class CellBusy(Exception):
    """Another engine holds this cell."""


class CellLock:
    """An exclusive lock file that no child inherits."""

    def __init__(self, path: Path, about: str) -> None:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(fd, 400, 0).decode(errors="replace").strip()
            os.close(fd)
            raise CellBusy(holder or "another engine") from None
        os.ftruncate(fd, 0)
        os.pwrite(fd, about.encode(), 0)
        self._fd = fd
        _HELD.add(self)

    def close(self) -> None:
        """Free the cell. Idempotent."""
        _HELD.discard(self)
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


_HELD: WeakSet[CellLock] = WeakSet()


def _forget_in_child() -> None:
    for lock in tuple(_HELD):
        lock.close()


os.register_at_fork(after_in_child=_forget_in_child)
