"""An MCP server with the one tool set: the same tools, words and fences as every agent gets."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import mcp_types as types
from mcp.server.lowlevel.server import Server

from aspire_tui.domain import JSON
from aspire_tui.improvement.present import Shown, present
from aspire_tui.improvement.tools import ToolRefused
from aspire_tui.improvement.toolset import TOOLS

NAME: Final = "aspire-tui"
SILENT: Final = ("told", "say", "ask_operator", "finish")
"""After these nobody looks whether the operator wrote: they say so themselves, or it is over."""

Use = Callable[[str, Mapping[str, JSON]], Awaitable[JSON]]
"""Uses one tool; raises :class:`ToolRefused` with the reason."""


class Turnstile(Protocol):
    """Lets one of several callers through at a time."""

    def why_not(self, session: str, name: str) -> str:
        """Why this caller may use no tool now; empty when it may, until ``done``."""
        ...

    def done(self) -> None: ...


def tool_server(
    use: Use,
    instructions: str,
    *,
    pictures: bool = True,
    met: Callable[[str], None] | None = None,
    turnstile: Turnstile | None = None,
) -> Server[Any]:
    """The server, ready to be run on any transport.

    Args:
        pictures: Offer ``view``; without it an agent has text only.
        met: Told once who connected, by its own name.
        turnstile: Asked before each use, where several could be connected.
    """
    greeted: list[str] = []

    async def list_tools(ctx: Any, _: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=offered(pictures))

    async def call_tool(ctx: Any, asked: types.CallToolRequestParams) -> types.CallToolResult:
        name = _client_name(ctx)
        if met is not None and not greeted and name:
            greeted.append(name)
            met(name)
        if turnstile is None:
            return await answer(use, asked.name, asked.arguments or {}, pictures=pictures)
        why = turnstile.why_not(_http_session(ctx), name)
        if why:
            return _refused(why)
        try:
            return await answer(use, asked.name, asked.arguments or {}, pictures=pictures)
        finally:
            turnstile.done()

    return Server(
        NAME,
        version=importlib.metadata.version("aspire-tui"),
        instructions=instructions,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def offered(pictures: bool) -> list[types.Tool]:
    """Every tool with its schema."""
    return [
        types.Tool(
            name=tool.name,
            description=tool.what,
            input_schema=tool.schema(),
            annotations=types.ToolAnnotations(read_only_hint=tool.looks_only),
        )
        for tool in TOOLS.values()
        if pictures or tool.name != "view"
    ]


async def answer(
    use: Use, name: str, args: Mapping[str, JSON], *, pictures: bool
) -> types.CallToolResult:
    """Use one tool and show its answer, with what the operator wrote meanwhile behind it."""
    if name not in TOOLS or (name == "view" and not pictures):
        return _refused(f"there is no tool {name}; there are: {', '.join(TOOLS)}")
    try:
        shown = [present(name, await use(name, args))]
        if name not in SILENT:
            shown += await _heard(use)
    except ToolRefused as refusal:
        return _refused(str(refusal))
    return types.CallToolResult(content=[c for s in shown for c in _content(s)])


async def _heard(use: Use) -> Sequence[Shown]:
    told = await use("told", {})
    heard = isinstance(told, Mapping) and told.get("messages")
    return [present("told", told)] if heard else []


def _content(shown: Shown) -> list[types.TextContent | types.ImageContent]:
    import base64

    pictures = [
        types.ImageContent(type="image", data=base64.b64encode(data).decode(), mime_type=media)
        for media, data in shown.pictures
    ]
    return [types.TextContent(type="text", text=shown.text), *pictures]


def _refused(why: str) -> types.CallToolResult:
    text = types.TextContent(type="text", text=f"refused: {why}")
    return types.CallToolResult(content=[text], is_error=True)


def _http_session(ctx: Any) -> str:
    """The session a request over HTTP belongs to; empty on a line, and where a client has none."""
    return "" if ctx.request is None else str(ctx.request.headers.get("mcp-session-id", ""))


def _client_name(ctx: Any) -> str:
    """What the client calls itself; nothing when it did not say."""
    params = ctx.session.client_params
    return "" if params is None else f"{params.client_info.name} {params.client_info.version}"
