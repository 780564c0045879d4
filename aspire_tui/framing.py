"""Messages between our own processes on a stream socket: four bytes of length, little-endian, then
that many of body."""

from __future__ import annotations

import socket
import struct
from typing import Final

HEADER: Final = struct.Struct("<I")
CHUNK: Final = 1 << 20
"""Bytes asked for at once: a length is only a claim until they are there."""


def framed(body: bytes) -> bytes:
    """A body with its length before it."""
    return HEADER.pack(len(body)) + body


def receive(sock: socket.socket, most: int) -> bytes:
    """The next body. Raises EOFError when the other side is gone or announces more than that."""
    (size,) = HEADER.unpack(_exactly(sock, HEADER.size))
    if size > most:
        raise EOFError(f"a message of {size} bytes")
    return _exactly(sock, size)


def _exactly(sock: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        got = sock.recv(min(CHUNK, size - len(parts)))
        if not got:
            raise EOFError("the other side closed the connection")
        parts += got
    return bytes(parts)
