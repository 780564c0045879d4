"""The sockets of a cell host: commands and state in the loop's own thread, stop beside it.

Commands are served in the time the loop leaves between ticks, so a flood of them can delay each
other but not the loop. The stop socket has a thread of its own and needs no lease.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import zmq

from drivers.core import CellCore
from drivers.desk import CommandDesk
from drivers.rate import TokenBucket
from drivers.wire import (
    MAX_MESSAGE,
    Accepted,
    BadMessage,
    Reply,
    Standing,
    State,
    Stop,
    WireError,
    decode_request,
    encode,
)

T = TypeVar("T")

STATE_PERIOD_S: Final = 0.02
LAST_STATE_MS: Final = 200
"""How long the state that was published last may take to its watchers when the host ends."""
MESSAGES_PER_S: Final = 200.0
MESSAGES_AT_ONCE: Final = 400.0
PEERS_REMEMBERED: Final = 1024
STOP_CONFIRM_S: Final = 0.1
MOVING: Final = ("RUN", "STOW", "HAND_GUIDE")
OVER_RATE: Final = encode(
    Reply(
        "", False, error=WireError("over_rate", f"more than {MESSAGES_PER_S:.0f} messages a second")
    )
)


@dataclass
class Endpoints:
    """Where to listen. ``prepare`` may set up a socket (keys) before it is bound."""

    ctl: str
    stop: str
    state: str
    prepare: Callable[[zmq.Socket[bytes]], None] = field(default=lambda _socket: None)
    role_of: Callable[[zmq.Frame], Standing] = field(default=lambda _frame: "admin")
    """The most a message's sender may be."""


