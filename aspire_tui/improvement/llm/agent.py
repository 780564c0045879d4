"""A model as the agent: asked, and answered by the tools it uses, until it finishes."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec
from pydantic_ai.direct import model_request_stream
from pydantic_ai.messages import (
    BinaryContent,
    ModelRequestPart,
    ModelResponse,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.tools import ToolDefinition

from aspire_tui.domain import JSON
from aspire_tui.improvement.llm.provider import ModelChoice, settings_for
from aspire_tui.improvement.llm.tokens import UNPRICED, tokens_of
from aspire_tui.improvement.llm.transcript import Transcript
from aspire_tui.improvement.llm.trouble import judge
from aspire_tui.improvement.present import present
from aspire_tui.improvement.prompts import prompt_text
from aspire_tui.improvement.remote import RemoteTools
from aspire_tui.improvement.tools import ToolRefused
from aspire_tui.improvement.toolset import TOOLS

Vision = Literal["native", "tool", "text"]

CHUNK_EVERY_S: Final = 0.1
MOST_TURNS: Final = 200
LAST_WORDS: Final = ("say", "propose_skill", "finish")
"""What an agent whose budget is used up may still do, once."""


@dataclass(frozen=True)
class LlmOptions:
    """How a model is asked. ``preset`` names a prompt of :mod:`aspire_tui.improvement.prompts`."""

    choice: ModelChoice
    preset: str = "aspire"
    vision: Vision = "native"
    longest: int = 120_000
    turns: int = MOST_TURNS


class AgentStopped(Exception):
    """The model cannot go on; one line says why."""


@dataclass
class LlmAgent:
    """One conversation with one model. ``tools`` blocks, so it is used from a thread."""

    tools: RemoteTools
    model: Model
    options: LlmOptions
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random
    _link: asyncio.Lock = field(default_factory=asyncio.Lock)
    _finished: bool = False
    _texts: int = 0
    _unpriced_said: bool = False

    async def run(self) -> None:
        """Work on the task; always ends with ``finish``, unless the engine is gone."""
        try:
            await self._converse()
        except AgentStopped as stopped:
            await self._say(str(stopped), "error")
        if not self._finished:
            await self._use("finish", {"best": None, "summary": "ended without a summary"})

    async def _converse(self) -> None:
        instructions = prompt_text(self.options.preset)
        await self._report("prompt", {"name": self.options.preset, "text": instructions})
        transcript = Transcript(await self._opening(), self.options.longest)
        nudged = False
        for _ in range(self.options.turns):
            response, exhausted = await self._ask(transcript, instructions, self._offered())
            if exhausted:
                await self._last_words(transcript, response, instructions, exhausted)
                return
            parts = await self._answer(transcript, response)
            if self._finished:
                return
            if not parts:
                if nudged:
                    raise AgentStopped("the model stopped using tools without finishing")
                parts = [UserPromptPart("Use a tool, or finish.")]
            nudged = not response.tool_calls
            transcript.add([*parts, *await self._heard()])
        raise AgentStopped(f"{self.options.turns} turns are used up")

    async def _opening(self) -> str:
        """The first request: the task and the cell; everything else is asked for."""
        task = present("task", await self._use("task", {})).text
        cell = present("cell", await self._use("cell", {})).text
        primitives = present("primitives", await self._use("primitives", {})).text
        return f"Task:\n{task}\n\nCell:\n{cell}\n\nIndex of primitives:\n{primitives}"

    def _offered(self) -> list[str]:
        return [n for n in TOOLS if n != "view" or self.options.vision != "text"]

    async def _ask(
        self, transcript: Transcript, instructions: str, offered: Sequence[str]
    ) -> tuple[ModelResponse, str]:
        """One answer of the model, and which budget it used up, if any."""
        attempt = 0
        while True:
            attempt += 1
            try:
                response = await self._stream(transcript, instructions, offered)
            except Exception as error:
                trouble = judge(error, attempt, self.jitter())
                if trouble.remedy == "stop":
                    raise AgentStopped(trouble.text) from error
                await self._say(trouble.text, "error")
                if trouble.remedy == "compact":
                    before = transcript.size()
                    transcript.fold()
                    if transcript.size() >= before:
                        raise AgentStopped(f"{trouble.text}, and cannot be shortened") from error
                await self.sleep(trouble.wait_s)
                continue
            transcript.answered(response)
            if response.finish_reason == "content_filter":
                raise AgentStopped("the model refused to answer")
            return response, await self._count(response)

    async def _stream(
        self, transcript: Transcript, instructions: str, offered: Sequence[str]
    ) -> ModelResponse:
        """Ask once; text is passed on while it comes, at most ten times a second."""
        parameters = ModelRequestParameters(
            function_tools=[
                ToolDefinition(
                    name=n, description=TOOLS[n].what, parameters_json_schema=TOOLS[n].schema()
                )
                for n in offered
            ]
        )
        settings: Any = settings_for(self.options.choice)
        speech = Speech(self)
        asked = with_instructions(transcript, instructions)
        async with model_request_stream(
            self.model, asked, model_settings=settings, model_request_parameters=parameters
        ) as stream:
            async for event in stream:
                if isinstance(event, PartStartEvent) and isinstance(event.part, TextPart):
                    await speech.more(event.part.content)
                elif isinstance(event, PartDeltaEvent) and isinstance(event.delta, TextPartDelta):
                    await speech.more(event.delta.content_delta)
            await speech.done()
            return stream.get()

    async def _answer(
        self, transcript: Transcript, response: ModelResponse
    ) -> list[ModelRequestPart]:
        """Use the tools the model asked for, in order; what it is told in return."""
        returns: list[ModelRequestPart] = []
        pictures: list[ModelRequestPart] = []
        for call in response.tool_calls:
            text, shown = await self._one(transcript, call)
            returns.append(ToolReturnPart(call.tool_name, text, tool_call_id=call.tool_call_id))
            if shown:
                images = [BinaryContent(data, media_type=media) for media, data in shown]
                pictures.append(UserPromptPart([f"Picture of {call.tool_name}:", *images]))
        return [*returns, *pictures]

    async def _one(
        self, transcript: Transcript, call: ToolCallPart
    ) -> tuple[str, tuple[tuple[str, bytes], ...]]:
        if call.tool_name not in TOOLS:
            return f"refused: there is no tool {call.tool_name}; there are: {', '.join(TOOLS)}", ()
        try:
            args = call.args_as_dict(raise_if_invalid=True)
        except (ValueError, AssertionError, TypeError) as error:
            return f"refused: the arguments are no JSON object: {error}", ()
        if transcript.shown_before(call) is not None:
            return "You were shown this above; a trace does not change.", ()
        try:
            answer = await self._use(call.tool_name, args)
        except ToolRefused as refusal:
            return f"refused: {refusal}", ()
        transcript.remember(call)
        self._finished = self._finished or call.tool_name == "finish"
        shown = present(call.tool_name, answer)
        return shown.text, shown.pictures

    async def _heard(self) -> list[ModelRequestPart]:
        """What the operator wrote meanwhile, without the model having to ask."""
        told = await self._use("told", {})
        if not isinstance(told, Mapping) or not told.get("messages"):
            return []
        return [UserPromptPart(present("told", dict(told)).text)]

    async def _last_words(
        self, transcript: Transcript, response: ModelResponse, instructions: str, exhausted: str
    ) -> None:
        """The budget is used up: tools are refused, findings may be written, then it ends."""
        refused: list[ModelRequestPart] = [
            ToolReturnPart(c.tool_name, f"refused: {exhausted}", tool_call_id=c.tool_call_id)
            for c in response.tool_calls
        ]
        note = f"{exhausted}. Say what you found (say), then finish with the best hypothesis."
        transcript.add([*refused, UserPromptPart(note)])
        last, _ = await self._ask(transcript, instructions, LAST_WORDS)
        for call in last.tool_calls:
            if call.tool_name in LAST_WORDS:
                await self._one(transcript, call)

    async def _count(self, response: ModelResponse) -> str:
        """Report the tokens of an answer; says which budget is used up."""
        tokens, priced = tokens_of(response)
        if not priced and not self._unpriced_said:
            self._unpriced_said = True
            await self._say(f"{response.model_name}: {UNPRICED}", "finding")
        fields = {"tokens": msgspec.to_builtins(tokens), "model": response.model_name or ""}
        return str(await self._report("tokens", fields) or "")

    async def _use(self, tool: str, args: Mapping[str, JSON]) -> JSON:
        async with self._link:
            return await asyncio.to_thread(self.tools.use, tool, args)

    async def _report(self, what: str, fields: Mapping[str, JSON]) -> JSON:
        async with self._link:
            return await asyncio.to_thread(self.tools.report, what, fields)

    async def _say(self, text: str, role: str) -> None:
        await self._use("say", {"text": text[:4000], "role": role})

    async def speak(self, text: str, stream: int, *, done: bool) -> None:
        """Pass on a piece of what the model is saying."""
        await self._report("speech", {"text": text, "stream": stream, "done": done})

    def next_text(self) -> int:
        """A number for the next text that is streamed."""
        self._texts += 1
        return self._texts


@dataclass
class Speech:
    """One streamed text: gathered and passed on in chunks."""

    agent: LlmAgent
    _gathered: str = ""
    _last_s: float = float("-inf")
    _stream: int = 0

    async def more(self, text: str) -> None:
        self._gathered += text
        now = self.agent.clock()
        if self._gathered and now - self._last_s >= CHUNK_EVERY_S:
            self._last_s = now
            await self._send(done=False)

    async def done(self) -> None:
        if self._gathered or self._stream:
            await self._send(done=True)

    async def _send(self, *, done: bool) -> None:
        if not self._stream:
            self._stream = self.agent.next_text()
        text, self._gathered = self._gathered, ""
        await self.agent.speak(text, self._stream, done=done)


def with_instructions(transcript: Transcript, instructions: str) -> list[Any]:
    """The messages with the standing instructions on the newest request, as providers want them."""
    from dataclasses import replace

    from pydantic_ai.messages import ModelRequest

    return [
        replace(m, instructions=instructions) if isinstance(m, ModelRequest) else m
        for m in transcript.messages
    ]
