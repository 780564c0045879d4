"""Asking the camera process of a cell for pictures."""

from __future__ import annotations

import itertools
import threading
import time
from typing import Any, Final

import msgspec
import zmq

from drivers.address import Address
from drivers.cameras.wire import FrameReply, FrameRequest, unpack_frame
from drivers.errors import CellFault
from drivers.hostlock import holder_of
from drivers.types import Frame

ANSWER_WITHIN_S: Final = 6.0
LOOK_EVERY_S: Final = 0.1


class PictureFault(CellFault):
    """There is no picture; ``code`` as :class:`drivers.cameras.wire.FrameReply` has it."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class FrameClient:
    """Each thread gets a socket of its own."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._context: zmq.Context[Any] = zmq.Context.instance()
        self._local = threading.local()
        self._ids = itertools.count(1)

    def take(self, camera: str, fresh: bool, after_s: float) -> Frame:
        """One picture. Raises KeyError for an unknown camera, PictureFault when there is none."""
        paths = self._address.paths
        socket = self._socket()
        request = FrameRequest(next(self._ids), camera, fresh, after_s)
        socket.send(msgspec.msgpack.encode(request))
        until_s = time.monotonic() + ANSWER_WITHIN_S
        while time.monotonic() < until_s:
            if not socket.poll(int(1e3 * LOOK_EVERY_S)):
                if paths is not None and holder_of(paths.lock) is None:
                    raise CellFault(f"the cell host of {self._address.name!r} is gone")
                continue
            reply = self._reply(socket.recv())
            if reply.id != request.id:
                continue
            if reply.code == "no_such_camera":
                raise KeyError(reply.error)
            if reply.code:
                raise PictureFault(reply.code, reply.error)
            return self._frame(reply)
        self.close()  # What comes for it later is for nobody.
        raise CellFault(f"camera {camera}: no picture within {ANSWER_WITHIN_S:.0f} s")

    def _reply(self, raw: bytes) -> FrameReply:
        try:
            return msgspec.msgpack.decode(raw, type=FrameReply)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise CellFault(
                f"pictures of {self._address.name!r}: not understood: {error}"
            ) from None

    def _frame(self, reply: FrameReply) -> Frame:
        try:
            if not reply.packing:
                return unpack_frame(reply)
            # Local pictures come raw: what unpacks them is loaded when one comes from elsewhere.
            from drivers.cameras.packed import unpacked

            return unpack_frame(unpacked(reply))
        except ValueError as error:
            raise CellFault(f"camera {reply.camera}: {error}") from None

    def _socket(self) -> Any:
        socket = getattr(self._local, "socket", None)
        if socket is None:
            socket = self._context.socket(zmq.DEALER)
            socket.setsockopt(zmq.LINGER, 0)
            self._address.prepare(socket)
            socket.connect(self._address.frames)
            self._local.socket = socket
        return socket

    def close(self) -> None:
        """Close this thread's socket; those of other threads close when their threads end."""
        socket = getattr(self._local, "socket", None)
        if socket is not None:
            socket.close(0)
            self._local.socket = None
