"""I2RT's YAM follower over `portal`, in its wire format: the package's client would send calls
again after a reconnect, and a set-point must never be sent twice.

Only `get_joint_pos` and `command_joint_pos` are called: a portal server ends at a method it does
not know. The follower's motors go limp 400 ms after *its* process ends; ours ending leaves the arm
where it was sent.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from drivers.compat.arm import ServedArm
from drivers.compat.endpoint import loopback
from drivers.compat.exchange import BadAnswer
from drivers.compat.portal_wire import FRAME_AT_MOST, HANDSHAKE, U64, answer, request
from drivers.compat.section import YamPortalSection
from drivers.types import ArmSpec

ANSWER_WITHIN_S: Final = 0.05


class PortalPeer:
    """Implements :class:`drivers.compat.exchange.Peer`."""

    def __init__(self, port: str) -> None:
        self._address = loopback(port, "YAM follower")
        self._port = port
        self._socket: socket.socket | None = None
        self._number = 0

    def open(self) -> None:
        fresh = socket.create_connection(self._address, ANSWER_WITHIN_S)
        fresh.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = fresh
        fresh.sendall(HANDSHAKE)

    def positions(self) -> tuple[float, ...]:
        row = self._call("get_joint_pos")
        if not isinstance(row, np.ndarray) or row.dtype.kind != "f" or row.ndim != 1:
            raise BadAnswer(f"{self._port}: joints that are no row of numbers")
        return tuple(map(float, row))

    def command(self, positions: Sequence[float]) -> None:
        self._call("command_joint_pos", np.array(positions, np.float64))

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _call(self, method: str, *arguments: Any) -> Any:
        if self._socket is None:
            raise ConnectionError(f"{self._port}: not connected")
        self._number += 1
        until_s = time.monotonic() + ANSWER_WITHIN_S
        try:
            self._socket.settimeout(ANSWER_WITHIN_S)
            self._socket.sendall(request(self._number, method, *arguments))
            (size,) = U64.unpack(self._exactly(U64.size, until_s))
            if not 16 <= size <= FRAME_AT_MOST:
                raise BadAnswer(f"{self._port}: an answer of {size} bytes")
            return answer(self._exactly(size, until_s), self._number)
        except TimeoutError:
            raise TimeoutError(
                f"{self._port}: no answer to {method} within {1e3 * ANSWER_WITHIN_S:.0f} ms"
            ) from None

    def _exactly(self, size: int, until_s: float) -> bytes:
        assert self._socket is not None
        got = bytearray()
        while len(got) < size:
            left = until_s - time.monotonic()
            if left <= 0.0:
                raise TimeoutError
            self._socket.settimeout(left)
            part = self._socket.recv(size - len(got))
            if not part:
                raise ConnectionError(f"{self._port}: the server hung up")
            got += part
        return bytes(got)


def yam_arm(
    spec: ArmSpec, section: YamPortalSection, port: str, clock: Callable[[], float]
) -> ServedArm:
    """A follower behind portal. Raises CellFileError when its server is not on loopback."""
    return ServedArm(spec, section, port, PortalPeer(port), clock)
