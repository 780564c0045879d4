"""What the engine does when an agent uses a tool."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from aspire_tui.domain import Blob, Repair, sha256_hex
from aspire_tui.engine.attendance import ProgramRejected
from aspire_tui.engine.book import Book, BudgetExhausted
from aspire_tui.engine.conversation import Conversation
from aspire_tui.engine.drafts import Drafts
from aspire_tui.engine.evaluation import EvaluationRefused
from aspire_tui.engine.ideas import Ideas
from aspire_tui.engine.looking import Looking
from aspire_tui.engine.provenance import attach, of_skill
from aspire_tui.engine.reports import Reports
from aspire_tui.engine.search import Search
from aspire_tui.engine.team import Fence
from aspire_tui.engine.trials import Stopped, Trials
from aspire_tui.environment.primitives.registry import Primitive, embodiment_of
from aspire_tui.environment.task import TaskDef
from aspire_tui.errors import ConfigError
from aspire_tui.events import (
    AgentSaid,
    AgentTool,
    CallResult,
    SkillMatched,
    SkillProposed,
    TrialClosed,
)
from aspire_tui.evolution.growing import Idea
from aspire_tui.evolution.tree import Tree
from aspire_tui.improvement.answers import ProposedSkill, Spliced, Told
from aspire_tui.improvement.edits import Edit
from aspire_tui.improvement.tools import (
    Judged,
    Opened,
    Raced,
    SkillMatch,
    ToolRefused,
    TrialBrief,
)
from aspire_tui.improvement.toolset import read_arguments
from aspire_tui.library import splice as splicing
from aspire_tui.library.load import Library
from aspire_tui.library.match import Failure, context_of, match
from aspire_tui.library.skill import Parameter
from aspire_tui.library.splice import SpliceError, splice
from aspire_tui.session.reader import SessionReader
from drivers.types import CellInfo

ANSWER_SHOWN = 160
LOOKS = (
    "task",
    "cell",
    "primitives",
    "primitive",
    "skills",
    "skill",
    "budget",
    "program",
    "calls",
    "call",
    "checks",
    "view",
    "compare",
    "leaderboard",
)
"""Tools that :class:`Looking` answers, by its methods' names."""
UNSHOWN = ("say", "ask_operator")
"""Tools whose own events say it all."""


