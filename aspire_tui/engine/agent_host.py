"""The engine's end of the agent worker: answers its tools, notices when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from aspire_tui.engine.book import Book
from aspire_tui.engine.toolbox import Toolbox
from aspire_tui.events import AgentSaid, AgentTurn
from aspire_tui.framing import HEADER
from aspire_tui.improvement.tools import ToolRefused
from aspire_tui.improvement.wire import (
    FRAME_MAX,
    REPORT,
    AgentDone,
    ToolAnswer,
    ToolCall,
)

WORKER_DIED = "the agent worker died; its work so far stands"


RUNS_TRIALS = ("run", "judge", "round", "race")
"""Tools under which trials run: the agent waits, it does not think."""


class AgentLost(Exception):
    """The agent could not go on: its worker died, or its model cannot be asked any more."""


@dataclass
class Turns:
    """Who is thinking. The record says whether anybody is: from the first to begin to the last to
    end."""

    book: Book
    thinking: set[str] = field(default_factory=set)

    async def begin(self, who: str) -> None:
        if not self.thinking:
            await self.book.write(AgentTurn(True, who))
        self.thinking.add(who)

    async def end(self, who: str, note: str = "") -> None:
        if self.thinking == {who}:
            await self.book.write(AgentTurn(False, note))
        self.thinking.discard(who)


async def host_agent(
    link: socket.socket, toolbox: Toolbox, turns: Turns, died: Callable[[], None]
) -> None:
    """Answer an agent worker until it is done. Closing the link ends the worker.

    Args:
        died: Called at once when its worker is gone, under a tool too.

    Raises:
        AgentLost: It died or could not go on; what it had proposed stays in the tree.
    """
    reader, writer = await asyncio.open_connection(sock=link, limit=FRAME_MAX)
    try:
        await _converse(reader, writer, toolbox, turns, died)
    finally:
        writer.close()


async def _converse(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    toolbox: Toolbox,
    turns: Turns,
    died: Callable[[], None],
) -> None:
    """Between two tool calls the agent is thinking, and the record says so."""
    book, who = toolbox.book, toolbox.author
    await turns.begin(who)
    coming = asyncio.ensure_future(_next(reader))
    try:
        while True:
            try:
                said = await coming
            except (asyncio.IncompleteReadError, ConnectionError):
                if toolbox.finished is not None:
                    return
                await turns.end(who)
                await book.write(AgentSaid(WORKER_DIED, "error", by=toolbox.by))
                raise AgentLost("the agent worker died") from None
            if isinstance(said, AgentDone):
                await turns.end(who)
                if said.error:
                    raise AgentLost(said.error)
                return
            # Listened to while it is answered: an agent that dies meanwhile starts no trial more.
            coming = asyncio.ensure_future(_next(reader))
            coming.add_done_callback(lambda heard: _heard_of_death(heard, died))
            if said.tool in RUNS_TRIALS:
                await turns.end(who, said.tool)
            answer = await _answer(said, toolbox)
            if said.tool in RUNS_TRIALS and not coming.done():
                await turns.begin(who)
            body = msgspec.json.encode(answer)
            writer.write(HEADER.pack(len(body)) + body)
            with contextlib.suppress(ConnectionError):  # its end is told by what comes next
                await writer.drain()
    finally:
        coming.cancel()


def _heard_of_death(coming: asyncio.Future[ToolCall | AgentDone], died: Callable[[], None]) -> None:
    if not coming.cancelled() and coming.exception() is not None:
        died()


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
