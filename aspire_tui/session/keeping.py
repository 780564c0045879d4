"""Which recorded sessions go when there are too many, how one is removed, and whether there is room
for one more trial."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from aspire_tui.domain import Struct
from aspire_tui.session.ballast import Ballast
from aspire_tui.session.errors import SessionFileError

DAY_S: Final = 86_400.0
GB: Final = 1e9
_BESIDE: Final = ("-wal", "-shm", "-journal", ".ballast")
_RECORDED: Final = re.compile(r"\d{8}-\d{6}-.*\.db")
"""How a run names its session; others were named by a person and are not pruned."""


class Retention(Struct, frozen=True):
    """What an operator is willing to keep. None means no limit."""

    keep_days: float | None = None
    quota_bytes: int | None = None
    """Of all sessions of the workspace together."""
    least_free_bytes: int = 0
    """Of the disk they lie on."""


class Stored(Struct, frozen=True):
    """A session file with everything beside it."""

    path: Path
    bytes: int
    written_wall_s: float
    live: bool


class Doomed(Struct, frozen=True):
    """A session that is to go, and why."""

    session: Stored
    why: str


def being_recorded(path: Path) -> bool:
    """Whether a process holds this session's recording lock at this moment."""
    lock = path.with_name(path.name + ".ballast")
    try:
        fd = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError as error:
        # Another user's lock: to be left alone.
        return error.errno in (errno.EACCES, errno.EPERM)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False


def recorded(path: Path) -> bool:
    """Whether the name is one that a run gave its session."""
    return _RECORDED.fullmatch(path.name) is not None


def recorded_in(folder: Path) -> list[Stored]:
    """The sessions that runs recorded here, oldest first; files that vanish meanwhile are not."""
    found = []
    for path in folder.glob("*.db"):
        if not recorded(path):
            continue
        try:
            found.append(stored(path))
        except FileNotFoundError:
            continue
    return sorted(found, key=lambda s: (s.written_wall_s, s.path.name))


def stored(path: Path) -> Stored:
    """What one session takes on disk, with its log and its reserve.

    Raises:
        FileNotFoundError: There is none.
    """
    about = path.stat()
    return Stored(path, _bytes(path), about.st_mtime, being_recorded(path))


def _bytes(path: Path) -> int:
    total = 0
    for name in ("", *_BESIDE):
        try:
            total += path.with_name(path.name + name).stat().st_blocks * 512
        except FileNotFoundError:
            continue
    return total


def to_prune(sessions: Iterable[Stored], keep: Retention, now_wall_s: float) -> list[Doomed]:
    """What goes: everything over age, then the oldest until the quota is met. Never a live one."""
    oldest_first = sorted(sessions, key=lambda s: (s.written_wall_s, s.path.name))
    total = sum(s.bytes for s in oldest_first)
    out = []
    for session in oldest_first:
        if session.live:
            continue
        age_days = (now_wall_s - session.written_wall_s) / DAY_S
        if keep.keep_days is not None and age_days > keep.keep_days:
            why = f"{age_days:.0f} days old, {keep.keep_days:g} are kept"
        elif keep.quota_bytes is not None and total > keep.quota_bytes:
            why = f"{total / GB:.1f} GB of sessions, {keep.quota_bytes / GB:g} GB are kept"
        else:
            continue
        total -= session.bytes
        out.append(Doomed(session, why))
    return out


def remove(path: Path) -> int:
    """Delete a finished session with everything beside it; the bytes freed.

    Raises:
        SessionFileError: There is none, it is being recorded, or it may not be deleted.
    """
    if not path.is_file():
        raise SessionFileError(path, "there is no such file", "`aspire-tui sessions` lists them")
    freed = _bytes(path)
    lock = Ballast(path, 0)
    try:
        path.unlink()
        for name in _BESIDE:
            path.with_name(path.name + name).unlink(missing_ok=True)
    except OSError as error:
        raise SessionFileError(
            path, f"cannot be removed ({error.strerror})", "look at the rights of its folder"
        ) from None
    finally:
        lock.close()
    return freed


class Room:
    """Whether one more trial may be recorded; asked before each, looked up at most every so often.

    Args:
        free_bytes: What the disk of a folder has left for us.
    """

    LOOK_EVERY_S: Final = 2.0

    def __init__(
        self,
        folder: Path,
        keep: Retention,
        *,
        mono_s: Callable[[], float] = time.monotonic,
        free_bytes: Callable[[Path], int] | None = None,
    ) -> None:
        self._folder = folder
        self._keep = keep
        self._mono_s = mono_s
        self._free_bytes = free_bytes or free_of
        self._looked_s: float | None = None
        self._lacking = ""

    def lacking(self) -> str:
        """Why no trial may start, with the way out; empty when there is room."""
        now_s = self._mono_s()
        if self._looked_s is None or now_s - self._looked_s >= self.LOOK_EVERY_S:
            self._looked_s, self._lacking = now_s, self._look()
        return self._lacking

    def _look(self) -> str:
        free = self._free_bytes(self._folder)
        if free < self._keep.least_free_bytes:
            return (
                f"{free / GB:.2f} GB are left on the disk of {self._folder}, a trial needs "
                f"{self._keep.least_free_bytes / GB:g} GB to spare; make room, or remove sessions "
                "with `aspire-tui sessions prune`"
            )
        quota = self._keep.quota_bytes
        used = sum(s.bytes for s in recorded_in(self._folder)) if quota is not None else 0
        if quota is not None and used >= quota:
            return (
                f"sessions take {used / GB:.2f} GB of the {quota / GB:g} GB they may; remove some "
                "with `aspire-tui sessions prune`, or raise sessions.quota_gb in settings.toml"
            )
        return ""


def free_of(folder: Path) -> int:
    """Bytes an ordinary user may still write on the disk of a folder."""
    room = os.statvfs(folder)
    return room.f_bavail * room.f_frsize
