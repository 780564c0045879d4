"""One engine per cell: a lock the kernel frees with the process, and whose holder has a name."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class CellBusy(Exception):
    """Another engine holds this cell."""


class CellLock:
    """An exclusive lock file. The descriptor is close-on-exec: no child can inherit it."""

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

    def close(self) -> None:
        os.close(self._fd)
