"""Whether the index of calls saves tokens: failures repaired with it and with whole traces.

Programs run on dev scenes until enough of their trials failed: the plain one, or those that were
given. For every failure two fresh conversations repair it: one is told the index of calls and opens
what it needs, one has every call of every failed trial in the conversation, its pictures included
where the model takes them. A failure is repaired when a program of that conversation passes on that
very scene.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
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
BATCH: Final = 4
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
    """Whose failure it is: programs are numbered as they were given."""


class SoFar(msgspec.Struct, frozen=True):
    """How far the experiment is."""

    results: tuple[Repaired, ...] = ()
    next_scene: tuple[int, ...] = ()
    """For each program the dev scene it runs next."""
    complete: bool = False


@dataclass(frozen=True)
class Failing:
    """A program whose failures are repaired."""

    hypothesis: int
    program: str


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
    """The experiment; what it found is attached to the session after every failure."""

    asking: Asking
    asked: Asked
    failures: int
    programs: Sequence[str] = ()
    """Whose failures are repaired; none: the plain program's."""
    vision: Vision = "text"
    so_far: SoFar = field(default_factory=SoFar)
    """What an earlier session of the same experiment came to."""
    for_s: float = float("inf")
    """No failure is begun after so long; what is there is enough to go on from."""
    clock: Callable[[], float] = time.monotonic
    _results: list[Repaired] = field(default_factory=list, init=False)
    _next_scene: list[int] = field(default_factory=list, init=False)

    async def run(self) -> None:
        """Collect failures a few scenes at a time, repair each both ways, report."""
        self._until_s = self.clock() + self.for_s
        task = msgspec.convert(await self.asking.use("task", {}), TaskDef)
        texts = self.programs or (compose(task),)
        opened = [(await self._open(text), text) for text in texts]
        self._results = list(self.so_far.results)
        self._next_scene = list(self.so_far.next_scene) or [0] * len(texts)
        complete = True
        for at, (number, text) in enumerate(opened):
            wanted = self.failures * (at + 1) // len(texts) - self.failures * at // len(texts)
            while number is not None and self._of(number) < wanted:
                if self._next_scene[at] >= MOST_SCENES:
                    break
                if self._stops():
                    complete = False
                    break
                await self._some_scenes(task, at, Failing(number, text), wanted)
        await self._report(complete=complete)
        done = len(self._results) // len(MODES)
        await self.asking.use("finish", {"best": None, "summary": f"{done} failures"})

    def _stops(self) -> bool:
        return bool(self.asking.exhausted) or self.clock() >= self._until_s

    def _of(self, program: int) -> int:
        """How many failures of a program were repaired both ways."""
        return sum(r.hypothesis == program for r in self._results) // len(MODES)

    async def _report(self, *, complete: bool = False) -> None:
        found = SoFar(tuple(self._results), tuple(self._next_scene), complete)
        fields = {"name": REPORT_NAME, "text": msgspec.json.encode(found).decode()}
        await self.asking.report("experiment", fields)

    async def _open(self, program: str) -> int | None:
        opened: Any = await self.asking.use(
            "open_hypothesis",
            {
                "claim": "this program does the task",
                "difference": "its failures are to be repaired",
                "if_wrong": "a call of its trace is not OK",
                "program": program,
            },
        )
        number: int | None = opened["hypothesis"]
        if number is None:
            await self.asking.say(f"not run: {'; '.join(opened['findings'])}", "error")
        return number

    async def _some_scenes(self, task: TaskDef, at: int, failing: Failing, wanted: int) -> None:
        """Run the next dev scenes; repair those that failed and whose trace names a call."""
        first = self._next_scene[at]
        scenes = list(range(first, first + BATCH))
        asked = {"hypothesis": failing.hypothesis, "seed_indices": scenes}
        rows: Any = await self.asking.use("run", asked)
        known = {r.scene for r in self._results if r.hypothesis == failing.hypothesis}
        for row in rows:
            if row["outcome"] != "FAIL" or not row["implicated"] or row["seed_index"] in known:
                continue
            if self._stops() or self._of(failing.hypothesis) >= wanted:
                return
            pair = [await self._repair(task, failing, row, mode) for mode in MODES]
            if self.asking.exhausted:
                return  # what a budget broke off is neither repaired nor not
            self._results += pair
            await self._report()
        self._next_scene[at] = first + BATCH
        await self._report()

    async def _repair(
        self, task: TaskDef, failing: Failing, failed: dict[str, Any], mode: Mode
    ) -> Repaired:
        trial, scene = int(failed["trial"]), int(failed["seed_index"])
        calls: Any = await self.asking.use("calls", {"trial": trial})
        row = {**failed, "calls": (), "called_with": ""}
        if mode == "index":
            where = {"trial": trial, "call": row["implicated"]}
            detail: Any = await self.asking.use("call", where)
            row |= {"calls": calls, "called_with": msgspec.json.encode(detail["args"]).decode()}
        lines = [
            f"Task:\n{present('task', msgspec.to_builtins(task)).text}",
            f"Hypothesis {failing.hypothesis} is this program:\n"
            f"{fence(failing.program, 'a program')}",
            f"It failed:\n{present('run', [row]).text}",
            f"Repair it: open a hypothesis with parent {failing.hypothesis}, run it on scene "
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
            hypothesis=failing.hypothesis,
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
