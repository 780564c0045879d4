"""What a person may do to the tree of a running session: fork, borrow, prune.

A program that a person puts in is tried on development scenes and judged on selection scenes like
any other; a fork without a program is a wish that the agent's next round takes up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from aspire_tui.engine.attendance import ProgramRejected
from aspire_tui.engine.bench import BenchLost
from aspire_tui.engine.book import BudgetExhausted
from aspire_tui.engine.evaluation import EvaluationRefused
from aspire_tui.engine.ideas import Ideas
from aspire_tui.engine.protocol import Command, Reply
from aspire_tui.engine.trials import NoRoom, Stopped
from aspire_tui.events import Note
from aspire_tui.evolution.growing import ForkAsked, TreeError
from aspire_tui.rollout.pool import WorkerLost

if TYPE_CHECKING:
    from aspire_tui.engine.engine import Engine

NOTE_LONGEST = 400
REFUSED = (
    BenchLost,
    BudgetExhausted,
    EvaluationRefused,
    NoRoom,
    ProgramRejected,
    Stopped,
    TreeError,
    WorkerLost,
)
"""What may keep an idea from being tried; the run goes on and the text says why."""

Words = Annotated[str, Meta(max_length=NOTE_LONGEST)]


class Fork(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new line at ``hypothesis``: with a program, or a note for the agent to make one of."""

    hypothesis: int
    note: Words
    program: Annotated[str, Meta(max_length=200_000)] = ""


class Borrow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``donor`` changed is joined into ``into``."""

    into: int
    donor: int


class Prune(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    hypothesis: int
    reason: Words


class IdeaVerbs:
    """Carries out what people ask of the tree, and tries what they put in."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._trying: set[asyncio.Task[None]] = set()

    async def act(self, c: Command) -> Reply:
        at = c.args.get("hypothesis", c.args.get("into"))
        ideas = self._engine.ideas_at(at if isinstance(at, int) else 0)
        if ideas is None:
            return Reply(c.id, False, "this session has no tree; only runs have one")
        try:
            match c.verb:
                case "fork":
                    return await self._fork(c, ideas, msgspec.convert(c.args, Fork))
                case "borrow":
                    return await self._borrow(c, ideas, msgspec.convert(c.args, Borrow))
                case _:
                    wanted = msgspec.convert(c.args, Prune)
                    await ideas.prune(wanted.hypothesis, f"{c.who}: {wanted.reason.strip()}")
                    said = f"H{wanted.hypothesis} is given up; the next round is told why"
                    return Reply(c.id, True, said, {"hypothesis": wanted.hypothesis})
        except (msgspec.ValidationError, TreeError) as error:
            return Reply(c.id, False, f"{c.verb}: {error}")

    async def _fork(self, c: Command, ideas: Ideas, wanted: Fork) -> Reply:
        at = ideas.tree.get(wanted.hypothesis)
        note = wanted.note.strip()
        if not note:
            return Reply(c.id, False, "fork: say what it should try; that is its claim")
        if not wanted.program:
            ideas.forks_asked.append(ForkAsked(at.number, note, c.who))
            await self._engine.conversation.tell(
                c.id, c.who, f"A new line from H{at.number}: {note}"
            )
            return Reply(c.id, True, f"the agent's next round begins a line at H{at.number}")
        ideas.tree.check_fork(at.number, wanted.program, note)
        opened = await ideas.open(
            claim=note,
            difference=f"edited by {c.who}",
            if_wrong=f"it passes no more selection scenes than H{at.number}",
            program=wanted.program,
            parent=at.number,
            author=c.who,
        )
        if opened.hypothesis is None:
            return Reply(c.id, False, f"fork: {'; '.join(opened.findings)}")
        return self._tried(c, ideas, opened.hypothesis, f"H{opened.hypothesis} forks H{at.number}")

    async def _borrow(self, c: Command, ideas: Ideas, wanted: Borrow) -> Reply:
        new = await ideas.borrow(wanted.into, wanted.donor, c.who)
        return self._tried(c, ideas, new.number, f"H{new.number} joins H{wanted.donor} into "
                           f"H{wanted.into}")  # fmt: skip

    def _tried(self, c: Command, ideas: Ideas, number: int, what: str) -> Reply:
        self._try(ideas, number)
        said = f"{what}; development scenes, then selection scenes decide"
        return Reply(c.id, True, said, {"hypothesis": number})

    def take_up(self, agents: Collection[str]) -> None:
        """Go on with what people put in before the run was stopped and nobody has judged yet."""
        ideas = self._engine.ideas_at(0)
        for idea in () if ideas is None else tuple(ideas.tree.nodes.values()):
            ours = self._engine.ideas_at(idea.number)
            waits = idea.status == "open" and idea.parent is not None
            if waits and idea.author not in agents and ours is not None:
                self._try(ours, idea.number)

    def _try(self, ideas: Ideas, number: int) -> None:
        task = asyncio.create_task(self._prove(ideas, number))
        self._trying.add(task)
        task.add_done_callback(self._trying.discard)
        self._engine.watched(task)

    async def _prove(self, ideas: Ideas, number: int) -> None:
        try:
            dev = range(ideas.task_def.criterion.dev_n)
            await ideas.try_on_dev(number, list(dev), bench=False)
            await ideas.judge(number)
        except REFUSED as why:
            await self._engine.book.write(Note(f"H{number}: {why}", "error", "idea"))

    async def drain(self) -> None:
        """Wait for what people put in: it may be what the run should stand by."""
        while self._trying and not self._engine.stopping.is_set():
            await asyncio.wait(self._trying, timeout=0.2)

    def close(self) -> None:
        for task in self._trying:
            task.cancel()
