"""The engine's end of the agent worker: answers its tools, notices when it dies."""

from __future__ import annotations

import asyncio
import socket

import msgspec

from aspire_tui.engine.toolbox import Toolbox
from aspire_tui.events import AgentSaid, AgentTurn
from aspire_tui.improvement.tools import ToolRefused
from aspire_tui.improvement.wire import FRAME_MAX, HEADER, REPORT, ToolAnswer, ToolCall


class AgentLost(Exception):
    """The agent worker died before it was done."""


async def host_agent(link: socket.socket, toolbox: Toolbox) -> None:
    """Answer an agent worker until it is done. Closing the link ends the worker.

    Raises:
        AgentLost: It died; what it had proposed stays in the tree.
    """
    reader, writer = await asyncio.open_connection(sock=link, limit=FRAME_MAX)
    try:
        await _converse(reader, writer, toolbox)
    finally:
        writer.close()


async def _converse(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, toolbox: Toolbox
) -> None:
    """Between two tool calls the agent is thinking, and the record says so."""
    book = toolbox.book
    await book.write(AgentTurn(True, toolbox.author))
    while True:
        try:
            call = await _next_call(reader)
        except (asyncio.IncompleteReadError, ConnectionError):
            if toolbox.finished is not None:
                return
            await book.write(
                AgentTurn(False),
                AgentSaid("the agent worker died; its work so far stands", "error"),
            )
            raise AgentLost("the agent worker died") from None
        if call is None:
            await book.write(AgentTurn(False))
            return
        if call.tool in ("run", "judge"):
            await book.write(AgentTurn(False, call.tool))
        answer = await _answer(call, toolbox)
        if call.tool in ("run", "judge"):
            await book.write(AgentTurn(True, toolbox.author))
        body = msgspec.json.encode(answer)
        writer.write(HEADER.pack(len(body)) + body)
        await writer.drain()


async def _next_call(reader: asyncio.StreamReader) -> ToolCall | None:
    """The next tool call; None when the agent says it is done."""
    (size,) = HEADER.unpack(await reader.readexactly(HEADER.size))
    if size > FRAME_MAX:
        raise ConnectionError(f"message of {size} bytes")
    body = await reader.readexactly(size)
    try:
        return msgspec.json.decode(body, type=ToolCall)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


async def _answer(call: ToolCall, toolbox: Toolbox) -> ToolAnswer:
    try:
        if call.tool.startswith(REPORT):
            return ToolAnswer(call.id, await toolbox.reports.take(call.tool, call.args))
        return ToolAnswer(call.id, await toolbox.use(call.tool, call.args))
    except ToolRefused as refusal:
        return ToolAnswer(call.id, refused=str(refusal))
    except msgspec.ValidationError as error:
        return ToolAnswer(call.id, refused=f"{call.tool}: {error}")
