"""Request and reply with a cell host: poll with a deadline, ask again with the same id, then fault.

Asking again is harmless: the host answers a repeated id from memory.
"""

from __future__ import annotations

import threading
import time
from typing import Any, Final

import msgspec
import zmq

from drivers.address import Address
from drivers.errors import CellFault
from drivers.hostlock import holder_of
from drivers.wire import Reply, Request, decode_reply, encode

ATTEMPTS: Final = 3
ANSWER_WITHIN_S: Final = 2.0
LOOK_EVERY_S: Final = 0.1
OVER_RATE_PAUSE_S: Final = 0.1


class Line:
    """Conversations with one host; each thread gets a socket of its own."""

    def __init__(self, address: Address, endpoint: str) -> None:
        self._address = address
        self._endpoint = endpoint
        self._context: zmq.Context[Any] = zmq.Context.instance()
        self._local = threading.local()

    def ask(self, request: Request, within_s: float = ANSWER_WITHIN_S) -> Reply:
        """The reply to a request.

        Raises:
            CellFault: The host is gone or does not answer.
        """
        raw = encode(request)
        for _ in range(ATTEMPTS):
            socket = self._socket()
            try:
                socket.send(raw, zmq.NOBLOCK)
            except zmq.Again:
                self.drop()
                self.require_host()
                time.sleep(LOOK_EVERY_S)
                continue
            reply = self._reply_to(request.id, socket, within_s)
            if reply is not None:
                return reply
            self.drop()
        raise CellFault(
            f"cell {self._address.name!r} did not answer {type(request.body).__name__} "
            f"({ATTEMPTS} times {within_s:.0f} s)"
        )

    def _reply_to(self, request_id: str, socket: Any, within_s: float) -> Reply | None:
        until_s = time.monotonic() + within_s
        while (left := until_s - time.monotonic()) > 0:
            if not socket.poll(max(1, int(1e3 * min(left, LOOK_EVERY_S)))):
                self.require_host()
                continue
            try:
                reply = decode_reply(socket.recv())
            except msgspec.DecodeError as error:
                raise CellFault(f"cell {self._address.name!r} speaks oddly: {error}") from None
            if reply.id == request_id:
                return reply
            if reply.error is not None and not reply.id:
                if reply.error.code == "over_rate":
                    time.sleep(OVER_RATE_PAUSE_S)
                    return None
                raise CellFault(f"the host could not read our message: {reply.error.text}")
        return None

    def require_host(self) -> None:
        """Raises CellFault when the host process is known to be gone."""
        paths = self._address.paths
        if paths is not None and holder_of(paths.lock) is None:
            self.drop()
            raise CellFault(
                f"the cell host of {self._address.name!r} is gone: what it was doing is unknown; "
                "start it again and look before moving"
            )

    def _socket(self) -> Any:
        socket = getattr(self._local, "socket", None)
        if socket is None:
            socket = self._context.socket(zmq.DEALER)
            socket.setsockopt(zmq.LINGER, 0)
            socket.setsockopt(zmq.SNDHWM, 64)
            self._address.prepare(socket)
            socket.connect(self._endpoint)
            self._local.socket = socket
        return socket

    def drop(self) -> None:
        """Forget this thread's socket, and what was still queued in it."""
        socket = getattr(self._local, "socket", None)
        if socket is not None:
            socket.close(0)
            self._local.socket = None

    def close(self) -> None:
        """Close this thread's socket; those of other threads close when their threads end."""
        self.drop()
