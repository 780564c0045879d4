"""Tool calls between the agent worker and the engine: length-prefixed JSON over a socket pair."""

from __future__ import annotations

import socket
import struct

import msgspec

from aspire_tui.domain import JSON

HEADER = struct.Struct("<I")
FRAME_MAX = 8 << 20
REPORT = "report:"
"""How names of reports begin; what follows is no tool and is never offered to an agent."""


class ToolCall(msgspec.Struct, frozen=True):
    """One use of a tool by the agent."""

    id: int
    tool: str
    args: dict[str, JSON]


class ToolAnswer(msgspec.Struct, frozen=True):
    """What the session answers; ``refused`` says why it would not."""

    id: int
    value: JSON = None
    refused: str = ""


class AgentDone(msgspec.Struct, frozen=True):
    """The agent ended by itself or could not go on."""

    error: str = ""


class AgentLinkClosed(Exception):
    """The engine is gone."""


def send(sock: socket.socket, message: msgspec.Struct) -> None:
    body = msgspec.json.encode(message)
    sock.sendall(HEADER.pack(len(body)) + body)


def receive(sock: socket.socket) -> bytes:
    (size,) = HEADER.unpack(_exactly(sock, HEADER.size))
    if size > FRAME_MAX:
        raise AgentLinkClosed(f"message of {size} bytes")
    return _exactly(sock, size)


def _exactly(sock: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        got = sock.recv(size - len(parts))
        if not got:
            raise AgentLinkClosed("the engine closed the link")
        parts += got
    return bytes(parts)
