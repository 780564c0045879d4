"""The engine's command socket: 0600, peers of the same user only, many clients."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from aspire_tui.engine.protocol import FRAME_MAX, Command, Reply, pack, read_command
from aspire_tui.framing import HEADER

Handler = Callable[[Command], Awaitable[Reply]]


async def serve_commands(path: Path, handle: Handler) -> asyncio.AbstractServer:
    """Listen on ``path``; a stale socket there is removed (its lock is ours)."""
    private = path.parent.stat()
    if private.st_uid != os.getuid() or stat.S_IMODE(private.st_mode) & 0o077:
        raise PermissionError(f"{path.parent} must be ours alone (0700) to hold a command socket")
    path.unlink(missing_ok=True)
    old = os.umask(0o177)
    try:
        server = await asyncio.start_unix_server(_session(handle), path=str(path))
    finally:
        os.umask(old)
    return server


def _session(
    handle: Handler,
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if _same_user(writer):
                await _answer(reader, writer, handle)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    return session


async def _answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handle: Handler
) -> None:
    while True:
        (size,) = HEADER.unpack(await reader.readexactly(HEADER.size))
        if size > FRAME_MAX:
            writer.write(pack(Reply("", False, f"command of {size} bytes, at most {FRAME_MAX}")))
            await writer.drain()
            return
        body = await reader.readexactly(size)
        try:
            command = read_command(body)
        except msgspec.DecodeError as error:
            reply = Reply("", False, f"not a command: {error}")
        else:
            reply = await handle(command)
        writer.write(pack(reply))
        await writer.drain()


def _same_user(writer: asyncio.StreamWriter) -> bool:
    sock = writer.get_extra_info("socket")
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    creds = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _pid, uid, _gid = struct.unpack("3i", creds)
    return uid in (os.getuid(), 0)
