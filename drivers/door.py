"""Answers libzmq's question, for every new connection, whether a CURVE key may come in.

ZMTP's ZAP: one request a connection, answered before its first message passes. A thread of its own
with nothing but a set to look into: a HOLD over a new connection waits for it.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from typing import Any, Final

import zmq
import zmq.utils.z85

ENDPOINT: Final = "inproc://zeromq.zap.01"
LOOK_EVERY_MS: Final = 200
LEAVE_WITHIN_S: Final = 2.0


class Door:
    """Lets known public keys in; the key becomes the ``User-Id`` of their messages."""

    def __init__(self, known: Collection[bytes], context: zmq.Context[Any]) -> None:
        """``known``: public keys as their files have them (Z85)."""
        self._known = {zmq.utils.z85.decode(key): key for key in known}
        self._socket = context.socket(zmq.ROUTER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.bind(ENDPOINT)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="door", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._thread.join(LEAVE_WITHIN_S)
        self._socket.close(0)

    def _run(self) -> None:
        while not self._closing.is_set():
            if self._socket.poll(LOOK_EVERY_MS):
                frames = self._socket.recv_multipart()
                at = frames.index(b"") + 1 if b"" in frames else len(frames)
                answer = self._answer(frames[at:])
                if answer:
                    self._socket.send_multipart([*frames[:at], *answer])

    def _answer(self, asked: list[bytes]) -> list[bytes]:
        """Version, request id, domain, address, routing id, mechanism, credentials."""
        if len(asked) < 6 or asked[0] != b"1.0":
            return []
        user = self._known.get(asked[6]) if asked[5] == b"CURVE" and len(asked) == 7 else None
        verdict = (b"400", b"unknown key", b"") if user is None else (b"200", b"OK", user)
        return [asked[0], asked[1], *verdict, b""]
