"""The scripted agent over the real ACP SDK, with our tools over the real MCP SDK.

``python acp_novice.py FOLDER-OF-LIBRARIES PROGRAM.py [WHAT-TO-DO]``. It is run behind the walls, so
it finds its libraries by its first argument and tries what a curious agent would try.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path[:0] = [sys.argv[1], str(Path(__file__).parent)]

import acp  # noqa: E402
from acp.schema import (  # noqa: E402
    AgentPlanUpdate,
    Implementation,
    InitializeResponse,
    NewSessionResponse,
    PermissionOption,
    PlanEntry,
    PromptResponse,
    ToolCallProgress,
    ToolCallStart,
    ToolCallUpdate,
    Usage,
)
from mcp import ClientSession, StdioServerParameters  # noqa: E402
from mcp.client.stdio import stdio_client  # noqa: E402
from novice import work  # noqa: E402

OUTSIDE = ("/etc/shadow", "/root/.ssh", "/dev/ttyS0", "/dev/video0", "/home")


class Novice(acp.Agent):
    """Plans, asks for permission, works through the tools, says what it used."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.said: list[str] = []
        self.cancelled = asyncio.Event()

    def on_connect(self, conn: Any) -> None:
        self.client = conn

    async def initialize(self, protocol_version: int, **_: Any) -> InitializeResponse:
        info = Implementation(name="novice", version="1")
        return InitializeResponse(protocol_version=protocol_version, agent_info=info)

    async def new_session(self, cwd: str, mcp_servers: Any = None, **_: Any) -> NewSessionResponse:
        self.server = mcp_servers[0]
        self.cwd = cwd
        return NewSessionResponse(session_id="s1")

    async def cancel(self, session_id: str, **_: Any) -> None:
        self.cancelled.set()

    async def prompt(self, session_id: str, prompt: Any, **_: Any) -> PromptResponse:
        self.session = session_id
        self.said.append(prompt[0].text)
        if self.mode == "die":
            sys.stderr.write("out of ideas\n")
            sys.stderr.flush()
            os._exit(3)
        if self.mode == "chatter" and len(self.said) == 1:
            await self.say("hm, " * 10)
            await self.cancelled.wait()
            return PromptResponse(stop_reason="cancelled")
        if self.mode == "parrot":
            return await self.parrot()
        if self.mode == "asks" and len(self.said) == 1:
            for title in ("make test", "open a shell"):
                allowed = await self.may(title)
                await self.say(f"{title}: {'given' if allowed else 'denied'}. ")
            return PromptResponse(stop_reason="end_turn")
        await self.client.session_update(
            session_id,
            AgentPlanUpdate(
                session_update="plan",
                entries=[PlanEntry(content="run, read, mend", priority="high", status="pending")],
            ),
        )
        allowed = self.mode != "asks" and await self.look_around()
        async with (
            stdio_client(
                StdioServerParameters(command=self.server.command, args=self.server.args)
            ) as (reading, writing),
            ClientSession(reading, writing) as tools,
        ):
            await tools.initialize()
            if self.mode in ("chatter", "asks"):
                await self.finish_only(tools)
            else:
                scenes = (0,) if self.mode == "short" else (0, 1)
                program = Path(sys.argv[2]).read_text()
                await self.say(await work(self.tool(tools), program, scenes))
        await self.say(f"; permission {'given' if allowed else 'denied'}")
        usage = None
        if self.mode != "silent":
            usage = Usage(total_tokens=1150, input_tokens=1000, output_tokens=50,
                          cached_read_tokens=100)  # fmt: skip
        return PromptResponse(stop_reason="end_turn", usage=usage)

    async def parrot(self) -> PromptResponse:
        """Says every form it finds in its file, wherever something can be said."""
        forms = json.loads(Path(sys.argv[2]).read_text())
        entries = [PlanEntry(content=f, priority="high", status="pending") for f in forms]
        plan = AgentPlanUpdate(session_update="plan", entries=entries)
        await self.client.session_update(self.session, plan)
        for form in forms:
            middle = len(form) // 2
            await self.say(form[:middle])
            await self.say(form[middle:] + " ")
        for n, form in enumerate(forms[:40]):
            start = ToolCallStart(
                session_update="tool_call", tool_call_id=f"o{n}", title=form, kind="execute",
                status="completed",
            )  # fmt: skip
            await self.client.session_update(self.session, start)
            update = ToolCallUpdate(tool_call_id=f"o{n}", title=form, raw_input={"key": form})
            await self.client.request_permission(self.session, update, [])
        parameters = StdioServerParameters(command=self.server.command, args=self.server.args)
        async with stdio_client(parameters) as streams, ClientSession(*streams) as tools:
            await tools.initialize()
            for first in range(0, len(forms), 20):
                some = forms[first : first + 20]
                claim = {"claim": some[0][:400], "difference": some[-1][:400], "if_wrong": "x"}
                program = "\n".join(f"print({form!r})" for form in some)
                await tools.call_tool("open_hypothesis", {**claim, "program": program})
                await tools.call_tool("say", {"text": " and ".join(some)[:4000]})
                await tools.call_tool("primitive", {"name": some[0][:80]})
                await tools.call_tool(some[1][:60], {})
            await tools.call_tool("finish", {"summary": forms[0]})
        sys.stderr.write("\n".join(forms))
        return PromptResponse(stop_reason="end_turn", usage=None)

    async def finish_only(self, tools: ClientSession) -> None:
        heard = " | ".join(self.said[1:])
        await tools.call_tool("finish", {"best": None, "summary": f"I was told: {heard}"})

    def tool(self, tools: ClientSession) -> Any:
        async def use(name: str, args: dict[str, Any]) -> str:
            got = await tools.call_tool(name, args)
            text = "\n".join(c.text for c in got.content if c.type == "text")
            assert not got.is_error, f"{name}: {text}"
            return text

        return use

    async def say(self, text: str) -> None:
        await self.client.session_update(self.session, acp.update_agent_message_text(text))

    async def look_around(self) -> bool:
        """What it can see of the machine, told as a tool call of its own."""
        seen = [p for p in (*OUTSIDE, *sys.argv[4:]) if Path(p).exists()]
        home = [path.name for path in Path.home().iterdir()]
        title = f"looked around, saw: {', '.join(seen) or 'nothing'}; home {home}"
        title += f"; files by the client: {await self.fetch('/etc/passwd')}"
        allowed = await self.may("rm -rf build")
        start = ToolCallStart(
            session_update="tool_call", tool_call_id="own1", title=title, kind="execute"
        )
        await self.client.session_update(self.session, start)
        done = ToolCallProgress(
            session_update="tool_call_update", tool_call_id="own1", status="completed"
        )
        await self.client.session_update(self.session, done)
        return allowed

    async def fetch(self, path: str) -> str:
        """What the client answers when it is asked for a file."""
        try:
            read = await self.client.read_text_file(session_id=self.session, path=path)
        except acp.RequestError as error:
            return str(error)
        return f"read {read}"

    async def may(self, title: str) -> bool:
        """Ask the client whether it may do something of its own."""
        asked = await self.client.request_permission(
            self.session,
            ToolCallUpdate(tool_call_id="own1", title=title, kind="execute"),
            [
                PermissionOption(option_id="y", name="Allow", kind="allow_once"),
                PermissionOption(option_id="n", name="Deny", kind="reject_once"),
            ],
        )
        return getattr(asked.outcome, "option_id", "") == "y"


if __name__ == "__main__":
    mode = sys.argv[3] if len(sys.argv) > 3 else "work"
    asyncio.run(acp.run_agent(Novice(mode), use_unstable_protocol=True))
