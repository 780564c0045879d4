"""Rounds: who races, who is stopped, what is judged and joined, and when it is over."""

from __future__ import annotations

import pytest
from two_faults import LOOKS, PLACES, PLAIN, Bench, Written, fault_of, ideas_on, opened

from aspire_tui.domain import Budget, SeenCell
from aspire_tui.engine.search import Search
from aspire_tui.environment.task_file import find_task
from aspire_tui.errors import ConfigError
from aspire_tui.events import DryRunReported, RoundBegan, RoundEnded
from aspire_tui.evolution.criterion import until
from aspire_tui.evolution.growing import ForkAsked, TreeError
from aspire_tui.evolution.stopping import Rules

TASK = find_task("cube_lift")
SEEN = SeenCell(0.0, (), 0.07, 0.0, (), None, ())
WAITS = "look()\nwait(1)\nx = grasp(1)\nplace(2)\n"
GRASPS = "look()\nx = grasp(1)\nx = grasp(1)\nplace(2)\n"


def search(budget: Budget | None = None, candidates: int = 4, **rules: int) -> Search:
    ideas = ideas_on(TASK, budget)
    ideas.names = {**ideas.names, "wait": None}  # type: ignore[dict-item]
    ends = Rules(until("", TASK.criterion.selection_n), **rules)
    return Search(ideas, ideas.trials, ends, candidates)  # type: ignore[arg-type]


def world(s: Search) -> Bench:
    return s.ideas.trials  # type: ignore[return-value]


def book(s: Search) -> Written:
    return s.ideas.book  # type: ignore[return-value]


async def test_a_round_finds_both_repairs_joins_them_and_ends_in_success() -> None:
    s = search()
    await opened(s.ideas, PLAIN, None)
    told = await s.brief()
    assert (told.baseline, told.stop, told.candidates) == (1, "", 4)
    assert {f.implicated for f in told.top[0].failures} == {1, 2}
    numbers = [await opened(s.ideas, p) for p in (LOOKS, WAITS, PLACES, GRASPS)]
    raced = await s.race(numbers, "rules")
    status = {n: s.ideas.tree.get(n).status for n in s.ideas.tree.nodes}
    assert status == {1: "open", 2: "kept", 3: "pruned", 4: "kept", 5: "pruned", 6: "kept"}
    assert s.ideas.tree.get(6).borrowed_from and raced.best == 6 and raced.merged == (6,)
    assert raced.stop.startswith("success")
    assert [f.hypothesis for f in raced.fates] == [2, 3, 4, 5, 6] and all(
        f.why for f in raced.fates
    )
    assert (await s.brief()).stop == raced.stop
    with pytest.raises(TreeError, match="search has ended: success"):
        await s.race([7], "rules")
    assert [e.candidates for e in book(s).of(RoundBegan)] == [(2, 3, 4, 5)]
    assert book(s).of(RoundEnded)[0].kept == (2, 4, 6)


async def test_a_branch_that_was_promoted_meanwhile_is_joined_like_any_that_stands() -> None:
    s = search()
    await opened(s.ideas, PLAIN, None)
    await s.race([await opened(s.ideas, LOOKS)], "rules")
    await s.ideas.promoted(2, "promoted as look-first by ann: admitted")
    assert s.ideas.tree.get(2).status == "promoted"
    await s.race([await opened(s.ideas, PLACES)], "rules")
    joined = s.ideas.tree.get(4)
    assert joined.status == "kept" and {joined.parent, *joined.borrowed_from} == {2, 3}


async def test_the_useless_are_stopped_early_and_never_see_selection_scenes() -> None:
    s = search()
    await opened(s.ideas, PLAIN, None)
    numbers = [await opened(s.ideas, p) for p in (LOOKS, WAITS, GRASPS)]
    await s.race(numbers, "rules")
    ran = {n: [w for w in world(s).ran if w.hypothesis == n] for n in (2, 3, 4)}
    assert {w.seed_set for w in ran[3]} == {w.seed_set for w in ran[4]} == {"dev"}
    assert sum(w.seed_set == "dev" for w in ran[2]) == TASK.criterion.dev_n
    assert len({(w.hypothesis, w.seed) for w in world(s).ran}) == len(world(s).ran)
    first = [fault_of(w.seed) for w in ran[3]][:2]
    assert sorted(first) == [1, 2]  # a scene of each kind of failure comes first


