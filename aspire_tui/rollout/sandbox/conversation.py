"""The parent's end of one program's calls: bytes in, messages out, answers back. Never blocks."""

from __future__ import annotations

import fcntl
import socket
import struct
import sys
import termios
from typing import Any

from aspire_tui.rollout.sandbox.frames import BadFrame, Message, Outgoing, Reader

_READ = 1 << 16
_SEND_BUFFER = 1 << 20
"""Asked for; the system gives what it allows. A picture then takes fewer turns."""


class Conversation:
    """One outstanding call: a program reads its answer before it calls again."""

    def __init__(self, end: socket.socket, reader: Reader) -> None:
        end.setblocking(False)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        self._end = end
        self._reader = reader
        self._unsent: list[bytes | memoryview] = []
        self.open = True
        """The program has not closed its end."""

    def fileno(self) -> int:
        return self._end.fileno()

    @property
    def unsent(self) -> bool:
        """Part of an answer waits for the program to read."""
        return bool(self._unsent)

    @property
    def waiting_bytes(self) -> int:
        """How much of the last answer the program has left unread here."""
        return sum(memoryview(part).nbytes for part in self._unsent)

    def unread(self) -> bool:
        """Whether an answer is still on its way; a call that comes now is out of turn."""
        if self._unsent or sys.platform != "linux":
            return bool(self._unsent)
        queued = fcntl.ioctl(self._end.fileno(), termios.TIOCOUTQ, bytes(4))
        return bool(struct.unpack("i", queued)[0])

    def read(self) -> list[Message | BadFrame]:
        """Messages that have come. Raises WireViolation."""
        try:
            data = self._end.recv(_READ)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        self.open = self.open and bool(data)
        return self._reader.feed(data)

    def send(self, header: dict[str, Any], outgoing: Outgoing) -> None:
        """Answer; what does not fit now goes with the next ``flush``."""
        self._unsent += outgoing.message(header)
        self.flush()

    def flush(self) -> None:
        try:
            while self._unsent:
                sent = self._end.send(self._unsent[0])
                if sent == len(self._unsent[0]):
                    self._unsent.pop(0)
                else:
                    self._unsent[0] = memoryview(self._unsent[0])[sent:]
        except BlockingIOError:
            return
        except OSError:
            self._unsent.clear()
            self.open = False

    def close(self) -> None:
        self._end.close()
