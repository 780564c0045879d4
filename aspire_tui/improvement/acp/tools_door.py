"""The tools of a hosted agent: an MCP server on a private Unix socket, one connection at a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from mcp.server.lowlevel.server import Server
from mcp.server.stdio import stdio_server

LINE_LONGEST = 16 << 20


class LinesIn:
    """A socket's lines as the SDK's standard-input transport reads them."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    async def __aiter__(self) -> AsyncIterator[str]:
        with contextlib.suppress(OSError, ValueError):
            while line := await self._reader.readline():
                yield line.decode("utf-8", "replace")


class LinesOut:
    """The way back."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def write(self, text: str) -> None:
        self._writer.write(text.encode())

    async def flush(self) -> None:
        with contextlib.suppress(OSError):
            await self._writer.drain()


async def serve_tools(server: Server[Any], path: Path) -> asyncio.AbstractServer:
    """Serve until the returned server is closed."""

    async def entertain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        incoming: Any = LinesIn(reader)
        outgoing: Any = LinesOut(writer)
        try:
            async with stdio_server(incoming, outgoing) as (reading, writing):
                await server.run(reading, writing, server.create_initialization_options())
        finally:
            writer.close()

    listening = await asyncio.start_unix_server(entertain, str(path), limit=LINE_LONGEST)
    path.chmod(0o666)  # its folder is private; the agent is another user
    return listening
