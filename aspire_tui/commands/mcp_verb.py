"""``mcp``: an agent from outside drives the running cell through the tools."""

from __future__ import annotations

import asyncio
import secrets
import socket
import sys
from typing import Annotated

import typer

from aspire_tui.errors import ConfigError
from aspire_tui.improvement.mcp.install import install_http_lines, install_lines
from aspire_tui.improvement.mcp.visitor import Visitor, visitor_of
from aspire_tui.improvement.prompts import prompt_text
from drivers.runtime_dir import runtime_dir

BACKLOG = 64
NEEDS = "the MCP SDK is not installed; install it with: pip install 'aspire-tui[mcp]'"


def mcp(
    session: Annotated[str, typer.Argument(help="Run to drive; whichever waits by default.")] = "",
    http: Annotated[bool, typer.Option("--http", help="Serve on loopback, with a token.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="For --http; 0: any.")] = 0,
    install: Annotated[
        bool, typer.Option("--install", help="Print how to install it, and end.")
    ] = False,
    text_only: Annotated[bool, typer.Option("--text-only", help="Offer no pictures.")] = False,
) -> None:
    """Offer the tools of a run started with `run TASK --agent mcp` to an outside agent."""
    if install or (sys.stdin.isatty() and not http):
        for line in install_lines():
            typer.echo(line)
        return
    visitor = visitor_of(session, runtime_dir())
    try:
        if http:
            _serve_http(visitor, not text_only, port)
        else:
            asyncio.run(_serve_stdio(visitor, not text_only))
    except ModuleNotFoundError:
        raise ConfigError(NEEDS) from None


async def _serve_stdio(visitor: Visitor, pictures: bool) -> None:
    from mcp.server.stdio import stdio_server

    from aspire_tui.improvement.mcp.server import tool_server

    prompt = prompt_text("aspire")
    server = tool_server(visitor.use, prompt, pictures=pictures, met=visitor.change)
    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())


def _serve_http(visitor: Visitor, pictures: bool, port: int) -> None:
    """Listen first, so that what is printed is true."""
    import uvicorn

    from aspire_tui.improvement.mcp.http import LOOPBACK, PATH, Seat, application
    from aspire_tui.improvement.mcp.server import tool_server

    seat = Seat(visitor.change)
    prompt = prompt_text("aspire")
    server = tool_server(visitor.use, prompt, pictures=pictures, turnstile=seat)

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
        listener.listen(BACKLOG)
    except OSError as error:
        raise ConfigError(f"--port {port}: {error.strerror}; 0 takes any free one") from None
    url = f"http://{LOOPBACK}:{listener.getsockname()[1]}{PATH}"
    token = secrets.token_urlsafe(32)
    typer.echo(f"serving {url}", err=True)
    for line in install_http_lines(url, token):
        typer.echo(line, err=True)
    config = uvicorn.Config(application(server, token, seat), log_level="error", lifespan="on")
    uvicorn.Server(config).run(sockets=[listener])
