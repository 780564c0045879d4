"""The tools over HTTP: loopback only, only for who has the token, and one driver at a time."""

from __future__ import annotations

import hmac
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final

from mcp.server.lowlevel.server import Server

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK = "127.0.0.1"
PATH = "/mcp"
SESSION: Final = b"mcp-session-id"
QUIET_S: Final = 300.0
"""A driver that used no tool for so long may be relieved: over HTTP there is no line to break."""
SEATED: Final = (
    "another agent drives this run; it has to leave first, or use no tool for five minutes"
)
_WRONG = b'{"error": "the token is missing or wrong"}'


@dataclass
class Seat:
    """Who drives: the session, or the name, that the last request with a tool came with."""

    relieved: Callable[[str], None] = lambda _: None
    """Told by name who drives from now on."""
    clock: Callable[[], float] = time.monotonic
    _driver: str = field(default="", init=False)
    _last_s: float = field(default=0.0, init=False)
    _in_use: int = field(default=0, init=False)

    def why_not(self, session: str, name: str) -> str:
        """Why this caller may use no tool now; empty when it may, and it drives from then on."""
        who = session or name
        if who != self._driver:
            if self._driver and (self._in_use or self.clock() - self._last_s < QUIET_S):
                return SEATED
            self.relieved(name)
        self._driver = who
        self._in_use += 1
        return ""

    def done(self) -> None:
        """A tool that was let through is answered."""
        self._in_use -= 1
        self._last_s = self.clock()

    def leave(self, session: str) -> None:
        """This session is over."""
        if session and session == self._driver and not self._in_use:
            self._driver = ""
            self.relieved("")


def guarded(application: Application, token: str, seat: Seat) -> Application:
    """The same application for requests that carry the token; 401 for all others."""
    wanted = f"Bearer {token}".encode()

    async def check(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if hmac.compare_digest(headers.get(b"authorization", b""), wanted):
            await application(scope, receive, send)
            if scope["method"] == "DELETE":
                seat.leave(headers.get(SESSION, b"").decode("latin-1"))
            return
        head = [(b"content-type", b"application/json"), (b"www-authenticate", b"Bearer")]
        await send({"type": "http.response.start", "status": 401, "headers": head})
        await send({"type": "http.response.body", "body": _WRONG})

    return check


def application(server: Server[Any], token: str, seat: Seat) -> Application:
    """The ASGI application of a tool server.

    Its SDK refuses a foreign ``Host`` or ``Origin``: a page in a browser that has the name of its
    own site point here reaches nothing, token or not.
    """
    app = server.streamable_http_app(streamable_http_path=PATH, host=LOOPBACK)
    return guarded(app, token, seat)
