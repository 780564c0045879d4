"""A model as the agent: asked, and answered by the tools it uses, until it finishes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pydantic_ai.messages import (
    BinaryContent,
    ModelRequest,
    ModelRequestPart,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)

from aspire_tui.domain import JSON
from aspire_tui.improvement.llm.asking import Asked, Asking, Interrupted
from aspire_tui.improvement.llm.presets import Preset
from aspire_tui.improvement.llm.transcript import LONGEST, Transcript
from aspire_tui.improvement.present import Shown, present
from aspire_tui.improvement.tools import ToolRefused
from aspire_tui.improvement.toolset import TOOLS

Vision = Literal["native", "tool", "text"]
"""Pictures go to the model, or are described by a query of their own, or are not shown."""

LAST_WORDS: Final = ("say", "propose_skill", "finish")
"""What an agent whose budget is used up may still do, once."""
CUT = "Your answer was cut at its length limit: say less, one tool at a time."
WHOLE_TRACE_CALLS: Final = 60


@dataclass
class LlmAgent:
    """One conversation with one model."""

    asking: Asking
    asked: Asked
    preset: Preset
    vision: Vision = "native"
    longest: int = LONGEST
    opening: str = ""
    """What to begin with; empty: the task, the cell and the index of primitives."""
    pictures: Sequence[tuple[str, bytes]] = ()
    """Shown with it, as (media, bytes)."""
    finished: bool = field(default=False, init=False)

    async def run(self) -> None:
        """Work on the task until the model finishes, gives up, or a budget is used up.

        Raises:
            ProviderLost: The model cannot be asked any more.
        """
        instructions = await self.asking.prompt(self.preset.prompt)
        images = [BinaryContent(data, media_type=media) for media, data in self.pictures]
        transcript = Transcript(self.opening or await opening(self.asking), self.longest, images)
        idle = 0
        for _ in range(self.preset.turns):
            response = await self._ask(transcript, instructions)
            if self.asking.exhausted:
                await self._last_words(transcript, response, instructions)
                return
            parts = await self._answer(transcript, response)
            if self.finished:
                return
            if response.finish_reason == "length":
                parts.append(UserPromptPart(CUT))
            idle = 0 if response.tool_calls or parts else idle + 1
            if idle > 1:
                await self.asking.say("the model stopped using tools without finishing", "error")
                return
            parts = parts or [UserPromptPart("Use a tool, or finish.")]
            transcript.add([*parts, *await heard(self.asking)])
        await self.asking.say(f"{self.preset.turns} turns are used up", "error")

    async def _ask(
        self,
        transcript: Transcript,
        instructions: str,
        offered: tuple[str, ...] = (),
    ) -> ModelResponse:
        while True:
            try:
                response = await self.asking.ask(
                    self.asked,
                    lambda: transcript.messages,
                    instructions,
                    offered or self._offered(),
                    shorten=transcript.shorten,
                    interruptible=True,
                )
            except Interrupted as broken:
                transcript.answered(broken_off(broken))
                transcript.add(await heard(self.asking) or [UserPromptPart("Go on.")])
                continue
            transcript.answered(response)
            return response

    def _offered(self) -> tuple[str, ...]:
        return tuple(n for n in TOOLS if n != "view" or self.vision != "text")

    async def _answer(
        self, transcript: Transcript, response: ModelResponse
    ) -> list[ModelRequestPart]:
        """Use the tools the model asked for, in order; what it is told in return."""
        returns: list[ModelRequestPart] = []
        pictures: list[ModelRequestPart] = []
        for call in response.tool_calls:
            shown = await self._one(transcript, call)
            returns.append(
                ToolReturnPart(call.tool_name, shown.text, tool_call_id=call.tool_call_id)
            )
            if shown.pictures:
                images = [BinaryContent(data, media_type=media) for media, data in shown.pictures]
                pictures.append(UserPromptPart([f"Picture of {call.tool_name}:", *images]))
        return [*returns, *pictures]

    async def _one(self, transcript: Transcript, call: ToolCallPart) -> Shown:
        name = call.tool_name
        if name not in TOOLS or name not in self._offered():
            there_are = ", ".join(self._offered())
            return Shown(f"refused: there is no tool {name}; there are: {there_are}")
        try:
            args = call.args_as_dict(raise_if_invalid=True)
        except (ValueError, AssertionError, TypeError) as error:
            return Shown(f"refused: the arguments are no JSON object: {error}")
        if transcript.shown_before(name, args):
            return Shown("You were shown this above; a trace does not change.")
        try:
            answer = await self.asking.use(name, args)
        except ToolRefused as refusal:
            return Shown(f"refused: {refusal}")
        transcript.remember(call, args)
        for trial in _indices_in(name, answer):
            transcript.remember_as(call, "calls", {"trial": trial})
        self.finished = self.finished or name == "finish"
        return await self._seen(name, present(name, answer), answer)

    async def _seen(self, name: str, shown: Shown, answer: JSON) -> Shown:
        """An answer as this agent takes it in: pictures described, traces whole if so asked."""
        if shown.pictures and self.vision == "tool":
            words = await describe(self.asking, self.asked, shown)
            return Shown(f"{shown.text}\n{words}")
        if name == "run" and self.preset.whole_trace and isinstance(answer, list):
            # What stands beside failures otherwise is in the traces.
            rows = [{**row, "calls": (), "called_with": ""} for row in answer]
            failed = [row for row in rows if row["outcome"] != "PASS"]
            traces = [await whole_trace(self.asking, int(row["trial"])) for row in failed]
            return Shown("\n".join([present("run", rows).text, *traces]))
        return shown

    async def _last_words(
        self, transcript: Transcript, response: ModelResponse, instructions: str
    ) -> None:
        """The budget is used up: work is refused, findings may be written, then it ends."""
        why = self.asking.exhausted
        parts: list[ModelRequestPart] = []
        for call in response.tool_calls:
            allowed = call.tool_name in LAST_WORDS
            shown = await self._one(transcript, call) if allowed else Shown(f"refused: {why}")
            parts.append(ToolReturnPart(call.tool_name, shown.text, tool_call_id=call.tool_call_id))
        if self.finished:
            return
        note = f"{why}. Say what you found (say), then finish with the best hypothesis."
        transcript.add([*parts, UserPromptPart(note)])
        last = await self._ask(transcript, instructions, LAST_WORDS)
        for call in last.tool_calls:
            if call.tool_name in LAST_WORDS:
                await self._one(transcript, call)


def _indices_in(tool: str, answer: JSON) -> list[int]:
    """Trials whose whole index of calls an answer shows."""
    if tool != "run" or not isinstance(answer, list):
        return []
    shown = [row for row in answer if row.get("calls")]
    return [int(row["trial"]) for row in shown if row["calls"][0]["call"] == 1]


async def opening(asking: Asking) -> str:
    """The first request: the task and the cell; everything else is asked for.

    A run that is taken up again begins with what it found before.
    """
    task = present("task", await asking.use("task", {})).text
    cell = present("cell", await asking.use("cell", {})).text
    primitives = present("primitives", await asking.use("primitives", {})).text
    text = f"Task:\n{task}\n\nCell:\n{cell}\n\nIndex of primitives:\n{primitives}"
    standings = await asking.use("leaderboard", {})
    if standings:
        earlier = present("leaderboard", standings).text
        text += f"\n\nThis run goes on where it stopped. Hypotheses so far:\n{earlier}"
    return text


async def heard(asking: Asking) -> list[ModelRequestPart]:
    """What the operator wrote meanwhile, without the model having to ask."""
    told = await asking.use("told", {})
    if not isinstance(told, Mapping) or not told.get("messages"):
        return []
    return [UserPromptPart(present("told", dict(told)).text)]


def broken_off(broken: Interrupted) -> ModelResponse:
    """What a model had said when it was interrupted, as it will find it in the conversation."""
    return ModelResponse(parts=[TextPart(f"{broken.said} [broken off by the operator]".strip())])


async def describe(asking: Asking, asked: Asked, shown: Shown) -> str:
    """Pictures in words, by a query that knows nothing of the conversation."""
    instructions = await asking.prompt("describe")
    images = [BinaryContent(data, media_type=media) for media, data in shown.pictures]
    question: list[Any] = [shown.text, *images]
    request = ModelRequest(parts=[UserPromptPart(question)])
    answer = await asking.ask(asked, lambda: [request], instructions, aloud=False)
    return answer.text or "nothing could be said of the picture"


async def whole_trace(asking: Asking, trial: int) -> str:
    """Every call of a trial opened, as a prompt without an index would have it."""
    index = await asking.use("calls", {"trial": trial})
    rows: list[Any] = list(index) if isinstance(index, list) else []
    opened = [
        present("call", await asking.use("call", {"trial": trial, "call": row["call"]})).text
        for row in rows[:WHOLE_TRACE_CALLS]
    ]
    return "\n".join([f"Trace of trial {trial}:", present("calls", index).text, *opened])
