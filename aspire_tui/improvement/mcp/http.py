"""The tools over HTTP: loopback only, and only for who has the token."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from mcp.server.lowlevel.server import Server

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK = "127.0.0.1"
PATH = "/mcp"
_WRONG = b'{"error": "the token is missing or wrong"}'


def guarded(application: Application, token: str) -> Application:
    """The same application for requests that carry the token; 401 for all others."""
    wanted = f"Bearer {token}".encode()

    async def check(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"authorization", b"")
        if hmac.compare_digest(given, wanted):
            await application(scope, receive, send)
            return
        head = [(b"content-type", b"application/json"), (b"www-authenticate", b"Bearer")]
        await send({"type": "http.response.start", "status": 401, "headers": head})
        await send({"type": "http.response.body", "body": _WRONG})

    return check


def application(server: Server[Any], token: str) -> Application:
    """The ASGI application of a tool server."""
    return guarded(server.streamable_http_app(streamable_http_path=PATH, host=LOOPBACK), token)
