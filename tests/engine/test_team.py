"""Members of a team: one tree, a branch each, and nothing crosses but what was proven."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from two_faults import LOOKS, PLACES, PLAIN, Bench, Written, ideas_on, opened

from aspire_tui.engine.agent_host import Turns
from aspire_tui.engine.search import Search
from aspire_tui.engine.team import Fence, Team, name_of
from aspire_tui.environment.task_file import find_task
from aspire_tui.events import AgentTurn
from aspire_tui.evolution.stopping import Rules

TASK = find_task("cube_lift")


class Two:
    """Two members on one task, in the world with two faults."""

    def __init__(self) -> None:
        self.ideas = ideas_on(TASK)
        self.ideas.shared = True
        self.names = [name_of("rules", i, 2) for i in (1, 2)]
        self.team = Team(self.ideas.tree, dict.fromkeys(self.names, TASK))
        world: Any = self.ideas.trials
        self.world: Bench = world
        self.searches = [
            Search(
                self.ideas,
                world,
                Rules(),
                4,
                by=n,
                mine=partial(self.team.is_of, n),
                offered=partial(self.team.offered_to, n),
            )
            for n in self.names
        ]
        reader: Any = SimpleNamespace(trial=lambda number: None)
        self.fences = [Fence(self.team, n, reader) for n in self.names]

    async def begin(self) -> list[int]:
        return [await opened(self.ideas, PLAIN, None, author=n) for n in self.names]


@pytest.fixture
def two() -> Two:
    return Two()


async def test_both_begin_at_the_same_program_and_it_is_run_once(two: Two) -> None:
    assert await two.begin() == [1, 1]
    for name in two.names:
        ran = await two.ideas.try_on_dev(1, range(4), bench=False, author=name)
        assert sorted(ran) == [0, 1, 2, 3]
    assert len(two.world.ran) == 4
    await two.ideas.try_on_dev(1, range(4), bench=False, author=two.names[0])
    assert len(two.world.ran) == 8  # who asks again for itself gets it run again


async def test_the_same_program_for_another_task_is_another_hypothesis(two: Two) -> None:
    await two.begin()
    other = ideas_on(find_task("cube_stack"))
    other.tree, other.shared = two.ideas.tree, True
    assert await opened(other, PLAIN, None, author="rules-2") == 2


async def test_what_one_has_proven_the_other_may_borrow_and_nothing_else(two: Two) -> None:
    await two.begin()
    one, other = two.searches
    looks = await opened(two.ideas, LOOKS, author="rules-1")
    assert (await other.brief()).offers == ()
    for tool, given in (
        ("run", {"hypothesis": looks}),
        ("open_hypothesis", {"parent": looks}),
        ("race", {"hypotheses": (looks,)}),
        ("program", {"hypothesis": looks}),
        ("borrow", {"into": 1, "donor": looks}),
    ):
        assert two.fences[0].refuses(tool, given) == ""
        assert "H2" in two.fences[1].refuses(tool, given), tool
    assert (await one.race([looks], "rules-1")).kept == (looks,)
    assert [o.hypothesis for o in (await other.brief()).offers] == [looks]
    assert two.fences[1].refuses("program", {"hypothesis": looks}) == ""
    assert two.fences[1].refuses("prune", {"hypothesis": looks})
    places = await opened(two.ideas, PLACES, author="rules-2")
    raced = await other.race([places], "rules-2")
    joined = two.ideas.tree.get(raced.best)
    assert (joined.author, joined.parent, joined.borrowed_from) == ("rules-2", places, (looks,))
    assert joined.status == "kept" and all(joined.selection.values())
    assert one.best().number == looks  # its own branch is where it was
    assert [o.hypothesis for o in (await one.brief()).offers] == [places, joined.number]


async def test_a_persons_fork_is_on_the_branch_it_forks(two: Two) -> None:
    await two.begin()
    looks = await opened(two.ideas, LOOKS, author="rules-1")
    forked = two.ideas.tree.get(await opened(two.ideas, PLACES, looks, author="ann"))
    assert two.team.is_of("rules-1", forked) and not two.team.is_of("rules-2", forked)


async def test_the_record_says_thinking_while_anybody_thinks() -> None:
    book = Written()
    turns = Turns(book)  # type: ignore[arg-type]
    for act in (turns.begin("a"), turns.begin("b"), turns.end("a"), turns.end("a")):
        await act
    assert [e.open for e in book.of(AgentTurn)] == [True]
    await turns.end("b")
    assert [e.open for e in book.of(AgentTurn)] == [True, False]
