"""The one way out of a confined agent: tunnels to its provider's hosts, and to nothing else."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path

PORT = 443
HEAD_LONGEST = 8192
HEAD_WITHIN_S = 10.0
_PIECE = 65536


class ProviderWay:
    """Answers ``CONNECT host:443`` for the hosts it knows; whoever asks for another is told no.

    Args:
        refused: Hears of each host that was asked for and is not allowed, once.
    """

    def __init__(self, hosts: Collection[str], refused: Callable[[str], Awaitable[None]]) -> None:
        self._hosts = frozenset(hosts)
        self._refused = refused
        self._told: set[str] = set()

    async def start(self, path: Path) -> asyncio.AbstractServer:
        server = await asyncio.start_unix_server(self._tunnel, str(path))
        path.chmod(0o666)  # its folder is private; the agent is another user
        return server

    async def _tunnel(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        try:
            head = await asyncio.wait_for(near.readuntil(b"\r\n\r\n"), HEAD_WITHIN_S)
            verb, _, rest = head.decode("latin-1").partition(" ")
            host, _, port = rest.partition(" ")[0].rpartition(":")
            if verb != "CONNECT" or host not in self._hosts or port != str(PORT):
                await self._say_no(host or rest.split(" ")[0], back)
                return
            far, out = await asyncio.open_connection(host, PORT)
            back.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(_copy(near, out), _copy(far, back))
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            with contextlib.suppress(OSError):
                back.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
        finally:
            back.close()

    async def _say_no(self, host: str, back: asyncio.StreamWriter) -> None:
        back.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        await back.drain()
        if host not in self._told:
            self._told.add(host)
            await self._refused(host[:120])


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await source.read(_PIECE):
            target.write(piece)
            await target.drain()
    target.close()
