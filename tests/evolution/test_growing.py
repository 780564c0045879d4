"""The tree: what may become of an idea, and that a borrowed one is judged anew."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_merge import BASE, LOOKS, REGRASPS

from aspire_tui.evolution.growing import (
    MAY_BECOME,
    Idea,
    IdeaTree,
    TreeError,
    borrow,
    fork,
    move,
    prune,
    replace,
    root,
    settle,
)

SEEDS = range(1, 97, 4)


def outcomes(*failing: int) -> dict[int, bool]:
    return {s: i not in failing for i, s in enumerate(SEEDS)}


@pytest.fixture
def two() -> IdeaTree:
    """A root that fails nine scenes, and two branches that fix some each."""
    tree = root(BASE, "plain", "rules")
    tree = tree.with_idea(replace(tree.get(1), selection=outcomes(*range(12))))
    tree, _ = fork(tree, 1, LOOKS, "look closer", "rules")
    tree, _ = fork(tree, 1, REGRASPS, "grasp again", "ann")
    tree, one = settle(tree, 2, outcomes(*range(6)))
    tree, other = settle(tree, 3, outcomes(*range(6, 12)))
    assert one.status == other.status == "kept"
    return tree


def test_a_borrowed_idea_joins_both_and_is_open_until_judged(two: IdeaTree) -> None:
    tree, new = borrow(two, 2, 3, "rules")
    assert (new.number, new.parent, new.borrowed_from, new.status) == (4, 2, (3,), "open")
    assert "look_at_object" in new.program and "answer_2" in new.program
    tree, decision = settle(tree, 4, outcomes())
    assert decision.status == "kept" and tree.get(4).status == "kept"


def test_a_merge_that_is_worse_than_what_it_borrowed_from_is_pruned(two: IdeaTree) -> None:
    better_donor = two.with_idea(replace(two.get(3), selection=outcomes()))
    tree, _ = borrow(better_donor, 2, 3, "rules")
    tree, decision = settle(tree, 4, outcomes(5))
    assert decision.status == "pruned" and "no better than H3 alone" in tree.get(4).reason


def test_a_merge_is_never_judged_by_what_it_borrowed(two: IdeaTree) -> None:
    tree, _ = borrow(two, 2, 3, "rules")
    assert tree.get(4).selection == {}
    with pytest.raises(TreeError, match="not run on the same selection scenes"):
        settle(tree, 4, {2: True})


def test_what_cannot_be_borrowed_is_said_in_one_line(two: IdeaTree) -> None:
    with pytest.raises(TreeError, match="are one line"):
        borrow(two, 2, 1, "rules")
    tree, _ = fork(two, 1, BASE.replace("close_gripper()", "close_gripper(9)"), "firm", "rules")
    with pytest.raises(TreeError, match="H4 into H3: line 5: both changed it"):
        borrow(tree, 3, 4, "rules")


def test_a_missing_parent_is_named() -> None:
    tree = IdeaTree({1: Idea(1, None, BASE, "a", "x"), 3: Idea(3, 2, LOOKS, "b", "x")})
    with pytest.raises(TreeError, match="hypothesis 3 has parent 2, which is not in the tree"):
        tree.line(3)
    circle = IdeaTree({1: Idea(1, 2, BASE, "a", "x"), 2: Idea(2, 1, LOOKS, "b", "x")})
    with pytest.raises(TreeError, match="its own ancestor"):
        circle.line(1)


def test_the_next_round_is_told_what_was_given_up_and_why(two: IdeaTree) -> None:
    tree = prune(two, 2, "the camera is gone")
    assert tree.eliminated() == ["H2 look closer: the camera is gone"]
    tree, again = fork(tree, 2, LOOKS + "wait(1)\n", "look closer, later", "ann")
    assert again.parent == 2 and again.status == "open"


def test_the_same_program_twice_and_no_claim_are_refused(two: IdeaTree) -> None:
    with pytest.raises(TreeError, match="is hypothesis 2 already"):
        fork(two, 1, LOOKS, "again", "ann")
    with pytest.raises(TreeError, match="needs a claim"):
        fork(two, 1, "wait(1)\n", " ", "ann")


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(sorted(MAY_BECOME)), st.booleans()), max_size=8))
def test_only_allowed_ways_and_never_without_a_reason(ways) -> None:
    tree = root(BASE, "plain", "rules")
    for to, with_reason in ways:
        before = tree.get(1).status
        allowed = to in MAY_BECOME[before] and with_reason
        try:
            tree = move(tree, 1, to, "because" if with_reason else " ")
            assert allowed
        except TreeError:
            assert not allowed and tree.get(1).status == before
