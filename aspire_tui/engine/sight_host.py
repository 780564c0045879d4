"""The engine's end of the process that answers programs' questions: it counts, and passes words on.

Questions themselves do not come by here: they go from the trial to that process and back.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket

import msgspec

from aspire_tui.engine.reports import Reports
from aspire_tui.events import AgentSaid, Note
from aspire_tui.framing import HEADER
from aspire_tui.improvement.tools import ToolRefused
from aspire_tui.improvement.wire import FRAME_MAX, REPORT, ToolAnswer, ToolCall

BY = "programs"
"""Whose tokens and words these are in the record."""
GONE = "the process that asks the model for programs is gone: their questions end in FAULT"


async def host_sight(link: socket.socket, reports: Reports) -> None:
    """Take its reports until it ends. Closing the link ends it."""
    reader, writer = await asyncio.open_connection(sock=link, limit=FRAME_MAX)
    try:
        while True:
            (size,) = HEADER.unpack(await reader.readexactly(HEADER.size))
            if size > FRAME_MAX:
                raise ConnectionError(f"message of {size} bytes")
            call = msgspec.json.decode(await reader.readexactly(size), type=ToolCall)
            body = msgspec.json.encode(await _answer(call, reports))
            writer.write(HEADER.pack(len(body)) + body)
            with contextlib.suppress(ConnectionError):  # told by what comes next
                await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError, msgspec.DecodeError):
        await reports.book.write(Note(GONE, "warn", "sight"))
    finally:
        writer.close()


async def _answer(call: ToolCall, reports: Reports) -> ToolAnswer:
    try:
        if call.tool == f"{REPORT}tokens":
            return ToolAnswer(call.id, await reports.take(call.tool, call.args))
        if call.tool == "say":
            text = str(call.args.get("text", ""))[:4000]
            await reports.book.write(AgentSaid(text, "error", by=BY))
            return ToolAnswer(call.id)
        return ToolAnswer(call.id, refused=f"there is no {call.tool} for it")
    except (ToolRefused, msgspec.ValidationError) as error:
        return ToolAnswer(call.id, refused=f"{call.tool}: {error}")
