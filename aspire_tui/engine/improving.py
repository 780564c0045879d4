"""A run: an agent over a tree of ideas, what people put into that tree, and the held-out proof."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aspire_tui.domain import AGENT_UNCONFINED, Outcome
from aspire_tui.engine.agent_host import AgentLost, Turns, host_agent
from aspire_tui.engine.book import BudgetExhausted
from aspire_tui.engine.claims import Claims
from aspire_tui.engine.ideas import Ideas
from aspire_tui.engine.outcomes import rate_of
from aspire_tui.engine.resume import forks_asked, grown, repeats_itself
from aspire_tui.engine.search import Search, rounds_of
from aspire_tui.engine.team import Fence, Team, name_of
from aspire_tui.engine.toolbox import Toolbox
from aspire_tui.engine.trials import Stopped
from aspire_tui.environment.primitives import ALL
from aspire_tui.environment.primitives.registry import catalogue, embodiment_of
from aspire_tui.environment.task import TaskDef
from aspire_tui.events import HypothesisScored, Note, RunEnded
from aspire_tui.evolution.criterion import until
from aspire_tui.evolution.growing import STANDING, ForkAsked, Idea
from aspire_tui.evolution.seeds import SeedBook, held_out_key
from aspire_tui.evolution.statistics import rate
from aspire_tui.evolution.stopping import Rules
from aspire_tui.evolution.tree import Tree
from aspire_tui.library.load import load_library
from aspire_tui.rollout.bulk import Hello
from aspire_tui.session.reader import SessionReader

if TYPE_CHECKING:
    from aspire_tui.engine.engine import Engine


PRESCREEN: Final = "pre-screen"
"""Who asks for the dry runs of candidates on a bench there is one of."""


class Improvement:
    """One run of an engine, from its first program to the held-out scenes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.members: dict[str, Toolbox] = {}
        """Every agent's tools, by its name."""
        self.on: dict[str, Ideas] = {}
        """By task."""

    async def run(self, tasks: Sequence[TaskDef], hello: Hello) -> RunEnded:
        """Every agent works until it is done; then what is best is run on held-out scenes."""
        e = self._engine
        await self._gather_members(tasks, hello)
        e.idea_verbs.take_up(self.members)
        try:
            await self._host()
        except AgentLost as lost:
            if e.stopping.is_set():
                raise Stopped("stopped by the operator") from None
            return RunEnded(None, "agent", reason=f"{lost}; go on with run --resume")
        await e.idea_verbs.drain()
        if e.stopping.is_set():
            raise Stopped("stopped by the operator")
        spent = e.book.exhausted()
        if spent:
            raise BudgetExhausted(spent)
        best = self._best()
        if not best:
            return RunEnded(None, "done", reason="no program was proposed")
        ended = [await self._hold_out(self.on[name], idea, "done") for name, idea in best.items()]
        return ended[0] if len(ended) == 1 else _together(ended, list(best))

    async def _gather_members(self, tasks: Sequence[TaskDef], hello: Hello) -> None:
        """A toolbox for every agent, a tree for all of them."""
        e = self._engine
        spec = e.job.spec
        folders = () if spec.skills == "none" else tuple(Path(p) for p in e.job.skill_folders)
        library = load_library(folders)
        for problem in library.problems:
            await e.book.write(Note(f"{problem.folder}: {problem.text}", "warn", "skill"))
        tree, asked = self._tree()
        key = held_out_key(Path(e.job.key_file))
        several = spec.team > 1
        names = [name_of(spec.agent, i, spec.team) for i in range(1, spec.team + 1)]
        self.team = Team(tree, {n: tasks[i % len(tasks)] for i, n in enumerate(names)})
        for task in self.team.tasks.values():
            if task.name not in self.on:
                api = catalogue(ALL, task.api, spec.tier, embodiment_of(hello.cell))
                seeds = SeedBook(task.name, spec.seed, key)
                mine = [f for f in asked if self._task_at(f.hypothesis) in ("", task.name)]
                claims = Claims(SessionReader(Path(e.job.session)), api)
                ideas = Ideas(task, e.book, e.trials, tree, seeds, api, several, mine, claims)
                if e.trials.bench_only:
                    ideas.dry_run = partial(e.dry_runs.run, task=task, who=PRESCREEN)
                known = (i for i in tree.nodes.values() if i.parent is None)
                ideas.roots |= {i.number for i in known if self.team.task_of(i) == task.name}
                self.on[task.name] = ideas
        repeats = e.past is not None and not repeats_itself(spec)
        paused = asyncio.Event()
        for name, task in self.team.tasks.items():
            reader = SessionReader(Path(e.job.session))
            ideas = self.on[task.name]
            search = Search(
                ideas,
                reader,
                Rules(
                    criterion=until(spec.until, task.criterion.selection_n),
                    plateau=spec.plateau,
                    rounds=spec.rounds,
                ),
                spec.candidates,
                rounds_of(reader, name if several else "") if repeats else [],
                by=name if several else "",
            )
            if several:
                search.mine = partial(self.team.is_of, name)
                search.offered = partial(self.team.offered_to, name)
            self.members[name] = Toolbox(
                task_def=task,
                book=e.book,
                trials=e.trials,
                ideas=ideas,
                search=search,
                reader=reader,
                library=library,
                names=ideas.names,
                author=name,
                cell_info=hello.cell,
                conversation=e.conversation if not self.members else e.conversation.beside(),
                paused=paused,
                by=name if several else "",
                fence=Fence(self.team, name, reader) if several else None,
            )
        e.toolbox = next(iter(self.members.values()))

    def ideas_at(self, hypothesis: int) -> Ideas:
        """The ideas of the task a hypothesis is of."""
        return self.on.get(self._task_at(hypothesis)) or next(iter(self.on.values()))

    def _task_at(self, hypothesis: int) -> str:
        idea = self.team.tree.nodes.get(hypothesis)
        return "" if idea is None else self.team.task_of(idea)

    async def _host(self) -> None:
        """All agents at once; one that is lost leaves the others at work.

        Raises:
            AgentLost: None is left.
        """
        e = self._engine
        if len(e.agents) != len(self.members):
            raise AgentLost("no agent worker was started")
        turns = Turns(e.book)
        alive = set(self.members)

        async def one(name: str, link: socket.socket) -> None:
            def died() -> None:
                alive.discard(name)
                e.trials.agent_lost = not alive

            await host_agent(link, self.members[name], turns, died)

        links = zip(self.members, e.agents, strict=True)
        hosted = [asyncio.ensure_future(one(n, link)) for n, link in links]
        try:
            ended = await asyncio.gather(*hosted, return_exceptions=True)
        finally:
            for task in hosted:
                task.cancel()
        lost = [x for x in ended if isinstance(x, AgentLost)]
        for x in ended:
            if isinstance(x, BaseException) and not isinstance(x, AgentLost):
                raise x
        if len(lost) == len(ended):
            raise lost[0]
        for x in lost:
            await e.book.write(Note(f"{x}; the others go on", "warn", "agent"))

    def _best(self) -> dict[str, Idea]:
        """What the run stands by for each task: of the members' best the better one."""
        best: dict[str, Idea] = {}
        for name, toolbox in self.members.items():
            idea = toolbox.stands_by()
            task = self.team.tasks[name].name
            if idea is not None and (task not in best or _better(idea, best[task])):
                best[task] = idea
        return best

    def _tree(self) -> tuple[Tree, list[ForkAsked]]:
        """Empty, or as a stopped run left it. An agent that repeats itself puts its own ideas in
        again; what people put in stands."""
        e = self._engine
        if e.past is None:
            return Tree(), []
        again = (e.job.spec.agent,) if repeats_itself(e.job.spec) else ()
        with SessionReader(Path(e.job.session)) as reader:
            return grown(reader, again), forks_asked(reader)

    async def _hold_out(self, ideas: Ideas, best: Idea, stopped: str) -> RunEnded:
        """The held-out seeds, run once. Their result is recorded and never used to decide."""
        e, task = self._engine, ideas.task_def
        if e.job.spec.agent_at_large:
            reason = (
                f"{AGENT_UNCONFINED}: {e.job.spec.agent_at_large}; its results are no held-out "
                f"evidence. Best is hypothesis {best.number}"
            )
            return RunEnded(None, stopped, best.number, reason=reason)
        if e.job.spec.experiment:
            return RunEnded(None, stopped, reason=f"experiment {e.job.spec.experiment}: no proof")
        n = e.job.spec.held_out or task.criterion.held_out_n
        spent = e.book.exhausted()
        if spent:
            raise BudgetExhausted(spent)
        await e.book.write(
            Note(f"held-out proof of hypothesis {best.number}: {n} scenes nobody has seen")
        )
        closed = await e.trials.in_workers(
            best.program, best.number, ideas.seeds.take("held_out", n), "held_out", task
        )
        r = rate_of(closed)
        await e.book.write(HypothesisScored(best.number, "held_out", r.k, r.n, r.lo, r.hi))
        enough = r.n >= task.criterion.held_out_n and r.lo >= task.criterion.min_lower_bound
        reason = (
            f"held-out {r.k}/{r.n}, lower bound {r.lo:.2f}, "
            f"the task asks for {task.criterion.min_lower_bound:.2f} at n ≥ "
            f"{task.criterion.held_out_n}"
        )
        outcome: Outcome = "PASS" if enough else "FAIL"
        return RunEnded(outcome, stopped, best.number, r.k, r.n, r.lo, r.hi, reason)


def _better(idea: Idea, other: Idea) -> bool:
    one, two = idea.status in STANDING, other.status in STANDING
    return (one, sum(idea.selection.values())) > (two, sum(other.selection.values()))


def _together(ended: Sequence[RunEnded], tasks: Sequence[str]) -> RunEnded:
    """Several tasks as one end: PASS when each has passed."""
    passed = all(e.outcome == "PASS" for e in ended)
    r = rate(sum(e.k for e in ended), sum(e.n for e in ended))
    told = "; ".join(f"{t}: {e.outcome}, {e.reason}" for t, e in zip(tasks, ended, strict=True))
    return RunEnded("PASS" if passed else "FAIL", "done", ended[0].best, r.k, r.n, r.lo, r.hi, told)
