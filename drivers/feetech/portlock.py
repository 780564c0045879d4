"""One program per serial port: a lock file per device that names its holder, readable by all."""

from __future__ import annotations

import fcntl
import getpass
import os
import tempfile
from pathlib import Path

import msgspec

LOCK_FOLDER = Path("/run/lock")
FAR_END = frozenset((Path("/dev/ptmx"), Path("/dev/pts/ptmx")))


class PortHolder(msgspec.Struct, frozen=True):
    """Who has a port open, as far as this user may know."""

    pid: int
    user: str
    program: str

    def __str__(self) -> str:
        return f"process {self.pid} ({self.program}) of {self.user}"


class PortTaken(Exception):
    """Another process of ours holds the port."""

    def __init__(self, holder: PortHolder | None) -> None:
        super().__init__(str(holder or "another process"))
        self.holder = holder


class PortLock:
    """Held for the life of the process; the kernel lets go of it when the process dies."""

    def __init__(self, device: Path, folder: Path | None = None) -> None:
        """Lock a device by the file it really is. Raises PortTaken or OSError."""
        place = folder or (LOCK_FOLDER if os.access(LOCK_FOLDER, os.W_OK) else _temp())
        name = str(device.resolve()).strip("/").replace("/", "-")
        self.path = place / f"aspire-{name}.lock"
        self._fd = _open_shared(self.path)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._fd)
            raise PortTaken(_read(self.path)) from None
        us = PortHolder(os.getpid(), getpass.getuser(), program_of(os.getpid()))
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, msgspec.json.encode(us), 0)

    def release(self) -> None:
        os.close(self._fd)


def holders_of(device: Path) -> list[PortHolder]:
    """Processes that have the device open now; only those this user may look into.

    Who plays the far end of a pseudo-terminal keeps this one open too, and is no second program.
    """
    if not device.exists():
        return []
    wanted = device.resolve()
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            links = [fd.readlink() for fd in (folder / "fd").iterdir()]
            if wanted in links and not FAR_END.intersection(links):
                found.append(PortHolder(int(folder.name), folder.owner(), program_of(folder.name)))
        except (OSError, KeyError):
            continue  # Gone meanwhile, or of another user.
    return found


def program_of(pid: int | str) -> str:
    """The name of a process, for people."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return "?"
    return " ".join(word.decode(errors="replace") for word in words[:3] if word)[:80]


def _temp() -> Path:
    return Path(tempfile.gettempdir())


def _open_shared(path: Path) -> int:
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        # In a sticky folder the system may refuse to create over another user's file.
        return os.open(path, flags)
    except FileNotFoundError:
        fd = os.open(path, flags | os.O_CREAT, 0o666)
        os.fchmod(fd, 0o666)
        return fd


def _read(path: Path) -> PortHolder | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=PortHolder)
    except (OSError, msgspec.DecodeError):
        return None
