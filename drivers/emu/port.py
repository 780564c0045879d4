"""The serial port the servos hang on: a pseudo-terminal behind a name that stays."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import pty
import select
import struct
import termios
import tty
from pathlib import Path
from typing import Final

TCGETS2: Final = 0x802C542A
TERMIOS2: Final = struct.Struct("<4IB19sII")
READ_SIZE: Final = 4096


class Port:
    """One USB serial adapter. Whoever opens ``link`` is the host.

    Attributes:
        fd: Our side, to be polled for reading; -1 while unplugged.
        listening: Whether somebody may have it open: else polling ``fd`` would spin.
    """

    def __init__(self, link: Path) -> None:
        self.link = link
        self.fd = -1
        self.listening = False
        self._far_name = ""
        self._held: int | None = None
        self.plug()

    @property
    def device(self) -> str:
        """The terminal behind the link, as ``/dev/pts/N``."""
        return self._far_name

    def plug(self) -> None:
        """Appear, as an adapter that was just plugged in."""
        if self.fd >= 0:
            return
        near, far = pty.openpty()
        tty.setraw(far)
        self._far_name = os.ttyname(far)
        # Without our own end of it open, the last client's close undoes its exclusive claim.
        os.close(far)
        os.set_blocking(near, False)
        self.fd, self.listening = near, False
        beside = self.link.with_name(f".{self.link.name}.new")
        beside.unlink(missing_ok=True)
        beside.symlink_to(self._far_name)
        beside.replace(self.link)

    def unplug(self) -> None:
        """Vanish: the host's next read or write fails with an input/output error."""
        self.let_go()
        if self.fd >= 0:
            os.close(self.fd)
            self.fd, self.listening = -1, False
        self.link.unlink(missing_ok=True)

    def rename(self, name: str) -> None:
        """Appear under another name from now on, as when adapters were swapped."""
        there = self.link.with_name(name)
        with contextlib.suppress(FileNotFoundError):
            self.link.replace(there)
        self.link = there

    def look(self) -> None:
        """See whether somebody opened or closed it since; called now and then."""
        if self.fd < 0:
            return
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        events = poll.poll(0)
        self.listening = not (events and events[0][1] & select.POLLHUP)

    def read(self) -> bytes:
        """What the host sent; nothing when it has closed the port."""
        if self.fd < 0:
            return b""
        try:
            return os.read(self.fd, READ_SIZE)
        except BlockingIOError:
            return b""
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            self.listening = False
            return b""

    def write(self, data: bytes) -> None:
        """Let the host read it. What nobody reads is lost, as in a full adapter."""
        if self.fd < 0:
            return
        try:
            os.write(self.fd, data)
        except BlockingIOError:
            pass
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            self.listening = False

    def baud(self) -> int:
        """Bit/s the host has set."""
        if self.fd < 0:
            return 0
        try:
            raw = fcntl.ioctl(self.fd, TCGETS2, bytes(TERMIOS2.size))
        except OSError:
            return 0
        return int(TERMIOS2.unpack(raw)[7])

    def forbid(self, forbidden: bool) -> None:
        """Take the right to open it from everybody but root, or give it back."""
        Path(self._far_name).chmod(0o000 if forbidden else 0o620)

    def hold(self) -> None:
        """Keep the port open and claimed, as another program would. Raises OSError if it cannot."""
        if self._held is None and self.fd >= 0:
            held = os.open(self._far_name, os.O_RDWR | os.O_NOCTTY)
            tty.setraw(held)
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.ioctl(held, termios.TIOCEXCL)
            self._held = held

    def let_go(self) -> None:
        """Close what ``hold`` opened."""
        held, self._held = self._held, None
        if held is not None:
            fcntl.ioctl(held, termios.TIOCNXCL)
            os.close(held)

    def close(self) -> None:
        """Vanish for good."""
        self.unplug()
