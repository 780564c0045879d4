"""The camera process of a cell: takes pictures when asked, away from the control loop.

``python -m drivers.cameras.service --frames SOCKET --world SOCKET --factory MODULE:FUNCTION``; the
factory's configuration comes on standard input as a 4-byte length and bytes. The process ends when
standard input does, which is when the host that started it is gone.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import struct
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import zmq

from drivers.cameras.base import CameraSource, CameraTrouble
from drivers.cameras.wire import FrameReply, FrameRequest, WorldCopy, pack_frame

STALE_S: Final = 0.5
"""A picture of anything older is refused."""
PATIENCE_S: Final = 2.0
"""How long a request waits for a state that is new enough."""
REQUESTS_WAITING: Final = 64


@dataclass(frozen=True)
class _Pending:
    peer: bytes
    request: FrameRequest
    arrived_s: float


class CameraService:
    """Answers requests from the newest published state. Pure of sockets: fed and asked."""

    def __init__(self, source: CameraSource, now_s: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._now_s = now_s
        self._copy: WorldCopy | None = None
        self._shown: WorldCopy | None = None
        self._pending: list[_Pending] = []

    def take(self, copy: WorldCopy) -> None:
        """A new state of the world was published."""
        self._copy = copy

    def ask(self, peer: bytes, raw: bytes) -> None:
        """A request came in; answered by :meth:`answers`."""
        try:
            request = msgspec.msgpack.decode(raw, type=FrameRequest)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return  # Nobody to answer: it has no id.
        if len(self._pending) < REQUESTS_WAITING:
            self._pending.append(_Pending(peer, request, self._now_s()))

    def answers(self) -> list[tuple[bytes, bytes]]:
        """Replies that can be given now, as (peer, message)."""
        out, still = [], []
        for pending in self._pending:
            reply = self._answer(pending)
            if reply is None:
                still.append(pending)
            else:
                out.append((pending.peer, msgspec.msgpack.encode(reply)))
        self._pending = still
        return out

    def _answer(self, pending: _Pending) -> FrameReply | None:
        request, copy, now = pending.request, self._copy, self._now_s()
        age_s = now - copy.t_mono_ns * 1e-9 if copy is not None else float("inf")
        due = (
            copy is not None
            and age_s <= STALE_S
            and copy.t_s >= request.after_s
            and (not request.fresh or copy.t_mono_ns * 1e-9 >= pending.arrived_s)
        )
        if due and copy is not None:
            return self._picture(request, copy)
        if now - pending.arrived_s < PATIENCE_S:
            return None
        seen = "nothing" if copy is None else f"a state {age_s:.1f} s old"
        return FrameReply(
            request.id, "stale", f"camera {request.camera}: {seen} is all there is after "
            f"{PATIENCE_S:.0f} s"
        )  # fmt: skip

    def _picture(self, request: FrameRequest, copy: WorldCopy) -> FrameReply:
        if self._shown is not copy:
            self._source.update(copy.state)
            self._shown = copy
        try:
            frame = self._source.frame(request.camera)
        except KeyError:
            known = ", ".join(spec.name for spec in self._source.specs())
            text = f"no camera {request.camera!r} in this cell; it has {known}"
            return FrameReply(request.id, "no_such_camera", text)
        except CameraTrouble as trouble:
            text = f"camera {request.camera}: {trouble}"
            return FrameReply(request.id, trouble.code, text)
        except OSError as error:
            return FrameReply(request.id, "fault", f"camera {request.camera}: {error}")
        return pack_frame(request.id, frame, self._now_s() - copy.t_mono_ns * 1e-9)


def run(frames: str, world: str, source: CameraSource, ended: Callable[[], bool]) -> None:
    """Serve until ``ended``."""
    context: zmq.Context[Any] = zmq.Context()
    asked = context.socket(zmq.ROUTER)
    asked.setsockopt(zmq.LINGER, 0)
    asked.bind(frames)
    fed = context.socket(zmq.SUB)
    fed.setsockopt(zmq.CONFLATE, 1)  # Before connect, or it has no effect.
    fed.setsockopt(zmq.LINGER, 0)
    fed.setsockopt(zmq.SUBSCRIBE, b"")
    fed.connect(world)
    poller = zmq.Poller()
    poller.register(asked, zmq.POLLIN)
    poller.register(fed, zmq.POLLIN)
    service = CameraService(source)
    while not ended():
        ready = dict(poller.poll(100))
        if asked in ready:
            peer, *rest = asked.recv_multipart()
            service.ask(peer, rest[-1] if rest else b"")
        if fed in ready:
            service.take(msgspec.msgpack.decode(fed.recv(), type=WorldCopy))
        for peer, reply in service.answers():
            asked.send_multipart([peer, reply])
    context.destroy(0)


def open_source(factory: str, config: bytes) -> CameraSource:
    """Call ``module:function`` with the configuration."""
    module, _, function = factory.partition(":")
    source: CameraSource = getattr(importlib.import_module(module), function)(config)
    return source


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="drivers.cameras.service")
    parser.add_argument("--frames", required=True)
    parser.add_argument("--world", required=True)
    parser.add_argument("--factory", required=True)
    args = parser.parse_args(argv)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    (length,) = struct.unpack(">I", sys.stdin.buffer.read(4))
    config = sys.stdin.buffer.read(length)
    gone = threading.Event()
    threading.Thread(target=_until_end_of_input, args=(gone,), daemon=True).start()
    run(args.frames, args.world, open_source(args.factory, config), gone.is_set)
    return 0


def _until_end_of_input(gone: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    gone.set()


if __name__ == "__main__":
    sys.exit(main())
