"""One question to a model: streamed to the operator, counted, asked again when that may help."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec
from pydantic_ai.direct import model_request_stream
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
)
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.tools import ToolDefinition

from aspire_tui.domain import JSON, Tokens
from aspire_tui.improvement.llm.provider import ANSWER_WITHIN_S, ModelChoice, settings_for
from aspire_tui.improvement.llm.tokens import UNPRICED, tokens_of
from aspire_tui.improvement.llm.trouble import BrokenStream, judge
from aspire_tui.improvement.prompts import prompt_text
from aspire_tui.improvement.remote import RemoteTools
from aspire_tui.improvement.toolset import TOOLS
from aspire_tui.session.redaction import HeldTail, Redactor

CHUNK_EVERY_S: Final = 0.1
LOOK_EVERY_S: Final = 0.25
"""How often an answer that is coming in is interrupted, at most."""
UNCOUNTED: Final = "broken off before the provider told its tokens: they are unknown, not zero"


class ProviderLost(Exception):
    """The model cannot be asked any more; one line says why. The run can be resumed."""


class Interrupted(Exception):
    """The operator wrote that the model should break off. ``said`` is its text until then."""

    def __init__(self, said: str) -> None:
        super().__init__("interrupted by the operator")
        self.said = said


@dataclass(frozen=True)
class Asked:
    """A model ready to be asked, and what it was chosen by."""

    choice: ModelChoice
    model: Model


@dataclass
class Asking:
    """What every way of using a model shares. ``tools`` blocks, so it is used from a thread."""

    tools: RemoteTools
    redactor: Redactor = field(default_factory=Redactor)
    within_s: float = ANSWER_WITHIN_S
    """From the question to the end of the answer, however slowly it drips."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random
    exhausted: str = ""
    """Which budget is used up, as the engine last said."""
    spent: Tokens = field(default_factory=Tokens)
    questions: int = 0
    _link: asyncio.Lock = field(default_factory=asyncio.Lock)
    _texts: int = 0
    _unpriced: set[str] = field(default_factory=set)
    _prompts: set[str] = field(default_factory=set)
    _so_far: ModelResponse | None = field(default=None, init=False)
    """What came of the answer that can be interrupted."""

    async def prompt(self, name: str) -> str:
        """A prompt by name; which text that was goes into the session."""
        text = prompt_text(name)
        if name not in self._prompts:
            self._prompts.add(name)
            await self.report("prompt", {"name": name, "text": text})
        return text

    async def ask(
        self,
        asked: Asked,
        messages: Callable[[], Sequence[ModelMessage]],
        instructions: str,
        offered: Sequence[str] = (),
        *,
        temperature: float | None = None,
        shorten: Callable[[], bool] = lambda: False,
        aloud: bool = True,
        interruptible: bool = False,
    ) -> ModelResponse:
        """One answer.

        Args:
            messages: Asked for anew at every try, since ``shorten`` may have changed them.
            offered: Names of the tools the model may use.
            shorten: Makes the conversation shorter; False when that cannot be done.
            aloud: Whether the text is streamed to the operator.
            interruptible: Whether an interrupting message of the operator breaks it off.

        Raises:
            ProviderLost: Trying again does not help.
            Interrupted: It was broken off; the request to the provider is cancelled.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                coming = self._stream(asked, messages(), instructions, offered, temperature, aloud)
                response = await (self._unless_interrupted(coming) if interruptible else coming)
            except Interrupted:
                raise
            except Exception as error:
                trouble = judge(error, attempt, self.jitter())
                if trouble.remedy == "stop":
                    raise ProviderLost(trouble.text) from error
                if trouble.remedy == "compact" and not shorten():
                    raise ProviderLost(f"{trouble.text}, and cannot be shortened") from error
                await self.say(trouble.text, "error")
                await self.sleep(trouble.wait_s)
                continue
            if response.finish_reason == "content_filter":
                raise ProviderLost(f"{asked.choice}: the model refused to answer")
            return response

    async def _unless_interrupted(
        self, coming: Coroutine[Any, Any, ModelResponse]
    ) -> ModelResponse:
        """The answer, unless the operator interrupts first: then its request is cancelled."""
        self._so_far = None
        answer = asyncio.ensure_future(coming)
        look = asyncio.ensure_future(self._interruption())
        try:
            await asyncio.wait({answer, look}, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return answer.result()
            answer.cancel()
            await asyncio.wait({answer})
        finally:
            look.cancel()
            answer.cancel()
        if self._so_far is None or not self._so_far.usage.has_values():
            await self.say(UNCOUNTED, "finding")
        raise Interrupted((self._so_far.text or "") if self._so_far is not None else "")

    async def _interruption(self) -> None:
        """Returns when the operator wants the model to break off."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            standing = await self.report("standing", {})
            if isinstance(standing, Mapping) and standing["interrupts"]:
                return

    async def _stream(
        self,
        asked: Asked,
        messages: Sequence[ModelMessage],
        instructions: str,
        offered: Sequence[str],
        temperature: float | None,
        aloud: bool,
    ) -> ModelResponse:
        """Ask once. What a broken answer has cost is counted as well."""
        settings: Any = settings_for(asked.choice, temperature, self.within_s)
        speech = Speech(self) if aloud else None
        response: ModelResponse | None = None
        try:
            async with (
                asyncio.timeout(self.within_s),
                model_request_stream(
                    asked.model,
                    [_instructed(m, instructions) for m in messages],
                    model_settings=settings,
                    model_request_parameters=_offer(offered),
                ) as stream,
            ):
                try:
                    async for event in stream:
                        if speech is not None:
                            await speech.more(_text_of(event))
                finally:
                    response = self._so_far = stream.get()
            if _is_cut_off(response):
                raise BrokenStream("the stream ended in the middle of an answer")
            return response
        finally:
            if speech is not None:
                await speech.done()
            if response is not None:
                await self._count(response)

    async def _count(self, response: ModelResponse) -> None:
        """Report the tokens of an answer; the engine says which budget is used up by it."""
        tokens, priced = tokens_of(response)
        self.spent, self.questions = self.spent + tokens, self.questions + 1
        name = response.model_name or ""
        if not priced and name not in self._unpriced:
            self._unpriced.add(name)
            await self.say(f"{name}: {UNPRICED}", "finding")
        fields = {"tokens": msgspec.to_builtins(tokens), "model": name}
        self.exhausted = str(await self.report("tokens", fields) or "")

    async def use(self, tool: str, args: Mapping[str, JSON]) -> JSON:
        async with self._link:
            return await asyncio.to_thread(self.tools.use, tool, args)

    async def report(self, what: str, fields: Mapping[str, JSON]) -> JSON:
        async with self._link:
            return await asyncio.to_thread(self.tools.report, what, fields)

    async def say(self, text: str, role: str = "message") -> None:
        await self.use("say", {"text": text[:4000], "role": role})

    def next_text(self) -> int:
        """A number for the next text that is streamed."""
        self._texts += 1
        return self._texts


