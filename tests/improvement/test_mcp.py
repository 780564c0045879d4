"""An agent from outside over the real MCP SDK, by standard input and by HTTP with a token."""

from __future__ import annotations

import asyncio
import os
import shlex
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from aspire_tui.improvement.mcp.door import LAST_WORDS_WITHIN_S, SUFFIX, TAKEN, Door
from aspire_tui.improvement.mcp.http import QUIET_S, SEATED, Seat
from aspire_tui.improvement.mcp.install import install_http_lines, our_command
from aspire_tui.improvement.mcp.visitor import NO_RUN, Visitor
from aspire_tui.improvement.tools import ToolRefused
from aspire_tui.improvement.toolset import TOOLS
from tests.improvement.desk import Desk

COMMAND = [sys.executable, "-m", "aspire_tui.cli", "mcp"]


class WrittenDesk(Desk):
    """Somebody writes to the agent once."""

    words: tuple[str, ...] = ()

    def use(self, tool: str, args: Any) -> Any:
        if tool == "told":
            words, self.words = self.words, ()
            return {"messages": list(words)}
        if tool == "judge":
            raise ToolRefused("3 trials are used up")
        return super().use(tool, args)

    def say(self, text: str, role: str = "message") -> None:
        self.used.append(("say", {"text": text, "role": role}))


