"""One emulator per run folder, and what becomes of one whose host was killed.

Real servos go on holding when a host dies, and the next host finds them so. An emulator does the
same: it outlives its host, and the one that the next host starts only keeps watch over it.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import time
from pathlib import Path
from typing import IO, Final

from drivers.emu.rig import Rig

NAME: Final = "emulator.lock"
ALONE_S: Final = 60.0
"""Without a parent and without anybody at its ports an emulator ends after so long."""

LOOK_EVERY_S: Final = 1.0


class Seat:
    """The right to be the emulator of a run folder.

    Attributes:
        taken_by: Process that has it already and plays the same cell; 0 when it is ours.
    """

    def __init__(self, run_dir: Path, cell: str) -> None:
        """``cell``: what is played. An emulator of something else is asked to leave.

        Raises:
            OSError: It does not leave.
        """
        self._path = run_dir / NAME
        self._file: IO[str] = self._path.open("a+", encoding="utf-8")
        self.taken_by = 0
        if self._claim(cell):
            return
        holder = self._holder()
        if holder.get("cell") == cell:
            self.taken_by = int(holder["pid"])
            return
        dismiss(int(holder["pid"]))
        if not self._claim(cell):
            raise OSError(f"{self._path}: process {holder['pid']} plays another cell there")

    def leave(self) -> None:
        """Let somebody else have it."""
        if not self.taken_by:
            self._path.unlink(missing_ok=True)
        self._file.close()

    def _claim(self, cell: str) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        self._file.truncate(0)
        self._file.write(json.dumps({"pid": os.getpid(), "cell": cell}))
        self._file.flush()
        return True

    def _holder(self) -> dict[str, str]:
        self._file.seek(0)
        holder: dict[str, str] = json.loads(self._file.read())
        return holder


def dismiss(pid: int, within_s: float = 5.0) -> None:
    """End an emulator and wait for it."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(fd, signal.SIGTERM)
        select.select([fd], [], [], within_s)
    except ProcessLookupError:
        return
    finally:
        os.close(fd)


def keep_watch(pid: int) -> None:
    """Return when another emulator has ended; end it when told to by SIGTERM or SIGINT."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: dismiss(pid))
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        select.select([fd], [], [])
    finally:
        os.close(fd)


class Orphan:
    """Notices that nobody needs this emulator any more."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._parent = os.getppid()
        self._needed_s = self._looked_s = time.monotonic()

    def forgotten(self, now_s: float) -> bool:
        """Whether the parent has gone and nobody has been at the ports for a while."""
        if now_s - self._looked_s < LOOK_EVERY_S:
            return False
        self._looked_s = now_s
        used = any(line.port.listening for line in self._rig.lines)
        if used or os.getppid() == self._parent:
            self._needed_s = now_s
        return now_s - self._needed_s > ALONE_S
