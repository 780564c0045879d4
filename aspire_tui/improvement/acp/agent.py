"""A hosted agent: started, given the task and our tools, heard, steered, and ended."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec
from acp import PROTOCOL_VERSION, text_block
from acp.client.connection import ClientSideConnection
from acp.exceptions import RequestError
from acp.schema import ClientCapabilities, Implementation, McpServerStdio, PromptResponse

from aspire_tui.domain import JSON
from aspire_tui.improvement.acp.link import Link
from aspire_tui.improvement.acp.pane import Pane
from aspire_tui.improvement.acp.usage import UNKNOWN
from aspire_tui.improvement.present import present
from aspire_tui.improvement.prompts import prompt_text
from aspire_tui.improvement.tools import ToolRefused
from aspire_tui.improvement.toolset import LAST_WORDS

LOOK_EVERY_S: Final = 0.25
CANCEL_WITHIN_S: Final = 15.0
START_WITHIN_S: Final = 60.0
IDLE_TURNS: Final = 2


@dataclass
class HostedAgent:
    """One conversation with one agent over the protocol."""

    link: Link
    pane: Pane
    tools: McpServerStdio
    """How the agent reaches our tools."""
    work: str
    """Its work folder, as it sees it."""
    finished: bool = False
    exhausted: str = ""
    _unknown_said: bool = False
    _broken_off: bool = field(default=False, init=False)

    async def use(self, tool: str, args: Mapping[str, JSON]) -> JSON:
        """Our tools, as the MCP server hands them on."""
        if self.exhausted and tool not in LAST_WORDS:
            raise ToolRefused(f"{self.exhausted}. Say what you found, then finish.")
        await self.pane.hush()
        answer = await self.link.use(tool, args)
        self.finished = self.finished or tool == "finish"
        return answer

    async def run(self, agent: ClientSideConnection) -> str:
        """Converse until it has finished; why not, when it cannot go on."""
        try:
            session = await asyncio.wait_for(self._open(agent), START_WITHIN_S)
            return await self._converse(agent, session)
        except TimeoutError:
            return "the agent did not answer in time"
        except RequestError as error:
            return f"the agent refused: {error}"
        except (ConnectionError, EOFError) as error:
            return f"the agent is gone: {error}"

    async def _open(self, agent: ClientSideConnection) -> str:
        met = await agent.initialize(
            protocol_version=PROTOCOL_VERSION,
            client_capabilities=ClientCapabilities(),
            client_info=Implementation(name="aspire-tui", version="1"),
        )
        if met.protocol_version != PROTOCOL_VERSION:
            raise RequestError.invalid_params(
                {"protocol": f"it speaks {met.protocol_version}, we speak {PROTOCOL_VERSION}"}
            )
        if met.agent_info is not None:
            who = f"{met.agent_info.name} {met.agent_info.version or ''}".strip()
            await self.link.use("say", {"text": f"{who[:200]} is hosted"})
        opened = await agent.new_session(cwd=self.work, mcp_servers=[self.tools])
        return opened.session_id

    async def _converse(self, agent: ClientSideConnection, session: str) -> str:
        words = await self._opening()
        idle = 0
        while True:
            acted = self.pane.acted
            reason = await self._turn(agent, session, words)
            if self.finished:
                return ""
            if reason == "refusal":
                return "the agent refused to go on"
            if self.exhausted:
                await self._last_words(agent, session)
                return ""
            heard = await self._heard()
            idle = 0 if heard or self.pane.acted > acted else idle + 1
            if idle >= IDLE_TURNS:
                await self._end("the agent stopped using tools without finishing")
                return ""
            words = heard or "Go on with the tools of aspire-tui, or use its tool `finish`."

    async def _opening(self) -> str:
        instructions = f"{prompt_text('hosted')}\n{prompt_text('aspire')}"
        await self.link.report("prompt", {"name": "hosted", "text": instructions})
        task = present("task", await self.link.use("task", {})).text
        return f"{instructions}\nTask:\n{task}"

    async def _turn(self, agent: ClientSideConnection, session: str, words: str) -> str:
        """One prompt to its end; broken off when a person interrupts or the budget is used up."""
        self._broken_off = False
        turn = asyncio.ensure_future(agent.prompt(session_id=session, prompt=[text_block(words)]))
        try:
            while not (await asyncio.wait({turn}, timeout=LOOK_EVERY_S))[0]:
                if self.finished or (not self.link.busy and await self._should_stop()):
                    await self._break_off(agent, session)
                if self._broken_off:
                    await asyncio.wait_for(asyncio.shield(turn), CANCEL_WITHIN_S)
            answer = await turn
        finally:
            turn.cancel()
        await self.pane.hush()
        await self._count(answer)
        return answer.stop_reason

    async def _should_stop(self) -> bool:
        standing = await self.link.report("standing", {})
        if not isinstance(standing, Mapping):
            return False
        self.exhausted = self.exhausted or str(standing["exhausted"])
        return bool(standing["interrupts"] or self.exhausted)

    async def _break_off(self, agent: ClientSideConnection, session: str) -> None:
        if not self._broken_off:
            self._broken_off = True
            await agent.cancel(session_id=session)

    async def _last_words(self, agent: ClientSideConnection, session: str) -> None:
        """It may say what it found; whatever else it tries is refused."""
        words = f"{self.exhausted}. Say what you found (`say`), then use `finish` with the best."
        ask = agent.prompt(session_id=session, prompt=[text_block(words)])
        await self._count(await asyncio.wait_for(ask, 4 * CANCEL_WITHIN_S))
        if not self.finished:
            await self._end(self.exhausted)

    async def _end(self, why: str) -> None:
        await self.link.use("say", {"text": why, "role": "error"})
        await self.link.use("finish", {"best": None, "summary": why})
        self.finished = True

    async def _heard(self) -> str:
        told = await self.link.use("told", {})
        heard = isinstance(told, Mapping) and told.get("messages")
        return present("told", told).text if heard else ""

    async def _count(self, answer: PromptResponse) -> None:
        """Tokens as it reports them; that it does not is said once."""
        spent = self.pane.account.spent(answer.usage)
        if spent is not None:
            fields = {"tokens": msgspec.to_builtins(spent), "model": "as the agent reports"}
            self.exhausted = str(await self.link.report("tokens", fields) or "")
        elif not self.pane.account.reported and not self._unknown_said:
            self._unknown_said = True
            await self.link.use("say", {"text": UNKNOWN, "role": "finding"})
