"""Tool calls between the agent worker and the engine: length-prefixed JSON over a socket pair."""

from __future__ import annotations

import socket

import msgspec

from aspire_tui import framing
from aspire_tui.domain import JSON

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
    sock.sendall(framing.framed(body))


def receive(sock: socket.socket) -> bytes:
    try:
        return framing.receive(sock, FRAME_MAX)
    except EOFError as ended:
        raise AgentLinkClosed(str(ended)) from None
