"""A world with two independent faults, in which trials cost nothing, and a book that only keeps."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from aspire_tui.domain import Budget, sha256_hex
from aspire_tui.engine.ideas import Ideas
from aspire_tui.engine.trials import Asked
from aspire_tui.environment.task import TaskDef
from aspire_tui.events import TrialClosed
from aspire_tui.evolution.seeds import SeedBook
from aspire_tui.evolution.stopping import SoFar, used_up
from aspire_tui.evolution.tree import Tree
from aspire_tui.session.rows import TrialRow

NAMES = {"look": None, "grasp": None, "place": None}
PLAIN = "look()\nx = grasp(1)\nplace(2)\n"
LOOKS = "look()\nlook()\nx = grasp(1)\nplace(2)\n"
PLACES = "look()\nx = grasp(1)\nplace(2)\nplace(2)\n"


@dataclass
class Written:
    """A book that keeps what is written."""

    events: list[Any] = field(default_factory=list)

    async def write(self, *events: Any, **_: Any) -> int:
        self.events += events
        return len(self.events)

    async def program(self, text: str, author: str) -> str:
        return sha256_hex(text.encode())

    async def advise(self, findings: object) -> None: ...

    budget: Budget = field(default_factory=Budget)
    trials: int = 0

    def so_far(self) -> SoFar:
        return SoFar(trials=self.trials)

    def exhausted(self) -> str:
        return used_up(self.budget, self.so_far())

    def trials_left(self) -> int | None:
        most = self.budget.max_trials
        return None if most is None else max(0, most - self.trials)

    def earlier_hypotheses(self) -> int:
        return 0

    def of(self, kind: type) -> list[Any]:
        return [e for e in self.events if isinstance(e, kind)]


@dataclass
class Bench:
    """Each scene has one fault, the other or none, told by its seed. Also its own record."""

    book: Written
    ran: list[Asked] = field(default_factory=list)

    async def batch(self, wanted: list[Asked], task: TaskDef) -> list[TrialClosed]:
        await asyncio.sleep(0)
        self.ran += wanted
        self.book.trials += len(wanted)
        return [self._closed(w) for w in wanted]

    def _closed(self, w: Asked) -> TrialClosed:
        fault = fault_of(w.seed)
        fixed = {0: True, 1: "look()\nlook()" in w.program, 2: "place(2)\nplace(2)" in w.program}
        outcome = "PASS" if fixed[fault] else "FAIL"
        return TrialClosed(1, outcome, "returned", fault or None, 1.0, 1.0)

    def trials(self) -> list[TrialRow]:
        return [
            TrialRow(
                i, "t", w.seed, w.seed_set, "p", w.hypothesis, "worker", "sim", i, 0.0,
                outcome=(closed := self._closed(w)).outcome, implicated=closed.implicated,
            )
            for i, w in enumerate(self.ran, 1)
        ]  # fmt: skip


def fault_of(seed: int) -> int:
    return (seed >> 2) % 3


def ideas_on(task: TaskDef, budget: Budget | None = None) -> Ideas:
    book = Written(budget=budget or Budget())
    return Ideas(task, book, Bench(book), Tree(), SeedBook("t", 0, b"k"), NAMES)  # type: ignore[arg-type]


async def opened(ideas: Ideas, program: str, parent: int | None = 1, author: str = "rules") -> int:
    said = await ideas.open(
        claim=program[:40],
        difference="d",
        if_wrong="w",
        program=program,
        parent=parent,
        author=author,
    )
    assert said.hypothesis is not None
    return said.hypothesis
