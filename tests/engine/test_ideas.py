"""The tree of a running session: what agents and people do to it, and what the record says."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from two_faults import LOOKS, PLACES, PLAIN, Written, ideas_on, opened

from aspire_tui.engine.idea_verbs import IdeaVerbs
from aspire_tui.engine.ideas import Ideas
from aspire_tui.engine.protocol import Command, Reply
from aspire_tui.environment.task_file import find_task
from aspire_tui.events import HypothesisDecided, HypothesisOpened, HypothesisScored
from aspire_tui.evolution.growing import TreeError


@pytest.fixture
def ideas() -> Ideas:
    return ideas_on(find_task("cube_lift"))


async def test_two_branches_fix_a_fault_each_and_a_borrowed_one_both(ideas: Ideas) -> None:
    await opened(ideas, PLAIN, None)
    two, three = await opened(ideas, LOOKS), await opened(ideas, PLACES)
    assert (await ideas.judge(two)).status == (await ideas.judge(three)).status == "kept"
    before = len(ideas.trials.ran)  # type: ignore[attr-defined]
    joined = await ideas.borrow(two, three, "rules")
    assert (await ideas.judge(joined.number)).k == ideas.task_def.criterion.selection_n
    again = ideas.trials.ran[before:]  # type: ignore[attr-defined]
    assert {w.hypothesis for w in again} == {joined.number}  # its own trials, nobody else's
    assert len(again) == ideas.task_def.criterion.selection_n
    book: Written = ideas.book  # type: ignore[assignment]
    assert book.of(HypothesisOpened)[-1].borrowed_from == (three,)
    assert [d.status for d in book.of(HypothesisDecided)] == ["kept"] * 3
    assert ideas.tree.best().number == joined.number


async def test_what_was_decided_is_not_judged_again(ideas: Ideas) -> None:
    await opened(ideas, PLAIN, None)
    two = await opened(ideas, LOOKS)
    await ideas.prune(two, "the camera is gone")
    with pytest.raises(TreeError, match="is pruned already: the camera is gone"):
        await ideas.judge(two)
    with pytest.raises(TreeError, match="no parent"):
        await ideas.judge(1)


async def test_one_given_up_while_it_is_judged_stays_given_up(ideas: Ideas) -> None:
    await opened(ideas, PLAIN, None)
    two = await opened(ideas, LOOKS)
    judging = asyncio.create_task(ideas.judge(two))
    await asyncio.sleep(0)
    await ideas.prune(two, "ann: too slow")
    assert (await judging).reason == "ann: too slow"
    assert [d.status for d in ideas.book.of(HypothesisDecided)] == ["pruned"]  # type: ignore[attr-defined]


@dataclass
class Told:
    said: list[str] = field(default_factory=list)

    async def tell(self, id: str, who: str, text: str) -> str:
        self.said.append(text)
        return ""


@dataclass
class Running:
    """What the verbs know of an engine."""

    ideas: Ideas | None
    book: Any = None
    conversation: Told = field(default_factory=Told)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def ideas_at(self, hypothesis: int) -> Ideas | None:
        return self.ideas

    def watched(self, task: Any) -> Any:
        return task


async def verb(verbs: IdeaVerbs, name: str, **args: Any) -> Reply:
    return await verbs.act(Command(1, f"{name}{args}", name, "ann", args=args))  # type: ignore[arg-type]


async def test_a_persons_program_is_tried_and_judged_like_any_other(ideas: Ideas) -> None:
    await opened(ideas, PLAIN, None)
    verbs = IdeaVerbs(Running(ideas, ideas.book))  # type: ignore[arg-type]
    reply = await verb(verbs, "fork", hypothesis=1, note="look twice", program=LOOKS)
    assert reply.accepted and reply.data == {"hypothesis": 2}
    await verbs.drain()
    idea = ideas.tree.get(2)
    assert (idea.author, idea.claim, idea.status) == ("ann", "look twice", "kept")
    scored = {s.seed_set for s in ideas.book.of(HypothesisScored) if s.hypothesis == 2}  # type: ignore[attr-defined]
    assert scored == {"dev", "selection"}
    three = await opened(ideas, PLACES)
    reply = await verb(verbs, "borrow", into=2, donor=three)
    await verbs.drain()
    assert ideas.tree.get(reply.data["hypothesis"]).borrowed_from == (three,)


async def test_a_fork_without_a_program_is_a_wish_the_agent_is_told(ideas: Ideas) -> None:
    await opened(ideas, PLAIN, None)
    engine = Running(ideas, ideas.book)
    reply = await verb(IdeaVerbs(engine), "fork", hypothesis=1, note="try the other side")  # type: ignore[arg-type]
    assert reply.accepted and len(ideas.tree.nodes) == 1
    assert ideas.forks_asked[0].note == "try the other side" and engine.conversation.said


@pytest.mark.parametrize(
    ("name", "args", "said"),
    [
        ("fork", {"hypothesis": 9, "note": "x"}, "there is no hypothesis 9"),
        ("fork", {"hypothesis": 1, "note": " "}, "say what it should try"),
        ("fork", {"hypothesis": 1, "note": "x", "program": PLAIN}, "is hypothesis 1 already"),
        ("fork", {"hypothesis": 1, "note": "x", "program": "import os\n"}, "import"),
        ("fork", {"hypothesis": 1, "note": "x" * 401}, "note"),
        ("borrow", {"into": 1, "donor": 1}, "one line"),
        ("prune", {"hypothesis": 1, "reason": 5}, "reason"),
        ("prune", {"hypothesis": 1}, "reason"),
    ],
)
async def test_what_cannot_be_done_is_one_line(
    ideas: Ideas, name: str, args: dict[str, Any], said: str
) -> None:
    await opened(ideas, PLAIN, None)
    reply = await verb(IdeaVerbs(Running(ideas)), name, **args)  # type: ignore[arg-type]
    assert not reply.accepted and said in reply.reason and "\n" not in reply.reason


async def test_a_session_without_a_tree_says_so() -> None:
    reply = await verb(IdeaVerbs(Running(None)), "prune", hypothesis=1, reason="x")  # type: ignore[arg-type]
    assert not reply.accepted and "only runs have one" in reply.reason
