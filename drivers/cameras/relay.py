"""A cell's pictures for other machines: ``python -m drivers.cameras.relay``, beside its host.

Between the camera process, which stays on a local socket, and clients on a network with keys.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Any, Final

import msgspec
import zmq

from drivers.cameras.packed import packed
from drivers.cameras.wire import FrameReply, FrameRequest
from drivers.errors import CellFileError
from drivers.keys import Doorkeeper

REQUEST_AT_MOST: Final = 4096
WAITING_AT_MOST: Final = 64
"""Requests whose picture has not come; those after them are not answered."""


class Relay:
    """Numbers requests anew, so that answers find their way back. Pure of sockets."""

    def __init__(self) -> None:
        self._waiting: dict[int, tuple[bytes, int]] = {}
        self._number = 0

    def asked(self, peer: bytes, raw: bytes) -> bytes | None:
        """What to ask the camera process; None when it is no request."""
        try:
            request = msgspec.msgpack.decode(raw, type=FrameRequest)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        self._number += 1
        self._waiting[self._number] = (peer, request.id)
        while len(self._waiting) > WAITING_AT_MOST:
            del self._waiting[next(iter(self._waiting))]
        return msgspec.msgpack.encode(msgspec.structs.replace(request, id=self._number))

    def answered(self, raw: bytes) -> tuple[bytes, bytes] | None:
        """Whom to send what; None when nobody waits for it any more."""
        reply = msgspec.msgpack.decode(raw, type=FrameReply)
        peer, request_id = self._waiting.pop(reply.id, (b"", 0))
        if not peer:
            return None
        return peer, msgspec.msgpack.encode(packed(msgspec.structs.replace(reply, id=request_id)))


def run(frames: str, listen: str, keys: Path, ready_fd: int) -> None:
    """Serve until the host that started this process ends it, or is gone."""
    context: zmq.Context[Any] = zmq.Context()
    door = Doorkeeper(keys, context)
    outside, inside = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
    for socket in (outside, inside):
        socket.setsockopt(zmq.LINGER, 0)
    outside.setsockopt(zmq.MAXMSGSIZE, REQUEST_AT_MOST)
    door.prepare(outside)
    outside.bind(listen)
    inside.connect(frames)
    os.write(ready_fd, b'{"ready":true}\n')
    os.close(ready_fd)
    relay, host = Relay(), os.getppid()
    poller = zmq.Poller()
    poller.register(outside, zmq.POLLIN)
    poller.register(inside, zmq.POLLIN)
    while os.getppid() == host:
        ready = dict(poller.poll(200))
        if outside in ready:
            peer, *rest = outside.recv_multipart()
            question = relay.asked(peer, rest[-1] if rest else b"")
            if question is not None:
                with contextlib.suppress(zmq.Again):  # The client asks again.
                    inside.send(question, zmq.NOBLOCK)
        if inside in ready:
            answer = relay.answered(inside.recv())
            if answer is not None:
                with contextlib.suppress(zmq.Again):
                    outside.send_multipart(answer, zmq.NOBLOCK)
    door.close()
    context.destroy(0)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="drivers.cameras.relay")
    parser.add_argument("--frames", required=True, help="socket of the camera process")
    parser.add_argument("--listen", required=True)
    parser.add_argument("--keys", required=True, type=Path)
    parser.add_argument("--ready-fd", required=True, type=int)
    args = parser.parse_args(argv)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    try:
        run(args.frames, args.listen, args.keys, args.ready_fd)
    except (CellFileError, zmq.ZMQError) as error:
        text = f"pictures on {args.listen}: {error}"
        os.write(args.ready_fd, msgspec.json.encode({"ready": False, "error": text}) + b"\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