async def test_what_was_given_up_does_not_race_again_in_another_layout() -> None:
    s = search()
    await opened(s.ideas, PLAIN, None)
    await s.race([await opened(s.ideas, WAITS)], "rules")
    told = await s.brief()
    assert told.eliminated and "H2" in told.eliminated[0]
    before = len(world(s).ran)
    again = await opened(s.ideas, "# another day\n" + WAITS)
    raced = await s.race([again], "rules")
    assert "eliminated before" in raced.fates[0].why
    assert len(world(s).ran) == before and s.ideas.tree.get(again).status == "pruned"


async def test_more_candidates_than_the_budget_carries_is_one_line_and_nothing_runs() -> None:
    s = search(Budget(max_trials=14))
    await opened(s.ideas, PLAIN, None)
    await s.brief()
    numbers = [await opened(s.ideas, p) for p in (LOOKS, WAITS, GRASPS)]
    with pytest.raises(ConfigError, match=r"3 candidates need 12 trials to begin.* has 2: raise"):
        await s.race(numbers, "rules")
    assert len(world(s).ran) == TASK.criterion.dev_n


async def test_plateau_and_rounds_end_it_in_one_place() -> None:
    s = search(plateau=1)
    await opened(s.ideas, PLAIN, None)
    for text in (WAITS, GRASPS):
        raced = await s.race([await opened(s.ideas, text)], "rules")
    # Nobody was judged, so no selection score rose: rounds alone would go on.
    assert raced.stop.startswith("plateau")
    s = search(rounds=1)
    await opened(s.ideas, PLAIN, None)
    raced = await s.race([await opened(s.ideas, WAITS)], "rules")
    assert raced.stop == "budget: 1 rounds, as many as were asked for"


@pytest.mark.parametrize(
    ("candidates", "why"),
    [([1], "needs a baseline"), ([2, 3, 4, 5, 6], "races 4 a round"), ([9], "no hypothesis 9")],
)
async def test_what_cannot_race_is_one_line(candidates: list[int], why: str) -> None:
    s = search()
    await opened(s.ideas, PLAIN, None)
    with pytest.raises(TreeError, match=why):
        await s.race(candidates, "rules")


async def test_a_wish_is_told_until_a_candidate_takes_it_up() -> None:
    s = search()
    await opened(s.ideas, PLAIN, None)
    s.ideas.forks_asked.append(ForkAsked(1, "the other side", "ann"))
    assert [(w.who, w.note) for w in (await s.brief()).wishes] == [("ann", "the other side")]
    await s.race([await opened(s.ideas, WAITS)], "rules")
    assert (await s.brief()).wishes == ()


async def test_on_one_bench_the_stand_in_keeps_away_what_it_refuses() -> None:
    s = search()
    await opened(s.ideas, PLAIN, None)
    good, bad = await opened(s.ideas, LOOKS), await opened(s.ideas, PLACES)
    asked: list[str] = []

    async def dry_run(program: str) -> DryRunReported:
        asked.append(program)
        ended = "raised" if program == PLACES else "returned"
        return DryRunReported("p", "t", "pre-screen", SEEN, ended)  # type: ignore[arg-type]

    s.ideas.dry_run = dry_run
    raced = await s.race([good, bad], "rules")
    assert asked == [PLAIN, LOOKS, PLACES]
    assert {w.hypothesis for w in world(s).ran} == {1, good}, "it never came to the bench"
    assert "pre-screened in the stand-in" in s.ideas.tree.get(bad).reason
    assert raced.kept == (good,)
