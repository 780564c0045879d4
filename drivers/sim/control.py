"""The stand-in's own local socket: reset, truth, pace, snapshots. No hardware host opens it.

A request is a 4-byte big-endian length and one msgpack struct; so is the answer.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from drivers.errors import CellFault, CellRefused
from drivers.sim.scene import SceneSpec
from drivers.sim.stand_in import StandIn
from drivers.sim.truth import SceneTruth

T = TypeVar("T")

MAX_MESSAGE = 8 * 1024 * 1024
ANSWER_WITHIN_S = 30.0


class ResetScene(msgspec.Struct, tag="reset_scene", frozen=True, forbid_unknown_fields=True):
    spec: SceneSpec


class AskTruth(msgspec.Struct, tag="truth", frozen=True, forbid_unknown_fields=True):
    pass


class SetSpeed(msgspec.Struct, tag="set_speed", frozen=True, forbid_unknown_fields=True):
    factor: float


class TakeSnapshot(msgspec.Struct, tag="snapshot", frozen=True, forbid_unknown_fields=True):
    pass


class Restore(msgspec.Struct, tag="restore", frozen=True, forbid_unknown_fields=True):
    snapshot: bytes


Request = ResetScene | AskTruth | SetSpeed | TakeSnapshot | Restore


class Answer(msgspec.Struct, frozen=True):
    """``error`` is empty when the request was carried out."""

    error: str = ""
    code: str = ""
    scene: str = ""
    truth: SceneTruth | None = None
    snapshot: bytes = b""


def answer(control: StandIn, request: Request) -> Answer:
    """Carry out one request. Wrong requests are answered, not raised."""
    try:
        match request:
            case ResetScene(spec):
                return Answer(scene=control.reset_scene(spec))
            case AskTruth():
                return Answer(truth=control.truth())
            case SetSpeed(factor):
                control.set_speed(factor)
                return Answer()
            case TakeSnapshot():
                return Answer(snapshot=control.snapshot())
            case Restore(snapshot):
                control.restore(snapshot)
                return Answer()
    except CellRefused as error:
        return Answer(error=error.text, code=error.code)
    except (ValueError, msgspec.DecodeError) as error:
        return Answer(error=str(error), code="invalid")


class ControlServer:
    """Serves one stand-in on a Unix socket until closed."""

    def __init__(
        self,
        control: StandIn,
        path: Path,
        run_between_ticks: Callable[[Callable[[], Answer]], Answer],
    ) -> None:
        self._control = control
        self._path = path
        self._run = run_between_ticks
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        path.unlink(missing_ok=True)
        self._listener.bind(str(path))
        path.chmod(0o600)
        self._listener.listen(4)
        self._thread = threading.Thread(target=self._accept, name="stand-in", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Stop listening; a request being carried out is finished."""
        # A blocked accept() only wakes when the socket is shut down, not when it is closed.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        decoder = msgspec.msgpack.Decoder(Request)
        with connection:
            while True:
                try:
                    body = _receive(connection)
                    if body is None:
                        return
                    reply = self._reply(decoder, body)
                    _send(connection, msgspec.msgpack.encode(reply))
                except OSError:
                    return

    def _reply(self, decoder: msgspec.msgpack.Decoder[Request], body: bytes) -> Answer:
        try:
            request = decoder.decode(body)
        except msgspec.DecodeError as error:
            return Answer(error=str(error), code="invalid")
        return self._run(lambda: answer(self._control, request))


def serve(
    control: StandIn,
    path: Path | str,
    run_between_ticks: Callable[[Callable[[], Answer]], Answer],
) -> ControlServer:
    """Serve a stand-in from a thread of its own; returns at once.

    Args:
        run_between_ticks: Runs a function on the thread that owns the world, between two control
            ticks, and returns its result.
    """
    server = ControlServer(control, Path(path), run_between_ticks)
    server.start()
    return server


class StandInClient:
    """A stand-in on the other side of its socket; the same calls as :class:`StandIn`."""

    def __init__(self, path: Path | str) -> None:
        self._path = str(path)
        self._socket: socket.socket | None = None

    def reset_scene(self, spec: SceneSpec) -> str:
        return self._ask(ResetScene(spec)).scene

    def truth(self) -> SceneTruth:
        truth = self._ask(AskTruth()).truth
        if truth is None:
            raise CellFault("the stand-in gave no truth")
        return truth

    def set_speed(self, factor: float) -> None:
        self._ask(SetSpeed(factor))

    def snapshot(self) -> bytes:
        return self._ask(TakeSnapshot()).snapshot

    def restore(self, snapshot: bytes) -> None:
        self._ask(Restore(snapshot))

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _ask(self, request: Request) -> Answer:
        try:
            connection = self._connected()
            _send(connection, msgspec.msgpack.encode(request))
            body = _receive(connection)
        except OSError as error:
            self.close()
            raise CellFault(f"stand-in socket {self._path}: {error}") from error
        if body is None:
            self.close()
            raise CellFault(f"stand-in socket {self._path} closed")
        reply = msgspec.msgpack.decode(body, type=Answer)
        if reply.code == "invalid":
            raise ValueError(reply.error)
        if reply.error:
            raise CellRefused(reply.code, reply.error)
        return reply

    def _connected(self) -> socket.socket:
        if self._socket is None:
            fresh = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            fresh.settimeout(ANSWER_WITHIN_S)
            fresh.connect(self._path)
            self._socket = fresh
        return self._socket


def _send(connection: socket.socket, body: bytes) -> None:
    connection.sendall(struct.pack(">I", len(body)) + body)


def _receive(connection: socket.socket) -> bytes | None:
    """One message, or None when the other side is gone."""
    head = _exactly(connection, 4)
    if head is None:
        return None
    (length,) = struct.unpack(">I", head)
    if length > MAX_MESSAGE:
        raise OSError(f"message of {length} bytes is over {MAX_MESSAGE}")
    return _exactly(connection, length)


def _exactly(connection: socket.socket, count: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < count:
        part = connection.recv(min(65536, count - len(parts)))
        if not part:
            return None
        parts += part
    return bytes(parts)