class Run:
    """A run that waits for an agent: the worker's door over a desk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "aspire"
        self.folder.mkdir(mode=0o700)
        self.desk = WrittenDesk({"leaderboard": [], "view": _picture()})
        self.door = Door(self.folder / f"run{SUFFIX}", self.desk)  # type: ignore[arg-type]
        self.serving = threading.Thread(target=self.door.serve, daemon=True)
        self.serving.start()
        self.environment = {**os.environ, "XDG_RUNTIME_DIR": str(folder)}


def _picture() -> dict[str, Any]:
    return {"trial": 1, "call": 1, "camera": "top", "overlay": True, "width": 2, "height": 2,
            "media": "image/jpeg", "data": "AAAA"}  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    yield Run(tmp_path)


@asynccontextmanager
async def client(environment: dict[str, str], *options: str) -> AsyncIterator[ClientSession]:
    parameters = StdioServerParameters(
        command=COMMAND[0], args=[*COMMAND[1:], *options], env=environment
    )
    async with stdio_client(parameters) as streams, ClientSession(*streams) as session:
        await session.initialize()
        yield session


@asynccontextmanager
async def over_http(url: str, token: str) -> AsyncIterator[ClientSession]:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=20.0) as let_in,
        streamable_http_client(url, http_client=let_in) as streams,
        ClientSession(streams[0], streams[1]) as session,
    ):
        await session.initialize()
        yield session


INITIALIZE = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {},
               "clientInfo": {"name": "page", "version": "1"}},
}  # fmt: skip


def text_of(answer: Any) -> str:
    return "\n".join(c.text for c in answer.content if c.type == "text")


async def test_the_same_tools_over_standard_input(run: Run) -> None:
    run.desk.words = ("look at scene 2",)
    async with client(run.environment) as session:
        offered = (await session.list_tools()).tools
        assert {t.name for t in offered} == set(TOOLS)
        assert {t.name: t.input_schema for t in offered}["run"] == TOOLS["run"].schema()
        board = await session.call_tool("leaderboard", {})
        assert "The operator writes: look at scene 2" in text_of(board)
        seen = await session.call_tool("view", {"trial": 1, "call": 1})
        assert [c.type for c in seen.content] == ["text", "image"]
        refused = await session.call_tool("judge", {"hypothesis": 1})
        assert refused.is_error and "3 trials are used up" in text_of(refused)
        wrong = await session.call_tool("run", {"hypothesis": "x"})
        assert wrong.is_error and "hypothesis" in text_of(wrong)
        assert (await session.call_tool("report:tokens", {})).is_error
        await session.call_tool("finish", {"best": None, "summary": "done"})
    run.serving.join(10)
    assert not run.serving.is_alive()
    said = [a["text"] for t, a in run.desk.used if t == "say"]
    assert said[0].startswith("I wait for an agent from outside. claude mcp add aspire-tui -- ")
    assert "mcp" in said[1] and "from outside" in said[1]


async def test_text_only_offers_no_pictures(run: Run) -> None:
    async with client(run.environment, "--text-only") as session:
        assert "view" not in {t.name for t in (await session.list_tools()).tools}
        assert (await session.call_tool("view", {"trial": 1, "call": 1})).is_error


async def test_without_a_run_the_agent_is_told_how_one_is_started(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    async with client(environment) as session:
        assert NO_RUN in text_of(await session.call_tool("task", {}))


async def test_only_one_agent_drives_and_another_may_come_after_it(run: Run) -> None:
    async with client(run.environment) as first:
        assert not (await first.call_tool("leaderboard", {})).is_error
        async with client(run.environment) as second:
            assert TAKEN in text_of(await second.call_tool("leaderboard", {}))
    async with client(run.environment) as third:
        assert not (await third.call_tool("leaderboard", {})).is_error
    assert any("left" in a["text"] for t, a in run.desk.used if t == "say")


async def test_a_used_up_budget_refuses_work_takes_findings_and_waits_no_longer_than_said(
    tmp_path: Path,
) -> None:
    class Spent(WrittenDesk):
        spent = ""

        def report(self, what: str, fields: Any) -> Any:
            return {"exhausted": self.spent} if what == "standing" else ""

    now = [0.0]
    desk = Spent({"leaderboard": []})
    door = Door(tmp_path / f"run{SUFFIX}", desk, lambda: now[0])  # type: ignore[arg-type]
    serving = threading.Thread(target=door.serve, daemon=True)
    serving.start()
    guest = Visitor(lambda: [tmp_path / f"run{SUFFIX}"])
    assert await guest.use("leaderboard", {}) == []
    desk.spent = "3 trials are used up"
    with pytest.raises(ToolRefused, match=r"3 trials are used up\. Say what you found"):
        await guest.use("leaderboard", {})
    await guest.use("say", {"text": "it slips", "role": "finding"})
    assert desk.said("finding") == ["it slips"] and "finish" not in desk.names()
    now[0] = LAST_WORDS_WITHIN_S
    await asyncio.to_thread(serving.join, 20)
    assert not serving.is_alive()
    assert desk.used[-1] == ("finish", {"best": None, "summary": "3 trials are used up"})


async def test_over_http_with_the_token_from_here_and_one_at_a_time(run: Run) -> None:
    serving = subprocess.Popen(
        [*COMMAND, "--http"], env=run.environment, stderr=subprocess.PIPE, text=True
    )
    try:
        assert serving.stderr is not None
        url = serving.stderr.readline().removeprefix("serving ").strip()
        claude, codex = serving.stderr.readline(), serving.stderr.readline()
        token = claude.rsplit("Bearer ", 1)[1].strip().strip('"')
        assert url.startswith("http://127.0.0.1:") and url in claude and url in codex
        async with httpx2.AsyncClient(timeout=20.0) as plain:
            for given in ("", "Bearer wrong", f"Bearer {token}x", token, f"Bearer {token[:-1]}"):
                asked = await plain.post(url, json={}, headers={"Authorization": given})
                assert asked.status_code == 401, given
            rebound = (("Host", "evil.example:80", 421), ("Origin", "http://evil.example", 403))
            for name, foreign, refused in rebound:
                headers = {"Authorization": f"Bearer {token}", name: foreign}
                for method in ("POST", "GET", "DELETE"):
                    asked = await plain.request(method, url, json=INITIALIZE, headers=headers)
                    assert asked.status_code == refused, (name, method)
        async with over_http(url, token) as first, over_http(url, token) as second:
            assert {t.name for t in (await first.list_tools()).tools} == set(TOOLS)
            assert not (await first.call_tool("leaderboard", {})).is_error
            assert SEATED in text_of(await second.call_tool("leaderboard", {}))
            assert not (await first.call_tool("leaderboard", {})).is_error
        async with over_http(url, token) as third:
            assert not (await third.call_tool("leaderboard", {})).is_error
        port = int(url.split(":")[2].split("/")[0])
        with socket.socket() as elsewhere, pytest.raises(OSError):
            elsewhere.connect(("127.0.0.2", port))
    finally:
        serving.kill()
        serving.wait()


def test_a_driver_over_http_that_is_quiet_for_long_gives_way_but_not_in_the_middle() -> None:
    now, drives = [0.0], list[str]()
    seat = Seat(drives.append, lambda: now[0])
    assert seat.why_not("s1", "one") == ""
    now[0] = 10 * QUIET_S  # a tool that runs trials takes its time
    assert seat.why_not("s2", "two") == SEATED
    seat.done()
    assert seat.why_not("s2", "two") == SEATED
    seat.leave("s2")  # who does not drive cannot free the seat
    assert seat.why_not("s3", "") == SEATED
    now[0] += QUIET_S
    assert seat.why_not("s2", "two") == "" and seat.why_not("s1", "one") == SEATED
    seat.done()
    seat.leave("s2")
    assert seat.why_not("s1", "one") == "" and drives == ["one", "two", "", "one"]


def test_the_install_lines_are_what_the_products_document() -> None:
    """``claude mcp add [options] NAME -- COMMAND`` and ``codex mcp add NAME -- COMMAND``; over HTTP
    Claude Code's ``--header`` takes several values, so it comes last; Codex reads its variable
    when it starts."""
    done = subprocess.run([*COMMAND, "--install"], capture_output=True, text=True, timeout=60)
    ours = our_command()
    claude, codex = (shlex.split(line) for line in done.stdout.splitlines())
    assert claude == ["claude", "mcp", "add", "aspire-tui", "--", *ours]
    assert codex == ["codex", "mcp", "add", "aspire-tui", "--", *ours]
    assert Path(ours[0]).is_absolute() and ours[-1] == "mcp"
    claude, codex = (shlex.split(line) for line in install_http_lines("http://h:1/mcp", "t0k"))
    add = ["claude", "mcp", "add", "--transport", "http", "aspire-tui", "http://h:1/mcp"]
    assert claude == [*add, "--header", "Authorization: Bearer t0k"]
    assert codex[:2] == ["export", "ASPIRE_TUI_TOKEN=t0k;"]
    add = ["codex", "mcp", "add", "aspire-tui", "--url", "http://h:1/mcp"]
    assert codex[2:] == [*add, "--bearer-token-env-var", "ASPIRE_TUI_TOKEN"]
