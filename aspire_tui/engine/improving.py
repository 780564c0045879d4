"""A run: an agent over a tree of ideas, what people put into that tree, and the held-out proof."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aspire_tui.domain import AGENT_UNCONFINED, Outcome
from aspire_tui.engine.agent_host import AgentLost, host_agent
from aspire_tui.engine.book import BudgetExhausted
from aspire_tui.engine.ideas import Ideas
from aspire_tui.engine.outcomes import rate_of
from aspire_tui.engine.resume import REPEATS_ITSELF, forks_asked, grown
from aspire_tui.engine.toolbox import Toolbox
from aspire_tui.engine.trials import Stopped
from aspire_tui.environment.task import TaskDef
from aspire_tui.events import HypothesisScored, Note, RunEnded
from aspire_tui.evolution.growing import ForkAsked, Idea
from aspire_tui.evolution.seeds import SeedBook, held_out_key
from aspire_tui.evolution.tree import Tree
from aspire_tui.library.load import load_library
from aspire_tui.rollout.bulk import Hello
from aspire_tui.session.reader import SessionReader

if TYPE_CHECKING:
    from aspire_tui.engine.engine import Engine


class Improvement:
    """One run of an engine, from its first program to the held-out scenes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def run(self, task: TaskDef, hello: Hello) -> RunEnded:
        e = self._engine
        spec = e.job.spec
        folders = () if spec.skills == "none" else tuple(Path(p) for p in e.job.skill_folders)
        library = load_library(folders)
        for problem in library.problems:
            await e.book.write(Note(f"{problem.folder}: {problem.text}", "warn", "skill"))
        tree, asked = self._tree()
        seeds = SeedBook(task.name, spec.seed, held_out_key(Path(e.job.key_file)))
        ideas = Ideas(task, e.book, e.trials, tree, seeds, e.names, asked)
        e.ideas = ideas
        e.toolbox = Toolbox(
            task_def=task,
            book=e.book,
            trials=e.trials,
            ideas=ideas,
            reader=SessionReader(Path(e.job.session)),
            library=library,
            names=e.names,
            author=spec.agent,
            cell_info=hello.cell,
            conversation=e.conversation,
        )
        e.idea_verbs.take_up(author=spec.agent)
        try:
            if e.agent is None:
                raise AgentLost("no agent worker was started")
            await host_agent(e.agent, e.toolbox)
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
        best = e.toolbox.stands_by()
        if best is None:
            return RunEnded(None, "done", reason="no program was proposed")
        return await self._hold_out(ideas, best, "done")

    def _tree(self) -> tuple[Tree, list[ForkAsked]]:
        """Empty, or as a stopped run left it. An agent that repeats itself puts its own ideas in
        again; what people put in stands."""
        e = self._engine
        if e.past is None:
            return Tree(), []
        agent = e.job.spec.agent
        again = (agent,) if agent in REPEATS_ITSELF else ()
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
        n = e.job.spec.held_out or task.criterion.held_out_n
        spent = e.book.exhausted()
        if spent:
            raise BudgetExhausted(spent)
        await e.book.write(
            Note(f"held-out proof of hypothesis {best.number}: {n} scenes nobody has seen")
        )
        closed = await e.trials.in_workers(
            best.program, best.number, ideas.seeds.take("held_out", n), "held_out"
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
