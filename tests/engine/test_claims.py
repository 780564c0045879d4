"""What a repair names, read from a real recording, and what the engine makes of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from two_faults import LOOKS, PLACES, PLAIN, ideas_on, opened

from aspire_tui.engine.claims import Claims
from aspire_tui.engine.resume import grown
from aspire_tui.environment.task_file import find_task
from aspire_tui.evolution.gate import primitives_here
from aspire_tui.evolution.growing import Idea, replace
from aspire_tui.evolution.selection import Named
from aspire_tui.evolution.tree import Tree
from aspire_tui.session.reader import SessionReader

RECORDED = Path(__file__).parents[2] / "sessions" / "stack-repaired.db"


@pytest.fixture(scope="module")
def recorded() -> Iterator[tuple[Claims, Tree]]:
    with SessionReader(RECORDED) as reader:
        yield Claims(reader, primitives_here()), grown(reader, ())


async def test_a_recorded_repair_got_past_what_it_named(recorded: tuple[Claims, Tree]) -> None:
    claims, tree = recorded
    plain, repaired = tree.get(1), tree.get(2)
    seeds = repaired.selection.keys() & plain.selection.keys()
    told = await claims.named(repaired, plain, seeds)
    assert told is not None and told.what.startswith("goto_pose BLOCKED at line ")
    assert len(told.before) == len(told.after) == len(seeds) == 32
    # Every failure of this program was at the grasp: past it and passed are nearly the same.
    assert sum(told.before) >= sum(plain.selection.values())
    assert sum(told.after) >= sum(repaired.selection.values())
    ended = await claims.ended(repaired, plain, "selection")
    fixed = {s for s in seeds if repaired.selection[s] and not plain.selection[s]}
    assert ended <= {s for s in seeds if not plain.selection[s]} and len(fixed - ended) <= 1


async def test_what_names_nothing_of_its_parent_has_no_claim(
    recorded: tuple[Claims, Tree],
) -> None:
    claims, tree = recorded
    plain, repaired = tree.get(1), tree.get(2)
    seeds = sorted(repaired.selection)
    cases: list[tuple[Idea, Idea]] = [
        (replace(repaired, repairs=()), plain),
        (replace(repaired, borrowed_from=(3,)), plain),
        (repaired, replace(plain, number=3)),  # the trial it names is of another program
    ]
    for idea, parent in cases:
        assert await claims.named(idea, parent, seeds) is None
        assert await claims.ended(idea, parent, "selection") == frozenset()
    assert await claims.named(repaired, plain, [*seeds, 99]) is None  # a scene nobody ran


class Halves:
    """Says of one idea that it ended the failure it names wherever its parent failed."""

    def __init__(self, half: int) -> None:
        self.half = half

    async def named(self, idea: Idea, parent: Idea, seeds: Iterable[int]) -> Named | None:
        if idea.number != self.half:
            return None
        before = [parent.selection[s] for s in sorted(seeds)]
        return Named("look FAULT at line 1", before, [True] * len(before))

    async def ended(self, idea: Idea, parent: Idea, which: str) -> frozenset[int]:
        ran = parent.selection if which == "selection" else parent.dev
        return frozenset(s for s, p in ran.items() if idea.number == self.half and not p)


async def test_a_half_is_kept_by_what_it_named_and_says_so() -> None:
    ideas = ideas_on(find_task("cube_lift"))
    await opened(ideas, PLAIN, None)
    useless = await opened(ideas, "look()\nx = grasp(1)\nx = grasp(1)\nplace(2)\n")
    ideas.claims = Halves(useless)  # type: ignore[assignment]
    judged = await ideas.judge(useless)
    assert judged.status == "kept" and "past look FAULT at line 1" in judged.reason
    other = await opened(ideas, LOOKS)
    joined = await ideas.borrow(other, useless, "rules")
    ideas.claims = Halves(joined.number)  # type: ignore[assignment]
    await ideas.judge(other)
    assert (await ideas.judge(joined.number)).status == "pruned"  # a merge proves the whole trial
    assert await ideas.ended(await opened(ideas, PLACES), "dev") == frozenset()