@dataclass
class Speech:
    """One streamed text: gathered, cleared of keys across its pieces, passed on in chunks."""

    asking: Asking
    _gathered: str = ""
    _last_s: float = float("-inf")
    _number: int = 0

    def __post_init__(self) -> None:
        self._held = HeldTail(self.asking.redactor)

    async def more(self, text: str) -> None:
        self._gathered += self._held.feed(text) if text else ""
        now = self.asking.clock()
        if self._gathered and now - self._last_s >= CHUNK_EVERY_S:
            self._last_s = now
            await self._send(done=False)

    async def done(self) -> None:
        self._gathered += self._held.end()
        if self._gathered or self._number:
            await self._send(done=True)

    async def _send(self, *, done: bool) -> None:
        if not self._number:
            self._number = self.asking.next_text()
        text, self._gathered = self._gathered, ""
        fields = {"text": text, "stream": self._number, "done": done}
        await self.asking.report("speech", fields)


def _text_of(event: object) -> str:
    """The text an event adds; of what a model thinks and of tool calls nothing is passed on."""
    if isinstance(event, PartStartEvent) and isinstance(event.part, TextPart):
        return event.part.content
    if isinstance(event, PartDeltaEvent) and isinstance(event.delta, TextPartDelta):
        return event.delta.content_delta
    return ""


def _is_cut_off(response: ModelResponse) -> bool:
    """Whether the provider never said that the answer ends here."""
    told = (response.provider_details or {}).get("finish_reason")
    return response.finish_reason is None or told is None


def _offer(names: Sequence[str]) -> ModelRequestParameters:
    return ModelRequestParameters(
        function_tools=[
            ToolDefinition(
                name=n, description=TOOLS[n].what, parameters_json_schema=TOOLS[n].schema()
            )
            for n in names
        ]
    )


def _instructed(message: ModelMessage, instructions: str) -> ModelMessage:
    if not isinstance(message, ModelRequest):
        return message
    return replace(message, instructions=instructions)
