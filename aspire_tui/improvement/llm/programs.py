"""A model that writes whole programs in turns, as CaP-X does: write, run, look, write again.

One plain query per program, or several at several temperatures (and models) at once and one that
joins them; between two programs a query of its own tells what changed in the pictures. The model
ends with FINISH or at its last turn. All it does goes through the one tool set.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from pydantic_ai.messages import (
    BinaryContent,
    ModelMessage,
    ModelRequest,
    ModelResponse,
    UserPromptPart,
)

from aspire_tui.improvement.llm.agent import Vision, broken_off, describe, heard, opening
from aspire_tui.improvement.llm.asking import Asked, Asking, Interrupted
from aspire_tui.improvement.llm.presets import Preset
from aspire_tui.improvement.present import Shown, fence, present
from aspire_tui.improvement.tools import ToolRefused

FINISH: Final = "FINISH"
JOINING_TEMPERATURE: Final = 0.2
CLAIM: Final = 400
PICTURES_LOOKED_FOR: Final = 12
DEV_SCENES: Final = 12
_FENCED: Final = re.compile(r"```(?:python|py)?[ \t]*\n(.*?)```", re.DOTALL)


class Lesson(msgspec.Struct, frozen=True):
    """What a model makes of a repair that held; checked like any other argument later."""

    name: str
    description: str
    when: str
    why: str
    sketch: str


@dataclass(frozen=True)
class Ran:
    """One program that was run on the first dev scene."""

    hypothesis: int
    program: str
    trial: int
    passed: bool
    implicated: int | None


@dataclass
class ProgramWriter:
    """One model, or several that propose; the first joins, judges pictures and writes lessons."""

    asking: Asking
    asked: Sequence[Asked]
    preset: Preset
    vision: Vision = "native"
    dev_n: int = DEV_SCENES
    _ran: list[Ran] = field(default_factory=list)
    _history: list[ModelMessage] = field(default_factory=list)

    async def run(self) -> None:
        """Write programs until one is good enough for the model, or its turns are used up."""
        instructions = await self.asking.prompt(self.preset.prompt)
        self._history.append(ModelRequest(parts=[UserPromptPart(await opening(self.asking))]))
        for _ in range(self.preset.turns):
            text = await self._uninterrupted(instructions)
            program = program_in(text)
            if program is None or self.asking.exhausted:
                break
            evidence = await self._try(program, text)
            told = await heard(self.asking)
            self._history.append(ModelRequest(parts=[UserPromptPart(evidence), *told]))
            if self.asking.exhausted:
                break
        best = next((r for r in reversed(self._ran) if r.passed), None)
        best = best or (self._ran[-1] if self._ran else None)
        if best is not None and not self.asking.exhausted:
            await self._prove(best)
            if self.preset.learns:
                await self._learn()
        await self._finish(best)

    async def _uninterrupted(self, instructions: str) -> str:
        """The next program; an operator who interrupts is heard, and it is asked for again."""
        while True:
            try:
                return await self._propose(instructions)
            except Interrupted as broken:
                self._history.append(broken_off(broken))
                told = await heard(self.asking) or [UserPromptPart("Go on.")]
                self._history.append(ModelRequest(parts=told))

    async def _propose(self, instructions: str) -> str:
        """The next program, in a text; into the history goes only what was chosen."""
        chief = self.asked[0]
        if self.preset.temperatures:
            proposals = await self._in_parallel(instructions)
            request = [*self._history, ModelRequest(parts=[UserPromptPart(_joined(proposals))])]
            joining = await self.asking.prompt("synthesis")
            answer = await self.asking.ask(
                chief, lambda: request, joining, temperature=JOINING_TEMPERATURE
            )
        else:
            answer = await self.asking.ask(
                chief, lambda: self._history, instructions, interruptible=True
            )
        self._history.append(answer)
        return answer.text or ""

    async def _in_parallel(self, instructions: str) -> list[str]:
        """One proposal per temperature, the models taking turns."""
        asked = [
            (self.asked[i % len(self.asked)], t) for i, t in enumerate(self.preset.temperatures)
        ]
        answers: list[ModelResponse] = await asyncio.gather(
            *(
                self.asking.ask(
                    model, lambda: self._history, instructions, temperature=t, aloud=False
                )
                for model, t in asked
            )
        )
        return [a.text or "" for a in answers]

    async def _try(self, program: str, text: str) -> list[Any]:
        """Run a program on the first dev scene; what the model is told of it."""
        parent = self._ran[-1].hypothesis if self._ran else None
        claim = _before_code(text) or "this program solves the task"
        difference = "the first program" if parent is None else f"written anew after {parent}"
        try:
            opened = await self.asking.use(
                "open_hypothesis",
                {
                    "claim": claim[:CLAIM],
                    "difference": difference,
                    "if_wrong": "the verifier says FAIL on dev scene 0",
                    "program": program,
                    "parent": parent,
                },
            )
        except ToolRefused as refusal:
            return [f"The program was refused: {refusal}"]
        number = opened.get("hypothesis") if isinstance(opened, Mapping) else None
        if not isinstance(number, int):
            return [f"The program was refused: {present('open_hypothesis', opened).text}"]
        try:
            rows: Any = await self.asking.use(
                "run", {"hypothesis": number, "seed_indices": [0], "bench": True}
            )
        except ToolRefused as refusal:
            return [f"The program was not run: {refusal}"]
        row = rows[0]
        ran = Ran(number, program, row["trial"], row["outcome"] == "PASS", row["implicated"])
        self._ran.append(ran)
        index = present("calls", await self.asking.use("calls", {"trial": ran.trial})).text
        told = [f"Result:\n{present('run', rows).text}", f"Its calls:\n{index}"]
        return ["\n".join(told), *await self._looked(ran)]

    async def _looked(self, ran: Ran) -> list[Any]:
        """The scene before and after: as pictures, or as what a query says of the two."""
        if self.vision == "text":
            return []
        before, after = await self._picture(ran.trial, 1), await self._picture(ran.trial, -1)
        if before is None or after is None:
            return []
        if not self.preset.difference and self.vision == "native":
            return ["Before and after:", *_images(before), *_images(after)]
        if not self.preset.difference:
            words = [await describe(self.asking, self.asked[0], p) for p in (before, after)]
            return [f"Before: {words[0]}\nAfter: {words[1]}"]
        question = ModelRequest(
            parts=[UserPromptPart(["Before, then after:", *_images(before), *_images(after)])]
        )
        instructions = await self.asking.prompt("difference")
        answer = await self.asking.ask(self.asked[0], lambda: [question], instructions, aloud=False)
        return [f"What changed, as a query on the pictures says:\n{answer.text}"]

    async def _picture(self, trial: int, step: int) -> Shown | None:
        """The first picture of a trial going forward (1) or back (-1) through its calls."""
        index: Any = await self.asking.use("calls", {"trial": trial})
        for row in index[::step][:PICTURES_LOOKED_FOR]:
            try:
                question = {"trial": trial, "call": row["call"], "overlay": False}
                return present("view", await self.asking.use("view", question))
            except ToolRefused:
                continue
        return None

    async def _prove(self, best: Ran) -> None:
        """The other dev scenes, so that the leaderboard tells more than one trial."""
        scenes = list(range(1, max(2, self.dev_n)))
        try:
            await self.asking.use("run", {"hypothesis": best.hypothesis, "seed_indices": scenes})
        except ToolRefused as refusal:
            await self.asking.say(str(refusal), "error")

    async def _learn(self) -> None:
        """From a failure and the program that passed after it, a skill is offered."""
        pairs = zip(self._ran, self._ran[1:], strict=False)
        repaired = next(
            ((a, b) for a, b in pairs if not a.passed and b.passed and a.implicated), None
        )
        if repaired is None:
            return
        failed, passed = repaired
        call = await self.asking.use("call", {"trial": failed.trial, "call": failed.implicated})
        question = "\n".join(
            [
                f"The call that failed:\n{present('call', call).text}",
                fence(failed.program, "the program that failed"),
                fence(passed.program, "the program that passed"),
            ]
        )
        request = ModelRequest(parts=[UserPromptPart(question)])
        instructions = await self.asking.prompt("lesson")
        answer = await self.asking.ask(self.asked[0], lambda: [request], instructions, aloud=False)
        try:
            lesson = msgspec.json.decode(_json_in(answer.text or ""), type=Lesson)
            await self.asking.use(
                "propose_skill",
                {
                    **msgspec.structs.asdict(lesson),
                    "trial": failed.trial,
                    "call": failed.implicated,
                    "hypothesis": passed.hypothesis,
                },
            )
        except (msgspec.MsgspecError, ToolRefused) as error:
            await self.asking.say(f"no skill was made of it: {error}", "finding")

    async def _finish(self, best: Ran | None) -> None:
        passed = sum(r.passed for r in self._ran)
        summary = f"{len(self._ran)} programs were run on the first dev scene, {passed} passed"
        if self.asking.exhausted:
            summary += f"; {self.asking.exhausted}"
        number = None if best is None else best.hypothesis
        await self.asking.use("finish", {"best": number, "summary": summary})


def program_in(text: str) -> str | None:
    """The last fenced block of an answer; None when it says FINISH or holds no program."""
    found = _FENCED.findall(text)
    return str(found[-1]) if found else None


def _before_code(text: str) -> str:
    return " ".join(text.split("```", 1)[0].split())


def _joined(proposals: Sequence[str]) -> str:
    return "\n\n".join(
        f"Proposal {n}:\n{fence(text, 'a model')}" for n, text in enumerate(proposals, 1)
    )


def _images(shown: Shown) -> list[BinaryContent]:
    return [BinaryContent(data, media_type=media) for media, data in shown.pictures]


def _json_in(text: str) -> str:
    """The outermost JSON object of an answer."""
    return text[text.find("{") : text.rfind("}") + 1]
