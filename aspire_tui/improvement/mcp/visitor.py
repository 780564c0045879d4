"""The other side of the door: an MCP server's way to the run it drives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from aspire_tui.domain import JSON
from aspire_tui.framing import HEADER
from aspire_tui.improvement.mcp.door import HELLO, open_doors
from aspire_tui.improvement.tools import ToolRefused
from aspire_tui.improvement.wire import FRAME_MAX, ToolAnswer, ToolCall

NO_RUN = (
    "no run waits for an agent; the operator starts one with: "
    "aspire-tui run TASK --agent mcp (and tells you when it is up)"
)


@dataclass
class Visitor:
    """Uses tools of the run that waits, connecting when first needed and again after a loss."""

    find: Callable[[], list[Path]]
    """Doors to try, newest last."""
    name: str = "an MCP client"
    _link: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    _guard: asyncio.Lock = field(default_factory=asyncio.Lock)
    _id: int = 0

    async def use(self, tool: str, args: Mapping[str, JSON]) -> JSON:
        """One tool's answer.

        Raises:
            ToolRefused: With the reason; also when there is no run, or it ended.
        """
        async with self._guard:
            if self._link is None:
                await self._enter()
            return await self._ask(tool, dict(args))

    def change(self, name: str) -> None:
        """Somebody else drives from now on: the run is told with the next tool that is used."""
        self.name = name or self.name
        self._leave()

    async def _enter(self) -> None:
        for path in reversed(self.find()):
            try:
                self._link = await asyncio.open_unix_connection(str(path), limit=FRAME_MAX)
            except OSError:
                continue  # its worker is gone and has left its socket behind
            await self._ask(HELLO, {"name": self.name})
            return
        raise ToolRefused(NO_RUN)

    async def _ask(self, tool: str, args: dict[str, JSON]) -> JSON:
        if self._link is None:
            raise ToolRefused(NO_RUN)
        reader, writer = self._link
        self._id += 1
        try:
            body = msgspec.json.encode(ToolCall(self._id, tool, args))
            writer.write(HEADER.pack(len(body)) + body)
            await writer.drain()
            (size,) = HEADER.unpack(await reader.readexactly(HEADER.size))
            if size > FRAME_MAX:
                raise ConnectionError(f"message of {size} bytes")
            answer = msgspec.json.decode(await reader.readexactly(size), type=ToolAnswer)
        except (OSError, asyncio.IncompleteReadError) as error:
            self._leave()
            raise ToolRefused("the run has ended, or its agent worker has") from error
        except BaseException:  # what was asked is still being answered: the link is out of step
            self._leave()
            raise
        if answer.refused:
            if answer.id == 0:
                self._leave()
            raise ToolRefused(answer.refused)
        return answer.value

    def _leave(self) -> None:
        if self._link is not None:
            self._link[1].close()
            self._link = None


def visitor_of(session: str, runtime: Path) -> Visitor:
    """The way to a run by its session's name, or to whichever waits."""

    def find() -> list[Path]:
        return [d for d in open_doors(runtime) if not session or d.stem == session]

    return Visitor(find)
