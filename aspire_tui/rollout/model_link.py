"""Questions of programs to a model: one message each way over a private local socket.

The far end is the process that holds the key (``improvement/sight.py``). What trials run in knows
only the socket's path.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Final

import msgspec

from aspire_tui.environment.model import Picture
from aspire_tui.environment.services import ServiceFailed
from aspire_tui.framing import framed, receive

LARGEST: Final = 16 << 20
ANSWER_WITHIN_S: Final = 330.0
"""Longer than the far end waits for its provider."""


class SightSpec(msgspec.Struct, frozen=True):
    """What a run says of how its programs see."""

    stack: str = ""
    """Perception stack in place of the cell's; empty: the cell's."""
    model: str = ""
    """The model programs may ask, ``PROVIDER:NAME``; empty: none."""
    socket: str = ""
    """Where it is asked."""


class Question(msgspec.Struct, frozen=True):
    text: str
    temperature: float
    pictures: list[tuple[str, bytes]] = []


class Answer(msgspec.Struct, frozen=True):
    """The model's words, or why there are none."""

    text: str = ""
    error: str = ""


class ModelBySocket:
    """The model of a run, asked through the process that holds its key."""

    def __init__(self, name: str, path: str, within_s: float = ANSWER_WITHIN_S) -> None:
        self.name = name
        self._path = path
        self._within_s = within_s

    def ask(self, question: str, pictures: Sequence[Picture], temperature: float) -> str:
        """The model's answer. Raises ServiceFailed when it cannot be asked or gave none."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
                sock.settimeout(self._within_s)
                sock.connect(self._path)
                asked = Question(question, temperature, list(pictures))
                sock.sendall(framed(msgspec.msgpack.encode(asked)))
                answer = msgspec.msgpack.decode(receive(sock, LARGEST), type=Answer)
        except (OSError, EOFError, ValueError) as error:
            why = str(error) or type(error).__name__
            raise ServiceFailed("FAULT", f"{self.name} cannot be asked: {why[:160]}") from None
        if answer.error:
            raise ServiceFailed("FAULT", answer.error)
        return answer.text
