"""Says that the owner of a cell is alive, from a thread that does nothing else."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Any, Final

import msgspec
import zmq

from drivers.address import Address
from drivers.wire import LeaseRenew, Request, decode_reply, encode

PERIOD_S: Final = 0.05


class Heartbeat:
    """Renews one lease until closed, or until the host says that it is lost."""

    def __init__(
        self, address: Address, make_request: Callable[[LeaseRenew, str], Request]
    ) -> None:
        """``make_request(body, id)`` puts the command into an envelope that carries the lease."""
        self._address = address
        self._make_request = make_request
        self._closing = threading.Event()
        self.lost = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        context: zmq.Context[Any] = zmq.Context.instance()
        socket = context.socket(zmq.DEALER)
        socket.setsockopt(zmq.LINGER, 0)
        # A beat for a host that is away must not reach the next one.
        socket.setsockopt(zmq.IMMEDIATE, 1)
        socket.setsockopt(zmq.SNDHWM, 4)
        self._address.prepare(socket)
        socket.connect(self._address.ctl)
        try:
            for n in itertools.count():
                self._beat(socket, f"beat-{id(self)}-{n}")
                if self._closing.wait(PERIOD_S) or self.lost.is_set():
                    return
        finally:
            socket.close(0)

    def _beat(self, socket: Any, request_id: str) -> None:
        try:
            socket.send(encode(self._make_request(LeaseRenew(), request_id)), zmq.NOBLOCK)
            while True:
                reply = decode_reply(socket.recv(zmq.NOBLOCK))
                if reply.error is not None and reply.error.code in ("no_lease", "restarted"):
                    self.lost.set()
        except (zmq.Again, msgspec.DecodeError):
            return