class CellServer:
    """Listens for one core. All methods but ``between_ticks`` are called by the loop's thread."""

    def __init__(
        self,
        core: CellCore,
        desk: CommandDesk,
        sess: str,
        endpoints: Endpoints,
        context: zmq.Context[zmq.Socket[bytes]],
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._core = core
        self._desk = desk
        self._sess = sess
        self._now_s = now_s
        self._role_of = endpoints.role_of
        self._ctl = _bound(context, zmq.ROUTER, endpoints.ctl, endpoints.prepare)
        self._state = _bound(context, zmq.XPUB, endpoints.state, endpoints.prepare)
        self._stop = StopThread(core, endpoints, context, now_s)
        self._buckets: dict[bytes, TokenBucket] = {}
        self._scolded: set[bytes] = set()
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._published_s = 0.0
        self._seq = 0
        self.called_s = now_s()
        """When somebody last ran something between ticks."""
        self.watchers = 0
        """Live subscribers of the state."""

    def start(self) -> None:
        self._stop.start()

    def serve(self, until_s: float) -> None:
        """Answer messages until then; at least looks once, however late it is."""
        self._run_calls()
        while True:
            if self._serve_one():
                if self._now_s() >= until_s:
                    return
                continue
            left = until_s - self._now_s()
            if left <= 0.0:
                return
            self._run_calls()
            if left > 2e-3:
                self._ctl.poll(int(1e3 * left) - 1)
            else:
                time.sleep(left)

    def after_tick(self) -> None:
        """Watch the owner, answer waits that are over, publish the state at most 50 times a s."""
        self._desk.ticks += 1
        self._desk.watch_owner()
        for peer, reply in self._desk.ready():
            self._ctl.send_multipart([peer, reply])
        now = self._now_s()
        if now - self._published_s >= STATE_PERIOD_S:
            self._published_s = now
            self.publish()
            self._scolded.clear()

    def publish(self) -> None:
        """Send the state to whoever watches."""
        self._count_watchers()
        self._seq += 1
        status, mono_ns = self._core.status(), int(self._now_s() * 1e9)
        self._state.send(encode(State(self._sess, self._seq, self._desk.ticks, mono_ns, status)))

    def between_ticks(self, call: Callable[[], T]) -> T:
        """Run something on the loop's thread between two ticks; from any other thread."""
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(call())
            except Exception as error:
                future.set_exception(error)

        self._calls.put(run)
        return future.result()

    def close(self) -> None:
        self._stop.close()
        self._ctl.close(0)
        self._state.close(LAST_STATE_MS)

    def _run_calls(self) -> None:
        while True:
            try:
                call = self._calls.get_nowait()
            except queue.Empty:
                return
            call()
            self.called_s = self._now_s()

    def _serve_one(self) -> bool:
        try:
            frames = self._ctl.recv_multipart(zmq.NOBLOCK, copy=False)
        except zmq.Again:
            return False
        peer = frames[0].bytes
        if not self._bucket(peer).take():
            if peer not in self._scolded:
                self._scolded.add(peer)
                self._send(peer, OVER_RATE)
            return True
        if len(frames) != 2:
            self._send(peer, _malformed(f"{len(frames) - 1} frames; one message is one frame"))
            return True
        reply = self._desk.handle(frames[1].bytes, peer, self._role_of(frames[1]))
        if reply is not None:
            self._send(peer, reply)
        return True

    def _send(self, peer: bytes, reply: bytes) -> None:
        try:
            self._ctl.send_multipart([peer, reply], zmq.NOBLOCK)
        except zmq.Again:
            return  # The peer does not read its answers; it will ask again.

    def _bucket(self, peer: bytes) -> TokenBucket:
        bucket = self._buckets.get(peer)
        if bucket is None:
            if len(self._buckets) >= PEERS_REMEMBERED:
                self._buckets.clear()
            bucket = TokenBucket(MESSAGES_PER_S, MESSAGES_AT_ONCE, self._now_s)
            self._buckets[peer] = bucket
        return bucket

    def _count_watchers(self) -> None:
        while True:
            try:
                note = self._state.recv(zmq.NOBLOCK)
            except zmq.Again:
                return
            if note[:1] == b"\x01":
                self.watchers += 1
            elif note[:1] == b"\x00":
                self.watchers = max(0, self.watchers - 1)


class StopThread:
    """Listens for HOLD alone. Any client, any boot, no lease; answers when HOLD is in force."""

    def __init__(
        self,
        core: CellCore,
        endpoints: Endpoints,
        context: zmq.Context[zmq.Socket[bytes]],
        now_s: Callable[[], float],
    ) -> None:
        self._core = core
        self._now_s = now_s
        self._socket = _bound(context, zmq.ROUTER, endpoints.stop, endpoints.prepare)
        self._closing = threading.Event()
        self._pending: list[tuple[bytes, str, float]] = []
        self._thread = threading.Thread(target=self._run, name="stop", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close(0)

    def _run(self) -> None:
        while not self._closing.is_set():
            if self._socket.poll(2 if self._pending else 50):
                self._take(self._socket.recv_multipart())
            self._confirm()

    def _take(self, frames: list[bytes]) -> None:
        peer = frames[0]
        if len(frames) != 2:
            self._send(peer, _malformed("one message is one frame"))
            return
        try:
            request = decode_request(frames[1])
        except BadMessage as bad:
            self._send(peer, encode(Reply("", False, error=WireError(bad.code, str(bad)))))
            return
        if not isinstance(request.body, Stop):
            refusal = WireError("stop_only", "this socket understands STOP alone")
            self._send(peer, encode(Reply(request.id, False, error=refusal)))
            return
        self._core.hold(request.body.cause, request.who)
        self._pending.append((peer, request.id, self._now_s() + STOP_CONFIRM_S))

    def _confirm(self) -> None:
        if not self._pending:
            return
        status, now = self._core.status(), self._now_s()
        still = []
        for peer, request_id, until_s in self._pending:
            if status.held or status.state not in (*MOVING, "HOLD"):
                self._send(peer, encode(Reply(request_id, True, body=Accepted())))
            elif now > until_s:
                late = WireError("late", "the loop has not taken the stop yet; it is queued")
                self._send(peer, encode(Reply(request_id, False, error=late)))
            else:
                still.append((peer, request_id, until_s))
        self._pending = still

    def _send(self, peer: bytes, reply: bytes) -> None:
        try:
            self._socket.send_multipart([peer, reply], zmq.NOBLOCK)
        except zmq.Again:
            return  # The peer is gone or does not read; HOLD stands either way.


def _malformed(text: str) -> bytes:
    return encode(Reply("", False, error=WireError("malformed", text)))


def _bound(
    context: zmq.Context[zmq.Socket[bytes]],
    kind: int,
    endpoint: str,
    prepare: Callable[[zmq.Socket[bytes]], None],
) -> Any:
    socket = context.socket(kind)
    socket.setsockopt(zmq.LINGER, 0)
    # Twice what a message may be is still read, to be refused by name; beyond it the peer is cut.
    socket.setsockopt(zmq.MAXMSGSIZE, 2 * MAX_MESSAGE)
    socket.setsockopt(zmq.RCVHWM, 1000)
    socket.setsockopt(zmq.SNDHWM, 1000)
    if kind == zmq.XPUB:
        socket.setsockopt(zmq.XPUB_VERBOSER, 1)
    prepare(socket)
    socket.bind(endpoint)
    return socket
