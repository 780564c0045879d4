"""Whether the index of calls saves tokens: failures repaired with it and with whole traces.

Programs run on dev scenes until enough of their trials failed: the plain one, or those that were
given. For every failure two fresh conversations repair it: one is told the index of calls and opens
what it needs, one has every call of every failed trial in the conversation, its pictures included
where the model takes them. A failure is repaired when a program of that conversation passes on that
very scene.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import msgspec

from aspire_tui.domain import JSON, Tokens
from aspire_tui.environment.task import TaskDef
from aspire_tui.improvement.llm.agent import LlmAgent, Vision, whole_trace
from aspire_tui.improvement.llm.asking import Asked, Asking
from aspire_tui.improvement.llm.presets import PRESETS
from aspire_tui.improvement.present import Shown, fence, present
from aspire_tui.improvement.rules.compose import compose
from aspire_tui.improvement.tools import ToolRefused

Mode = Literal["index", "whole"]
MODES: Final[tuple[Mode, ...]] = ("index", "whole")
BATCH: Final = 10
MOST_SCENES: Final = 1000
TURNS: Final = 20
REPORT_NAME: Final = "context"


class Repaired(msgspec.Struct, frozen=True):
    """One failure in one conversation: what it cost and whether it was repaired."""

    trial: int
    scene: int
    mode: Mode
    repaired: bool
    tokens: Tokens
    questions: int
    hypothesis: int = 1
    """Whose failure it is."""


@dataclass(frozen=True)
class Failed:
    """A trial to be repaired, with the program that it ran."""

    hypothesis: int
    program: str
    row: dict[str, Any]


@dataclass
class Repairer(LlmAgent):
    """A conversation about one failure; notes whether a program passed on its scene."""

    repaired: bool = field(default=False, init=False)

    async def _seen(self, name: str, shown: Shown, answer: JSON) -> Shown:
        if name == "run" and isinstance(answer, list):
            self.repaired = self.repaired or any(row["outcome"] == "PASS" for row in answer)
        return await super()._seen(name, shown, answer)


@dataclass
class ContextTrial:
    """The experiment; what it found is attached to the session, failure by failure."""

    asking: Asking
    asked: Asked
    failures: int
    programs: Sequence[str] = ()
    """Whose failures are repaired; none: the plain program's."""
    vision: Vision = "text"

    async def run(self) -> None:
        """Collect failures, repair each twice, report."""
        task = msgspec.convert(await self.asking.use("task", {}), TaskDef)
        texts = self.programs or (compose(task),)
        failed: list[Failed] = []
        for done, text in enumerate(texts):
            wanted = (self.failures - len(failed)) // (len(texts) - done)
            failed += await self._failed(text, wanted)
        results = []
        for failure in failed:
            for mode in MODES:
                results.append(await self._repair(task, failure, mode))
        body = msgspec.json.encode(results).decode()
        await self.asking.report("experiment", {"name": REPORT_NAME, "text": body})
        await self.asking.use("finish", {"best": None, "summary": f"{len(failed)} failures"})

    async def _failed(self, program: str, wanted: int) -> list[Failed]:
        """Dev trials that failed and whose trace names a call, at most as many as wanted."""
        opened: Any = await self.asking.use(
            "open_hypothesis",
            {
                "claim": "this program does the task",
                "difference": "its failures are to be repaired",
                "if_wrong": "a call of its trace is not OK",
                "program": program,
            },
        )
        number = opened["hypothesis"]
        if number is None:
            await self.asking.say(f"not run: {'; '.join(opened['findings'])}", "error")
            return []
        failed: list[Failed] = []
        for first in range(0, MOST_SCENES, BATCH):
            scenes = list(range(first, first + BATCH))
            rows: Any = await self.asking.use("run", {"hypothesis": number, "seed_indices": scenes})
            failed += [
                Failed(number, program, r)
                for r in rows
                if r["outcome"] == "FAIL" and r["implicated"]
            ]
            if len(failed) >= wanted:
                break
        return failed[:wanted]

    async def _repair(self, task: TaskDef, failure: Failed, mode: Mode) -> Repaired:
        trial, scene = int(failure.row["trial"]), int(failure.row["seed_index"])
        calls: Any = await self.asking.use("calls", {"trial": trial})
        row = {**failure.row, "calls": (), "called_with": ""}
        if mode == "index":
            where = {"trial": trial, "call": row["implicated"]}
            detail: Any = await self.asking.use("call", where)
            row |= {"calls": calls, "called_with": msgspec.json.encode(detail["args"]).decode()}
        lines = [
            f"Task:\n{present('task', msgspec.to_builtins(task)).text}",
            f"Hypothesis {failure.hypothesis} is this program:\n"
            f"{fence(failure.program, 'a program')}",
            f"It failed:\n{present('run', [row]).text}",
            f"Repair it: open a hypothesis with parent {failure.hypothesis}, run it on scene "
            f"{scene} only, not at the bench, and finish when it passes.",
        ]
        pictures: list[tuple[str, bytes]] = []
        if mode == "whole":
            lines.append(await whole_trace(self.asking, trial))
            if self.vision == "native":
                pictures = await self._pictures(trial, [int(c["call"]) for c in calls])
        before, asked_before = self.asking.spent, self.asking.questions
        preset = replace(PRESETS["aspire" if mode == "index" else "whole-trace"], turns=TURNS)
        agent = Repairer(
            self.asking,
            self.asked,
            preset,
            self.vision,
            opening="\n\n".join(lines),
            pictures=pictures,
        )
        await agent.run()
        return Repaired(
            trial=trial,
            scene=scene,
            mode=mode,
            repaired=agent.repaired,
            tokens=self.asking.spent - before,
            questions=self.asking.questions - asked_before,
            hypothesis=failure.hypothesis,
        )

    async def _pictures(self, trial: int, calls: list[int]) -> list[tuple[str, bytes]]:
        """What every call of a trial saw."""
        found: list[tuple[str, bytes]] = []
        for call in calls:
            try:
                seen = await self.asking.use("view", {"trial": trial, "call": call})
            except ToolRefused:
                continue  # a call that used no picture
            found += present("view", seen).pictures
        return found
