"""HOLD from anywhere: straight to the cell host's stop socket, no lease, no session, no waiting."""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import Any, Final

import msgspec
import zmq

from drivers.address import Address, address_of
from drivers.errors import CellFault
from drivers.wire import Request, Role, Stop, decode_reply, encode

ANSWER_WITHIN_S: Final = 0.15


class StopClient:
    """Keeps a connection to one stop socket; used by one thread."""

    def __init__(
        self, cell: str | Address, who: str, role: Role = "viewer", runtime: Path | None = None
    ) -> None:
        """``cell``: the name of a running cell, its folder, or an address."""
        self._address = address_of(cell, runtime)
        self._who = who
        self._role: Role = role
        self._context: zmq.Context[Any] = zmq.Context.instance()
        self._socket: Any = None

    def send(self, cause: str) -> str:
        """Send HOLD without waiting for the answer; returns the id it will carry."""
        if self._socket is None:
            self._socket = self._context.socket(zmq.DEALER)
            self._socket.setsockopt(zmq.LINGER, 0)
            self._address.prepare(self._socket)
            self._socket.connect(self._address.stop)
        request_id = f"stop-{secrets.token_hex(6)}"
        request = Request(request_id, self._role, self._who, Stop(cause))
        try:
            self._socket.send(encode(request), zmq.NOBLOCK)
        except zmq.Again:
            raise CellFault(f"nobody listens on {self._address.stop}") from None
        return request_id

    def hold(self, cause: str, timeout_s: float = ANSWER_WITHIN_S) -> float:
        """HOLD, confirmed by the host.

        Returns:
            Milliseconds until the host said that HOLD is in force.

        Raises:
            CellFault: No answer in time; the message may still arrive.
        """
        begun = time.monotonic()
        request_id = self.send(cause)
        while (left := begun + timeout_s - time.monotonic()) > 0:
            if not self._socket.poll(max(1, int(1e3 * left))):
                break
            try:
                reply = decode_reply(self._socket.recv())
            except msgspec.DecodeError:
                continue
            if reply.id != request_id:
                continue
            if reply.error is not None:
                raise CellFault(f"HOLD not confirmed: {reply.error.text}")
            return 1e3 * (time.monotonic() - begun)
        # A queued stop must not reach a host that is started later.
        self.close()
        raise CellFault(
            f"HOLD not confirmed within {1e3 * timeout_s:.0f} ms on {self._address.stop}: "
            "use the physical stop"
        )

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close(0)
            self._socket = None


def hold_now(
    cell: str | Address,
    who: str,
    cause: str = "hold",
    runtime: Path | None = None,
    timeout_s: float = 0.15,
) -> float:
    """HOLD a running cell once; milliseconds until it was in force. Raises CellFault."""
    client = StopClient(cell, who, runtime=runtime)
    try:
        return client.hold(cause, timeout_s)
    finally:
        client.close()
