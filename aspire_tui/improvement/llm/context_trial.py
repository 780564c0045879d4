"""Whether the index of calls saves tokens: failures repaired with it and with whole traces.

The plain program runs on dev scenes until enough of its trials failed. For every failure two fresh
conversations repair it: one is told the index can be opened, one has every call in its first
message. A failure is repaired when a program of that conversation passes on that very scene.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import msgspec

from aspire_tui.domain import JSON, Tokens
from aspire_tui.environment.task import TaskDef
from aspire_tui.improvement.llm.agent import LlmAgent, whole_trace
from aspire_tui.improvement.llm.asking import Asked, Asking
from aspire_tui.improvement.llm.presets import PRESETS
from aspire_tui.improvement.present import Shown, fence, present
from aspire_tui.improvement.rules.compose import compose

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

    async def run(self) -> None:
        """Collect failures, repair each twice, report."""
        task = msgspec.convert(await self.asking.use("task", {}), TaskDef)
        program = compose(task)
        opened: Any = await self.asking.use(
            "open_hypothesis",
            {
                "claim": "the plain program: one look, one grasp",
                "difference": "first program",
                "if_wrong": "a call of its trace is not OK",
                "program": program,
                "parent": None,
            },
        )
        failed = await self._failed(int(opened["hypothesis"]))
        results = []
        for row in failed:
            for mode in MODES:
                results.append(await self._repair(task, program, row, mode))
        body = msgspec.json.encode(results).decode()
        await self.asking.report("experiment", {"name": REPORT_NAME, "text": body})
        await self.asking.use("finish", {"best": None, "summary": f"{len(failed)} failures"})

    async def _failed(self, hypothesis: int) -> list[dict[str, Any]]:
        """Dev trials that failed and whose trace names a call, at most as many as asked for."""
        failed: list[dict[str, Any]] = []
        for first in range(0, MOST_SCENES, BATCH):
            scenes = list(range(first, first + BATCH))
            rows: Any = await self.asking.use(
                "run", {"hypothesis": hypothesis, "seed_indices": scenes}
            )
            failed += [r for r in rows if r["outcome"] == "FAIL" and r["implicated"]]
            if len(failed) >= self.failures:
                break
        return failed[: self.failures]

    async def _repair(
        self, task: TaskDef, program: str, row: dict[str, Any], mode: Mode
    ) -> Repaired:
        trial, scene = int(row["trial"]), int(row["seed_index"])
        lines = [
            f"Task:\n{present('task', msgspec.to_builtins(task)).text}",
            f"Hypothesis 1 is this program:\n{fence(program, 'a program')}",
            f"It failed:\n{present('run', [row]).text}",
            f"Repair it: open one hypothesis with parent 1, run it on scene {scene} only, "
            "not at the bench, and finish.",
        ]
        if mode == "whole":
            lines.append(await whole_trace(self.asking, trial))
        before = self.asking.spent
        preset = replace(PRESETS["aspire"], turns=TURNS)
        agent = Repairer(self.asking, self.asked, preset, "text", opening="\n\n".join(lines))
        asked_before = self.asking.questions
        await agent.run()
        return Repaired(
            trial=trial,
            scene=scene,
            mode=mode,
            repaired=agent.repaired,
            tokens=self.asking.spent - before,
            questions=self.asking.questions - asked_before,
        )
