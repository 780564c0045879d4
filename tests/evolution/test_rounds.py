"""What a round runs first, who of a race is judged, and which branches could be joined."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from test_merge import BASE, LOOKS, REGRASPS

from aspire_tui.evolution.growing import Idea, IdeaTree
from aspire_tui.evolution.halving import cut
from aspire_tui.evolution.rounds import apart, order_of_scenes, ranked, worth_judging


@settings(deadline=None)
@given(st.dictionaries(st.integers(0, 30), st.integers(0, 4)), st.integers(1, 30))
def test_every_scene_runs_once_and_what_fails_first(failing: dict[int, int], scenes: int) -> None:
    order = order_of_scenes(failing, scenes)
    assert sorted(order) == list(range(scenes))
    here = [s for s in failing if s < scenes]
    assert set(order[: len(here)]) == set(here)
    kinds = {failing[s] for s in here}
    assert {failing[s] for s in order[: len(kinds)]} == kinds  # one scene of each kind comes first


def test_who_alone_passes_a_scene_is_not_outrun_by_many_that_do_the_same() -> None:
    same = [True, True, True, False, False, False, False, False]
    outcomes = {1: [False] * 8, 2: same, 3: same, 4: same, 5: [False] * 7 + [True]}
    gone = cut(outcomes, keep=3, baseline=1)
    assert set(gone.alive) == {1, 2, 5} and set(gone.stopped) == {3, 4}


def test_judged_is_who_fixes_more_than_it_breaks_and_something_of_its_own() -> None:
    before = {s: s >= 6 for s in range(12)}
    fixes_three = {**before, 0: True, 1: True, 2: True}
    the_same = {**before, 0: True, 1: True}
    the_others = {**before, 4: True, 5: True}
    breaks = {**before, 0: True, 6: False}
    chosen, left = worth_judging(before, {2: fixes_three, 3: the_same, 4: the_others, 5: breaks}, 2)
    assert chosen == [2, 4]
    assert "fixes nothing that a better one does not fix" in left[3]
    assert "no better than the baseline: 6/12 dev scenes, 6/12 before" in left[5]


def test_a_branch_from_elsewhere_is_measured_where_it_comes_from() -> None:
    """It lacks what the baseline gained since, and holds the other half."""
    root = {s: s >= 9 for s in range(12)}
    baseline = {**root, **dict.fromkeys(range(5), True)}
    other_half = {**root, 5: True, 6: True}
    again = {**root, 0: True, 1: True}
    alone, _ = worth_judging(baseline, {3: other_half}, 2)
    assert alone == []
    chosen, left = worth_judging(
        baseline, {3: other_half, 4: again, 5: root}, 2, parents={3: root, 4: root, 5: root}
    )
    assert chosen == [3]
    assert "fixes nothing that a better one does not fix" in left[4]
    assert "no better than its parent: 3/12 dev scenes, 3/12 before" in left[5]


def kept(number: int, program: str, *passes: int, borrowed: tuple[int, ...] = ()) -> Idea:
    selection = {s: s in passes for s in range(6)}
    return Idea(
        number, 1, program, "c", "a", borrowed_from=borrowed, status="kept", selection=selection
    )


def test_branches_are_joined_when_each_passes_what_the_other_fails() -> None:
    root = Idea(1, None, BASE, "c", "a", selection=dict.fromkeys(range(6), False))
    two, three = kept(2, LOOKS, 0, 1, 2), kept(3, REGRASPS, 2, 3)
    tree = IdeaTree({1: root, 2: two, 3: three})
    assert apart(tree, [3, 2]) == [(2, 3)]  # the better one comes first
    assert apart(tree.with_idea(kept(3, REGRASPS, 0, 1)), [2, 3]) == []  # it adds nothing
    joined = kept(4, LOOKS + REGRASPS, 0, 4, borrowed=(3,))
    assert apart(tree.with_idea(joined), [3, 4]) == []  # joined already
    assert [i.number for i in ranked(tree)] == [2, 3, 1]


def test_who_ended_the_failure_it_names_is_judged_though_it_passes_no_more() -> None:
    before = {s: s >= 9 for s in range(12)}
    same, better = dict(before), {**before, 0: True}
    assert worth_judging(before, {2: same, 3: better}, 2)[0] == [3]
    chosen, _ = worth_judging(before, {2: same, 3: better}, 2, {2: frozenset({4, 5, 6})})
    assert chosen == [2, 3]
    _, left = worth_judging(
        before, {2: same, 3: same}, 2, {2: frozenset({4, 5}), 3: frozenset({4})}
    )
    assert "past the failure it names on 1 more" in left[3]


def test_two_halves_in_a_row_are_joined_though_only_one_of_them_passes_more() -> None:
    """The first fault's repair passes nothing alone: the second stands behind it."""
    root = Idea(1, None, BASE, "c", "a", selection=dict.fromkeys(range(6), False))
    tree = IdeaTree({1: root, 2: kept(2, LOOKS), 3: kept(3, REGRASPS, 4, 5)})
    assert apart(tree, [2, 3]) == []
    assert apart(tree, [2, 3], {2: frozenset({0, 1})}) == [(2, 3)]
    assert apart(tree, [2, 3], {2: frozenset({0}), 3: frozenset({0})}) == []
