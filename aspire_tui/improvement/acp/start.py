"""Starts a hosted agent behind its walls, or without them when the session says so."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
import tempfile
from collections.abc import MutableMapping
from pathlib import Path
from typing import Final, cast

import msgspec
from acp import Client
from acp.schema import McpServerStdio
from acp.stdio import spawn_agent_process

from aspire_tui.errors import ConfigError
from aspire_tui.improvement.acp.agent import HostedAgent
from aspire_tui.improvement.acp.confinement import (
    Premises,
    confined_command,
    environment_of,
    reads_of,
)
from aspire_tui.improvement.acp.inside.root import LINKS, WORK
from aspire_tui.improvement.acp.link import Link
from aspire_tui.improvement.acp.pane import Pane
from aspire_tui.improvement.acp.presets import AcpOptions, secrets_of
from aspire_tui.improvement.acp.provider_way import ProviderWay
from aspire_tui.improvement.acp.tools_door import serve_tools
from aspire_tui.improvement.mcp.server import tool_server
from aspire_tui.improvement.prompts import prompt_text
from aspire_tui.improvement.remote import RemoteTools
from aspire_tui.session.redaction import Redactor

_ERROR: Final = re.compile(r"\w*(Error|Exception)\b.*:")
BUFFER: Final = 50 << 20
ERRORS_KEPT: Final = 2000
LAST_WORDS_WITHIN_S: Final = 1.0


def run_acp(
    options: MutableMapping[str, str] | dict[str, str],
    at_large: str,
    tools: RemoteTools,
    environment: MutableMapping[str, str],
) -> str:
    """Host one agent to its end; why not, when it cannot go on.

    Args:
        at_large: Why it is not confined; empty when it has to be.
    """
    asked = msgspec.convert(dict(options), AcpOptions)
    redactor = Redactor(secrets_of(options, environment))
    keys = {k: environment.pop(k) for k in asked.listed("keys") if k in environment}
    with tempfile.TemporaryDirectory(prefix="aspire-agent-", ignore_cleanup_errors=True) as folder:
        premises = Premises(Path(folder))
        premises.prepare()
        try:
            return asyncio.run(_host(asked, at_large, tools, premises, keys, redactor))
        except ConfigError as error:
            return str(error)


async def _host(
    asked: AcpOptions,
    at_large: str,
    tools: RemoteTools,
    premises: Premises,
    keys: dict[str, str],
    redactor: Redactor,
) -> str:
    link = Link(tools)
    python = os.path.realpath(sys.executable)
    links, work = (LINKS, WORK) if not at_large else (str(premises.links), str(premises.work))
    relay = ["-I", "-S", f"{links}/relay.py", f"{links}/tools.sock"]
    reached = McpServerStdio(name="aspire-tui", command=python, args=relay, env=[])
    pane = Pane(link, redactor, permit_within_s=float(asked.permit_within_s))
    hosted = HostedAgent(link, pane, reached, work)
    server = tool_server(hosted.use, prompt_text("aspire"), pictures=asked.vision != "text")
    way = ProviderWay(
        asked.listed("hosts"),
        lambda host: _say(link, f"{host} is not its provider: refused"),
    )
    reads = (
        list(asked.listed("installed"))
        if at_large
        else reads_of(asked.argv()[0], asked.listed("installed"))
    )
    if at_large:
        command, env = asked.argv(), {**environment_of([], keys), **_at_large(premises)}
    else:
        command = confined_command(premises, asked.argv(), reads, list(keys))
        env = keys
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(_close, await serve_tools(server, premises.links / "tools.sock"))
        stack.push_async_callback(_close, await way.start(premises.links / "provider.sock"))
        agent, process = await stack.enter_async_context(
            spawn_agent_process(
                cast(Client, hosted.pane), *command, env=env, cwd=premises.work,
                transport_kwargs={"limit": BUFFER},
            )
        )  # fmt: skip
        said = asyncio.ensure_future(_last_words(process.stderr))
        gone = asyncio.ensure_future(process.wait())
        talk = asyncio.ensure_future(hosted.run(agent))
        await asyncio.wait({talk, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not hosted.finished and (not talk.done() or talk.result()):
            await asyncio.wait({gone}, timeout=LAST_WORDS_WITHIN_S)
        if gone.done() and not hosted.finished:
            talk.cancel()
            return f"the agent ended with {gone.result()}: {await said}".rstrip(": ")
        return "" if hosted.finished else await talk


def _at_large(premises: Premises) -> dict[str, str]:
    """Where nothing holds it in, it still gets an empty home and its own work folder."""
    home = premises.folder / "home"
    home.mkdir(exist_ok=True)
    inherited = {k: os.environ[k] for k in ("PATH", "LANG") if k in os.environ}
    proxies = dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"), "")
    return {**inherited, **proxies, "HOME": str(home)}


async def _say(link: Link, text: str) -> None:
    await link.use("say", {"text": text, "role": "error"})


async def _close(server: asyncio.AbstractServer) -> None:
    server.close()


async def _last_words(stderr: asyncio.StreamReader | None) -> str:
    """What it died of, in a line, from its standard error; what it writes is read and not kept.

    Interpreters name the error and then more: where there is such a line, it is that one.
    """
    kept = b""
    while stderr is not None and (piece := await stderr.read(4096)):
        kept = (kept + piece)[-ERRORS_KEPT:]
    lines = [line for line in kept.decode("utf-8", "replace").splitlines() if line.strip()]
    named = [line for line in lines if _ERROR.match(line)]
    return (named or lines or [""])[-1].strip()[:300]
