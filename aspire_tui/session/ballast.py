"""A file of reserved bytes beside a live session, and the lock that says who writes it.

When the disk is full the bytes are given back, so that "disk full" itself can still be written. The
lock is the kernel's: it goes with the process, however that ends.
"""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

from aspire_tui.session.errors import SessionFileError


class Ballast:
    """Open for as long as the session is recorded.

    Raises:
        SessionFileError: Another process is recording this session.
    """

    def __init__(self, session: Path, size: int) -> None:
        self.path = session.with_name(session.name + ".ballast")
        self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._fd)
            raise SessionFileError(
                session,
                "is being recorded by another process",
                "attach to it with `aspire-tui attach`, or stop it first",
            ) from None
        self.reserved = self._reserve(size)

    def _reserve(self, size: int) -> int:
        """Real blocks, not a hole, and at most a quarter of what is free."""
        room = os.fstatvfs(self._fd)
        size = min(size, room.f_bavail * room.f_frsize // 4)
        if size <= 0:
            os.ftruncate(self._fd, 0)
            return 0
        try:
            os.posix_fallocate(self._fd, 0, size)
        except OSError as error:
            os.ftruncate(self._fd, 0)
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EOPNOTSUPP, errno.EINVAL):
                raise
            return 0
        return size

    def release(self) -> None:
        """Give the bytes back to the file system; the lock stays."""
        os.ftruncate(self._fd, 0)
        os.fsync(self._fd)
        self.reserved = 0

    def close(self) -> None:
        self.path.unlink(missing_ok=True)
        os.close(self._fd)
