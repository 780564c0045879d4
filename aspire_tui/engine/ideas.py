"""The one place where the tree of a run grows and is judged: agents, people and the search come
here, and every change is an event before it is an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from aspire_tui.domain import Repair, SeedSet, sha256_hex
from aspire_tui.engine.book import Book, BudgetExhausted
from aspire_tui.engine.claims import Claims
from aspire_tui.engine.trials import Asked, Trials
from aspire_tui.environment.primitives.registry import Primitive
from aspire_tui.environment.task import TaskDef
from aspire_tui.events import (
    DryRunReported,
    HypothesisDecided,
    HypothesisOpened,
    HypothesisScored,
    Note,
    TrialClosed,
)
from aspire_tui.evolution.growing import ForkAsked, Idea, TreeError, origin_of
from aspire_tui.evolution.prescreen import kept_from_bench
from aspire_tui.evolution.seeds import SeedBook
from aspire_tui.evolution.statistics import rate
from aspire_tui.evolution.tree import Tree
from aspire_tui.improvement.tools import Judged, Opened
from aspire_tui.rollout.policy import check


@dataclass
class Ideas:
    """The tree of one task, with what is needed to try and to judge a node of it."""

    task_def: TaskDef
    book: Book
    trials: Trials
    tree: Tree
    seeds: SeedBook
    names: Mapping[str, Primitive]
    shared: bool = False
    """Several agents work on this tree."""
    forks_asked: list[ForkAsked] = field(default_factory=list)
    """Not answered by a hypothesis yet."""
    claims: Claims | None = None
    """Where no traces are kept, ideas are judged on the whole trial alone."""
    dry_run: Callable[[str], Awaitable[DryRunReported]] | None = None
    """On a bench there is one of: a program in the stand-in from what its cameras see now."""
    roots: set[int] = field(default_factory=set)
    """First programs for this task."""
    _ran: dict[tuple[int, int], tuple[TrialClosed, str]] = field(default_factory=dict)
    """Development trials of this engine and who asked for them, by hypothesis and seed."""
    _judging: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def open(
        self,
        *,
        claim: str,
        difference: str,
        if_wrong: str,
        program: str,
        parent: int | None,
        author: str,
        repairs: tuple[Repair, ...] = (),
    ) -> Opened:
        """Put a program into the tree, unless the policy has something against it."""
        findings = check(program, {*self.names, *self.task_def.in_scope})
        told = tuple(f"line {f.line}: {f.text}" for f in findings)
        if any(f.severity == "error" for f in findings):
            return Opened(None, "", told)
        if parent is None and (same := self._first_like(program)) is not None:
            return Opened(same.number, sha256_hex(program.encode()), told)
        self.tree.taken = self.book.earlier_hypotheses()
        idea = self.tree.add(
            parent,
            program,
            claim,
            repairs,
            author=author,
            difference=difference,
            if_wrong=if_wrong,
        )
        if parent is None:
            self.roots.add(idea.number)
        sha = await self._opened(idea)
        await self.book.advise(findings)
        return Opened(idea.number, sha, told)

    def _first_like(self, program: str) -> Idea | None:
        """The first program a team has in common: who begins with the same text begins there."""
        roots = (self.tree.get(n) for n in sorted(self.roots)) if self.shared else ()
        return next((i for i in roots if i.program == program), None)

    async def borrow(self, into: int, donor: int, author: str) -> Idea:
        """What another branch changed, joined into this one, call by call. It is open.

        Raises:
            TreeError: They are one line, or both changed the same place.
        """
        self.tree.taken = self.book.earlier_hypotheses()
        idea = self.tree.borrow(into, donor, author)
        await self._opened(idea)
        return idea

    async def _opened(self, idea: Idea) -> str:
        sha = await self.book.program(idea.program, idea.author)
        await self.book.write(
            HypothesisOpened(
                hypothesis=idea.number,
                parent=idea.parent,
                claim=idea.claim,
                difference=idea.difference,
                if_wrong=idea.if_wrong,
                program=sha,
                author=idea.author,
                repairs=idea.repairs,
                borrowed_from=idea.borrowed_from,
            )
        )
        return sha

    async def prune(self, number: int, reason: str) -> None:
        """Give an idea up; the next round is told the reason.

        Raises:
            TreeError: It is given up already, promoted, or no reason is given.
        """
        self.tree.move(number, "pruned", reason)
        await self.book.write(HypothesisDecided(number, "pruned", reason))

    async def promoted(self, number: int, reason: str) -> None:
        """Its repair is in the skill library. One that was never judged here stays what it is."""
        if self.tree.get(number).status == "kept":
            self.tree.move(number, "promoted", reason)
        await self.book.write(HypothesisDecided(number, "promoted", reason))

    async def say(self, text: str) -> None:
        """Something about the tree that is no event of its own."""
        await self.book.write(Note(text, "info", "idea"))

    async def try_on_dev(
        self, number: int, seed_indices: Sequence[int], *, bench: bool, author: str = ""
    ) -> dict[int, TrialClosed]:
        """Run a program on development scenes; what was run, by index. What another member of a
        team has run of a shared program is handed out.

        Raises:
            BudgetExhausted: Not one of them could be run.
        """
        idea = self.tree.get(number)
        asked = {i: self.seeds.take("dev", 1, i)[0] for i in seed_indices}
        known = {i: r for i, s in asked.items() if (r := self._ran.get((number, s)))}
        closed = {i: c for i, (c, by) in known.items() if by != author and not bench}
        seeds = {i: s for i, s in asked.items() if i not in closed}
        try:
            if bench:
                for i, seed in seeds.items():
                    closed[i] = await self.trials.at_bench(
                        idea.program, number, seed, "dev", self.task_def
                    )
            else:
                wanted = [Asked(idea.program, number, s, "dev") for s in seeds.values()]
                ran = await self.trials.batch(wanted, self.task_def)
                closed |= dict(zip(seeds, ran, strict=True))
        except BudgetExhausted as spent:  # what was still run is told; the next run is refused
            closed |= {i: c for i, s in seeds.items() if (c := spent.closed.get((number, s)))}
            if not closed:
                raise
        self._ran |= {(number, asked[i]): (c, author) for i, c in closed.items() if i in seeds}
        await self.scored(number, "dev", {asked[i]: c for i, c in closed.items()})
        return closed

    async def scored(self, number: int, which: str, closed: Mapping[int, TrialClosed]) -> None:
        """Take judged trials, by seed, into the tree and tell the score."""
        passed = {
            s: t.outcome == "PASS" for s, t in closed.items() if t.outcome is not None and t.counted
        }
        idea = self.tree.ran(number, which, passed)
        results = idea.dev if which == "dev" else idea.selection
        r = rate(sum(results.values()), len(results))
        seed_set = "dev" if which == "dev" else "selection"
        await self.book.write(HypothesisScored(number, seed_set, r.k, r.n, r.lo, r.hi))  # type: ignore[arg-type]

    async def ended(self, number: int, which: SeedSet) -> frozenset[int]:
        """Seeds on which an idea's parent failed where the idea says, and the idea did not."""
        idea = self.tree.get(number)
        if self.claims is None or idea.parent is None:
            return frozenset()
        return await self.claims.ended(idea, self.tree.get(idea.parent), which)

    async def screened(self, baseline: int, candidates: Sequence[int]) -> dict[int, str]:
        """Candidates that the stand-in keeps from a bench there is one of, and why."""
        if self.dry_run is None:
            return {}
        before = await self.dry_run(self.tree.get(baseline).program)
        found = {}
        for n in candidates:
            why = kept_from_bench(before, await self.dry_run(self.tree.get(n).program))
            if why:
                found[n] = why
        return found

    async def judge(self, number: int) -> Judged:
        """Run the selection scenes on an idea, its parent and whom it borrowed from; keep or prune.

        Raises:
            TreeError: It has no parent, or was decided already.
        """
        async with self._judging:
            return await self._judge(number)

    async def _judge(self, number: int) -> Judged:
        idea = self.tree.get(number)
        if idea.parent is None:
            raise TreeError("the first program has no parent to be judged against")
        if idea.status != "open":
            raise TreeError(f"hypothesis {number} is {idea.status} already: {idea.reason}")
        seeds = self.seeds.take("selection", self.task_def.criterion.selection_n)
        concerned = [idea.parent, *idea.borrowed_from, number]
        if idea.borrowed_from:
            concerned.insert(0, origin_of(self.tree.ideas, idea).number)
        for n in concerned:
            node = self.tree.get(n)
            missing = [s for s in seeds if s not in node.selection]
            if missing:
                wanted = [Asked(node.program, n, s, "selection") for s in missing]
                ran = await self.trials.batch(wanted, self.task_def)
                await self.scored(n, "selection", dict(zip(missing, ran, strict=True)))
        common = [s for s in seeds if all(s in self.tree.get(n).selection for n in concerned)]
        outcomes = {s: self.tree.get(number).selection[s] for s in common}
        if self.tree.get(number).status != "open":  # a person gave it up meanwhile
            return Judged(
                "pruned", self.tree.get(number).reason, sum(outcomes.values()), len(common)
            )
        parent = self.tree.get(idea.parent)
        named = None
        if self.claims is not None:
            named = await self.claims.named(idea, parent, outcomes)
        if self.tree.get(number).status != "open":
            gone = self.tree.get(number).reason
            return Judged("pruned", gone, sum(outcomes.values()), len(common))
        decision = self.tree.settle(number, outcomes, named)
        await self.book.write(HypothesisDecided(number, decision.status, decision.reason))
        return Judged(decision.status, decision.reason, sum(outcomes.values()), len(common))
