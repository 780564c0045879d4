"""Control messages between the launcher and the zygote: one JSON line each, with descriptors."""

from __future__ import annotations

import errno
import json
import socket
from typing import Any

Message = dict[str, Any]
_MOST_DESCRIPTORS = 4


class Channel:
    """One end of the control socket. Receiving belongs to one thread."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._buffer = b""
        self._descriptors: list[int] = []

    def fileno(self) -> int:
        return self._end.fileno()

    def send(self, message: Message, descriptors: tuple[int, ...] = ()) -> None:
        """Raises OSError when the other end is gone."""
        data = json.dumps(message).encode() + b"\n"
        sent = socket.send_fds(self._end, [data], descriptors) if descriptors else 0
        if sent < len(data):  # the other end may close as soon as it has all of it
            self._end.sendall(data[sent:])

    def receive(self) -> Message:
        """The next message; blocks. Raises EOFError when the other end is gone."""
        while b"\n" not in self._buffer:
            self._fill()
        line, _, self._buffer = self._buffer.partition(b"\n")
        message: Message = json.loads(line)
        return message

    def pending(self) -> bool:
        """Whether a whole message is already here."""
        return b"\n" in self._buffer

    def take_descriptors(self) -> list[int]:
        """The descriptors that came with the messages received so far."""
        taken, self._descriptors = self._descriptors, []
        return taken

    def close(self) -> None:
        self._end.close()

    def _fill(self) -> None:
        try:
            data, descriptors, _flags, _address = socket.recv_fds(
                self._end, 65536, _MOST_DESCRIPTORS
            )
        except ConnectionResetError:
            data, descriptors = b"", []
        self._descriptors += descriptors
        if not data:
            raise EOFError("the other end of the control socket is gone")
        self._buffer += data


def one_line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, OSError) and error.errno is not None:
        return f"{text} ({errno.errorcode.get(error.errno, error.errno)})"
    return f"{type(error).__name__}: {text}"
