"""Finds running engines and talks to one: a short connection per command."""

from __future__ import annotations

import socket
import uuid
from pathlib import Path

from aspire_tui.domain import JSON, Role
from aspire_tui.engine.protocol import (
    FRAME_MAX,
    PROTO,
    Command,
    Handshake,
    Reply,
    Speaks,
    Verb,
    handshake,
    pack,
    read_reply,
)
from aspire_tui.framing import receive


class EngineGone(Exception):
    """Nobody answers on the engine's socket."""


class EngineClient:
    """Sends commands to one engine. Safe to use from any thread."""

    def __init__(
        self,
        path: Path,
        who: str,
        timeout_s: float = 3.0,
        console: str = "",
        role: Role = "operator",
    ) -> None:
        """``console`` names the screen that sends; empty for a single command."""
        self._path = path
        self.who = who
        """Whose acts these are: bench accounts are shared, so it can change."""
        self._timeout_s = timeout_s
        self.console = console
        self.role = role

    def send(
        self, verb: Verb, args: dict[str, JSON] | None = None, role: Role | None = None
    ) -> Reply:
        """Send one command and wait for the answer.

        Raises:
            EngineGone: No engine, or it did not answer in time.
        """
        command = Command(
            PROTO,
            uuid.uuid4().hex[:12],
            verb,
            self.who,
            role or self.role,
            args or {},
            self.console,
        )
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
                sock.settimeout(self._timeout_s)
                sock.connect(str(self._path))
                sock.sendall(pack(command))
                return read_reply(receive(sock, FRAME_MAX))
        except (OSError, EOFError) as error:
            raise EngineGone(f"no engine answers at {self._path}: {error}") from None

    def greet(self, release: str, session: str) -> Handshake:
        """What this release and that engine can do with each other.

        Raises:
            EngineGone: No engine, or it did not answer in time.
        """
        told = self.send("hello").data
        engine = Speaks(
            proto=int(told.get("proto", PROTO)),
            release=str(told.get("release", "unknown")),
            command=str(told.get("command", "")),
        )
        return handshake(Speaks(PROTO, release), engine, session)


def running_engines(runtime_dir: Path, who: str) -> dict[Path, Path]:
    """Sessions that are being written now, with the socket of their engine."""
    found: dict[Path, Path] = {}
    for sock in sorted(runtime_dir.glob("*.sock")):
        try:
            reply = EngineClient(sock, who, timeout_s=0.5).send("hello")
        except EngineGone:
            continue
        session = reply.data.get("session")
        if isinstance(session, str):
            found[Path(session)] = sock
    return found


def engine_of_cell(runtime_dir: Path, who: str, cell: str) -> tuple[Path, Path] | None:
    """Session and socket of the engine that has a cell's bench; None when there is none."""
    for session, sock in running_engines(runtime_dir, who).items():
        try:
            told = EngineClient(sock, who).send("hello").data
        except EngineGone:
            continue
        if told.get("cell") == cell and told.get("attended"):
            return session, sock
    return None
