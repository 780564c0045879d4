"""The emulator's own Unix socket: faults to inject, the register log to read. One JSON a line."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from drivers.errors import CellFault, CellFileError

NAME: Final = "fault.sock"
LONGEST_LINE: Final = 65536
ANSWER_WITHIN_S: Final = 5.0

Answer = dict[str, Any]
Respond = Callable[[dict[str, Any]], Answer]


class FaultServer:
    """Answers requests inside the emulator's loop; never blocks it."""

    def __init__(self, path: Path, respond: Respond) -> None:
        """``respond`` takes a request and gives its answer; wrong requests raise ValueError."""
        self._path = path
        self._respond = respond
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        path.unlink(missing_ok=True)
        self._listener.bind(str(path))
        path.chmod(0o600)
        self._listener.listen(8)
        self._listener.setblocking(False)
        self._held: dict[socket.socket, bytes] = {}

    def fds(self) -> list[int]:
        """What to wait for."""
        return [self._listener.fileno(), *(s.fileno() for s in self._held)]

    def serve(self, ready: Sequence[int]) -> None:
        """Answer what has arrived."""
        if self._listener.fileno() in ready:
            with contextlib.suppress(BlockingIOError):
                connection, _ = self._listener.accept()
                connection.settimeout(0.2)
                self._held[connection] = b""
        for connection in [s for s in self._held if s.fileno() in ready]:
            self._hear(connection)

    def close(self) -> None:
        """Hang up on everybody."""
        for connection in self._held:
            connection.close()
        self._held.clear()
        self._listener.close()
        self._path.unlink(missing_ok=True)

    def _hear(self, connection: socket.socket) -> None:
        try:
            data = connection.recv(65536)
        except OSError:
            data = b""
        lines = (self._held[connection] + data).split(b"\n")
        if not data or len(lines[-1]) > LONGEST_LINE:
            del self._held[connection]
            connection.close()
            return
        self._held[connection] = lines.pop()
        for line in lines:
            # A client that does not take its answer must not stop the bus.
            with contextlib.suppress(OSError):
                connection.sendall(json.dumps(self._answer(line)).encode() + b"\n")

    def _answer(self, line: bytes) -> Answer:
        try:
            request = json.loads(line)
            if not isinstance(request, dict):
                raise ValueError("expected an object")
            return {"ok": True, **self._respond(request)}
        except (ValueError, KeyError, TypeError, OSError, RecursionError) as error:
            return {"ok": False, "error": " ".join(str(error).split())}


class FaultClient:
    """Talks to a running emulator. The path is that of its socket."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(ANSWER_WITHIN_S)
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            raise CellFault(f"{path}: no emulator answers there ({error.strerror})") from None
        self._lines = self._socket.makefile("rb")

    def ask(self, **request: Any) -> Answer:
        """One request. Raises CellFileError with the emulator's words when it is refused."""
        try:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
            line = self._lines.readline()
        except OSError as error:
            raise CellFault(f"{self._path}: the emulator does not answer: {error}") from None
        if not line:
            raise CellFault(f"{self._path}: the emulator hung up")
        answer: Answer = json.loads(line)
        if not answer["ok"]:
            raise CellFileError(answer["error"])
        return answer

    def inject(self, fault: str, **args: float | str) -> str:
        """Bring about a fault; returns what it did."""
        return str(self.ask(do="inject", fault=fault, args=args)["text"])

    def close(self) -> None:
        """Hang up."""
        self._lines.close()
        self._socket.close()

    def __enter__(self) -> FaultClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