@dataclass
class Toolbox:
    """The tools of one run, over its tree, seeds and session."""

    task_def: TaskDef
    book: Book
    trials: Trials
    ideas: Ideas
    search: Search
    reader: SessionReader
    library: Library
    names: Mapping[str, Primitive]
    author: str
    cell_info: CellInfo
    conversation: Conversation
    paused: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while the agent may go on; the operator clears it to pause the agent."""
    by: str = ""
    """The author, where there are several."""
    fence: Fence | None = None
    finished: tuple[int | None, str] | None = None
    kept_skills: set[str] = field(default_factory=set)
    """Digests of the skills that are in the session already."""
    drafts: Drafts = field(default_factory=Drafts)

    @property
    def tree(self) -> Tree:
        return self.ideas.tree

    def __post_init__(self) -> None:
        self.paused.set()
        self.reports = Reports(self.book, self.conversation, self.by)
        self.looking = Looking(
            self.task_def,
            self.cell_info,
            self.book,
            self.reader,
            self.tree,
            self.library,
            self.names,
            self.search.mine,
        )
        self._tools: dict[str, Callable[..., Awaitable[Any]]] = {
            **{name: getattr(self.looking, name) for name in LOOKS},
            "say": self._say,
            "told": self._told,
            "ask_operator": self.conversation.ask,
            "open_hypothesis": self._open,
            "run": self._run,
            "match_skills": self._match,
            "apply_skill": self._apply,
            "judge": self._judge,
            "round": self.search.brief,
            "race": self._race,
            "borrow": self._borrow,
            "prune": self._prune,
            "propose_skill": self._propose_skill,
            "finish": self._finish,
        }

    async def use(self, tool: str, args: dict[str, Any]) -> Any:
        """Answer one tool call; everything but talk is shown as a tool use.

        Raises:
            ToolRefused: With the reason, in words for the agent.
        """
        await self.paused.wait()
        handler = self._tools.get(tool)
        if handler is None:
            raise ToolRefused(f"there is no tool {tool}; known: {', '.join(sorted(self._tools))}")
        try:
            given = read_arguments(tool, args)
        except msgspec.ValidationError as error:
            await self._shown(tool, args, f"refused: {error}", False)
            raise ToolRefused(f"{tool}: {error}") from None
        crossing = "" if self.fence is None else self.fence.refuses(tool, given)
        if crossing:
            await self._shown(tool, args, f"refused: {crossing}", False)
            raise ToolRefused(crossing)
        try:
            value = await handler(**given)
        except (
            BudgetExhausted,
            Stopped,
            ProgramRejected,
            EvaluationRefused,
            ConfigError,
            SpliceError,
        ) as error:
            await self._shown(tool, args, f"refused: {error}", False)
            raise ToolRefused(str(error)) from error
        if tool not in UNSHOWN and not (tool == "told" and not value.messages):
            await self._shown(tool, args, _first_line(value), True)
        return msgspec.to_builtins(value)

    async def _shown(self, tool: str, args: dict[str, Any], answer: str, ok: bool) -> None:
        brief = {k: _short(v) for k, v in args.items() if k != "program"}
        await self.book.write(AgentTool(tool, brief, answer[:ANSWER_SHOWN], ok, self.by))

    async def _say(self, text: str, role: str = "message") -> None:
        await self.book.write(AgentSaid(text[:4000], role, by=self.by))

    async def _told(self) -> Told:
        return self.conversation.told()

    async def _open(
        self,
        claim: str,
        difference: str,
        if_wrong: str,
        program: str = "",
        edits: tuple[Edit, ...] = (),
        draft: str = "",
        parent: int | None = None,
        repairs: tuple[Repair, ...] = (),
    ) -> Opened:
        origin = None if parent is None else self.tree.get(parent)
        text = self.drafts.text(program, edits, draft, origin)
        return await self.ideas.open(
            claim=claim,
            difference=difference,
            if_wrong=if_wrong,
            program=text,
            parent=parent,
            author=self.author,
            repairs=repairs or self.drafts.repairs(text, origin, anew=bool(program)),
        )

    async def _run(
        self, hypothesis: int, seed_indices: tuple[int, ...], bench: bool
    ) -> list[TrialBrief]:
        closed = await self.ideas.try_on_dev(
            hypothesis, seed_indices, bench=bench, author=self.author
        )
        briefs = [_brief(i, closed[i]) for i in seed_indices if i in closed]
        return await self.looking.with_indices(briefs)

    async def _race(self, hypotheses: tuple[int, ...]) -> Raced:
        return await self.search.race(hypotheses, self.author)

    async def _borrow(self, into: int, donor: int) -> Opened:
        idea = await self.ideas.borrow(into, donor, self.author)
        return Opened(idea.number, sha256_hex(idea.program.encode()))

    async def _prune(self, hypothesis: int, reason: str) -> None:
        await self.ideas.prune(hypothesis, reason)

    async def _match(self, trial: int, call: int, program: str = "") -> list[SkillMatch]:
        failure = (await self._failure(trial, call))[0]
        out = []
        for m in match(failure, self.library, self.names):
            same = m.skill.proven_on(self.task_def.name)
            tries = {n: tries_of(p) for n, p in m.skill.definition.repair.parameters.items()}
            out.append(SkillMatch(m.skill.name, m.why, same, tries))
            await self.book.write(SkillMatched(trial, call, m.skill.name, m.why, same))
        return out

    async def _failure(self, trial: int, call: int) -> tuple[Failure, splicing.Call]:
        """A failing call as the skill library wants to know it, and where it stands."""
        await self.looking.call(trial, call)
        row = await asyncio.to_thread(self.reader.call, trial, call)
        if row is None:
            raise ToolRefused(f"trial {trial} has no call {call}")
        primitive = self.names[row.intent.primitive]
        verdict = await asyncio.to_thread(self.looking.verdict, trial)
        checks = () if verdict is None else verdict.verdict.checks
        rows = await asyncio.to_thread(self.reader.calls, trial)
        before = [
            (await asyncio.to_thread(self.reader.call, trial, r.call))
            for r in rows
            if r.call < call
        ]
        earlier = [(d.intent.primitive, d.intent.args) for d in before if d is not None]
        result: CallResult | None = row.result
        facts = {} if result is None or result.error_m is None else {"error_m": result.error_m}
        failure = Failure(
            primitive=primitive.name,
            status=result.status if result else "FAULT",
            checks=tuple(dict.fromkeys(c.name for c in checks if c.outcome == "FAIL")),
            args=row.intent.args,
            earlier=tuple(self.names[n].name for n, _ in earlier if n in self.names),
            facts=facts,
            kinds=tuple(dict.fromkeys(("arm", embodiment_of(self.cell_info)))),
        )
        site = splicing.Call(
            line=row.intent.line,
            names=(primitive.name, *primitive.aliases),
            parameters={
                a.name: None if a.required else repr(a.default) for a in primitive.arguments
            },
            context=context_of(earlier),
        )
        return failure, site

    async def _apply(
        self,
        skill: str,
        trial: int,
        call: int,
        program: str = "",
        parameters: dict[str, float] | None = None,
    ) -> Spliced:
        try:
            known = self.library.get(skill)
        except ConfigError as error:
            raise ToolRefused(str(error)) from None
        failure, site = await self._failure(trial, call)
        if known.digest not in self.kept_skills:
            self.kept_skills.add(known.digest)
            await attach(self.book, of_skill(known))
        text = program or await self._program_of(trial)
        values = parameters or {}
        repair = Repair(
            trial=trial,
            call=call,
            primitive=failure.primitive,
            status=failure.status,
            skill=skill,
            parameters=values,
            same_task_evidence=known.proven_on(self.task_def.name),
        )
        return self.drafts.keep(text, splice(text, site, known, values), repair)

    async def _program_of(self, trial: int) -> str:
        """The program a trial ran, so that an agent need not write it out again."""
        row = await asyncio.to_thread(self.reader.trial, trial)
        if row is None or row.hypothesis is None:
            raise ToolRefused(f"trial {trial} ran no hypothesis; give the program")
        return self.tree.get(row.hypothesis).program

    async def _judge(self, hypothesis: int) -> Judged:
        return await self.ideas.judge(hypothesis)

    async def _propose_skill(
        self,
        name: str,
        description: str,
        when: str,
        why: str,
        sketch: str,
        trial: int,
        call: int,
        hypothesis: int,
    ) -> ProposedSkill:
        """Keep the proposal in the session. Proof and an operator decide what becomes of it."""
        self.tree.get(hypothesis)
        await self.looking.call(trial, call)
        try:
            ast.parse(sketch)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return ProposedSkill(False, (f"the sketch is no Python: {error}",))
        data = sketch.encode()
        sha = sha256_hex(data)
        proposed = SkillProposed(
            name=name,
            description=description,
            when=when,
            why=why,
            sketch=Blob(sha, "text/x-python", len(data)),
            trial=trial,
            call=call,
            hypothesis=hypothesis,
            author=self.author,
        )
        await self.book.write(proposed, blobs={sha: ("text/x-python", data)})
        return ProposedSkill(True)

    def stands_by(self) -> Idea | None:
        """The hypothesis for the held-out scenes: the agent's word, unless it was pruned or another
        one was kept that passes more of the same selection scenes."""
        best = self.search.best()
        number = self.finished[0] if self.finished is not None else None
        named = self.tree.get(number) if number is not None else None
        if named is None or named.status == "pruned" or best is None:
            return best
        common = named.selection.keys() & best.selection.keys()
        better = sum(best.selection[s] for s in common) > sum(named.selection[s] for s in common)
        return best if better and best.status != "open" else named

    async def _finish(self, best: int | None, summary: str) -> None:
        if best is not None:
            self.tree.get(best)
        self.finished = (best, summary[:2000])


def tries_of(p: Parameter) -> tuple[float, ...]:
    """Values worth trying: the default first, then the others by their distance from it."""
    return tuple(sorted(p.values(), key=lambda v: (abs(v - p.default), v)))


def _brief(index: int, t: TrialClosed) -> TrialBrief:
    return TrialBrief(
        trial=t.trial,
        seed_index=index,
        outcome=t.outcome or "none",
        ended=t.ended or "none",
        reason=t.reason[:300],
        implicated=t.implicated,
    )


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return value[:200]
    if isinstance(value, (list, tuple)) and len(value) > 24:
        return [*value[:24], f"… {len(value)} in all"]
    return value


def _first_line(value: Any) -> str:
    if value is None:
        return "ok"
    if isinstance(value, list):
        return f"{len(value)} answers"
    if isinstance(value, str):
        return f"{len(value.splitlines())} lines"
    if isinstance(value, TaskDef):
        return value.instruction
    if isinstance(value, Spliced):
        return f"draft {value.draft}"
    return str(value)
