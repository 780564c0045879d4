"""The newest published state of a running cell, and how old it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import zmq

from drivers.address import Address, address_of
from drivers.types import CellStatus
from drivers.wire import State, decode_state


@dataclass(frozen=True)
class Seen:
    """A published state. ``age_s`` is how long ago it was published (arrived, when remote)."""

    status: CellStatus
    seq: int
    ticks: int
    sess: str
    age_s: float


class StateStream:
    """Subscribes to one cell; never blocks. Used by one thread."""

    def __init__(
        self,
        cell: str | Address,
        runtime: Path | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """``cell``: the name of a cell, its folder, or an address. It need not run yet."""
        self._now_s = now_s
        self._context: zmq.Context[Any] = zmq.Context.instance()
        self._socket: Any = self._context.socket(zmq.SUB)
        self._socket.setsockopt(zmq.CONFLATE, 1)  # Before connect, or it has no effect.
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.RECONNECT_IVL_MAX, 500)
        self._socket.setsockopt(zmq.SUBSCRIBE, b"")
        address = address_of(cell, runtime)
        address.prepare(self._socket)
        self._socket.connect(address.state)
        self._one_clock = address.paths is not None
        self._state: State | None = None
        self._arrived_s = 0.0

    def latest(self) -> Seen | None:
        """The newest state, however old; None while there was none."""
        try:
            while True:
                raw = self._socket.recv(zmq.NOBLOCK)
                try:
                    self._state = decode_state(raw)
                except msgspec.DecodeError:
                    continue
                self._arrived_s = self._now_s()
        except zmq.Again:
            pass
        state = self._state
        if state is None:
            return None
        since_s = state.t_mono_ns * 1e-9 if self._one_clock else self._arrived_s
        age_s = self._now_s() - since_s
        return Seen(state.status, state.seq, state.ticks, state.sess, age_s)

    def wait(self, timeout_s: float) -> Seen | None:
        """Wait for a state newer than the last seen; None when none came."""
        if not self._socket.poll(int(1e3 * timeout_s)):
            return None
        return self.latest()

    def close(self) -> None:
        self._socket.close(0)
