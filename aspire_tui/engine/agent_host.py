"""The engine's end of the agent worker: answers its tools, notices when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import msgspec

from aspire_tui.engine.toolbox import Toolbox
from aspire_tui.events import AgentSaid, AgentTurn
from aspire_tui.improvement.tools import ToolRefused
from aspire_tui.improvement.wire import (
    FRAME_MAX,
    HEADER,
    REPORT,
    AgentDone,
    ToolAnswer,
    ToolCall,
)

WORKER_DIED = "the agent worker died; its work so far stands"


class AgentLost(Exception):
    """The agent could not go on: its worker died, or its model cannot be asked any more."""


async def host_agent(link: socket.socket, toolbox: Toolbox) -> None:
    """Answer an agent worker until it is done. Closing the link ends the worker.

    Raises:
        AgentLost: It died or could not go on; what it had proposed stays in the tree.
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
    coming = asyncio.ensure_future(_next(reader))
    try:
        while True:
            try:
                said = await coming
            except (asyncio.IncompleteReadError, ConnectionError):
                if toolbox.finished is not None:
                    return
                await book.write(AgentTurn(False), AgentSaid(WORKER_DIED, "error"))
                raise AgentLost("the agent worker died") from None
            if isinstance(said, AgentDone):
                await book.write(AgentTurn(False))
                if said.error:
                    raise AgentLost(said.error)
                return
            # Listened to while it is answered: an agent that dies meanwhile starts no trial more.
            coming = asyncio.ensure_future(_next(reader))
            coming.add_done_callback(lambda heard: _heard_of_death(heard, toolbox))
            if said.tool in ("run", "judge"):
                await book.write(AgentTurn(False, said.tool))
            answer = await _answer(said, toolbox)
            if said.tool in ("run", "judge") and not toolbox.trials.agent_lost:
                await book.write(AgentTurn(True, toolbox.author))
            body = msgspec.json.encode(answer)
            writer.write(HEADER.pack(len(body)) + body)
            with contextlib.suppress(ConnectionError):  # its end is told by what comes next
                await writer.drain()
    finally:
        coming.cancel()


def _heard_of_death(coming: asyncio.Future[ToolCall | AgentDone], toolbox: Toolbox) -> None:
    if coming.cancelled() or coming.exception() is None:
        return
    toolbox.trials.agent_lost = True


async def _next(reader: asyncio.StreamReader) -> ToolCall | AgentDone:
    """The next tool call, or the agent's word that it is done."""
    (size,) = HEADER.unpack(await reader.readexactly(HEADER.size))
    if size > FRAME_MAX:
        raise ConnectionError(f"message of {size} bytes")
    body = await reader.readexactly(size)
    try:
        return msgspec.json.decode(body, type=ToolCall)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return msgspec.json.decode(body, type=AgentDone)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return AgentDone("the agent sent what is neither a tool call nor its end")


async def _answer(call: ToolCall, toolbox: Toolbox) -> ToolAnswer:
    try:
        if call.tool.startswith(REPORT):
            return ToolAnswer(call.id, await toolbox.reports.take(call.tool, call.args))
        return ToolAnswer(call.id, await toolbox.use(call.tool, call.args))
    except ToolRefused as refusal:
        return ToolAnswer(call.id, refused=str(refusal))
    except msgspec.ValidationError as error:
        return ToolAnswer(call.id, refused=f"{call.tool}: {error}")
