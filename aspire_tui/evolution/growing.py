"""What may happen to a hypothesis tree: fork, borrow, prune, keep, promote. Pure.

``open`` becomes ``kept`` or ``pruned``; ``kept`` becomes ``promoted`` or, when it no longer holds,
``pruned``. Nothing comes back: who believes in a pruned idea forks it anew, with a new claim.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from aspire_tui.domain import HypothesisStatus, Repair, Struct
from aspire_tui.errors import ConfigError
from aspire_tui.evolution.merge import MergeConflict, merge
from aspire_tui.evolution.selection import Decision, Named, decide, decide_joined

replace = msgspec.structs.replace

MAY_BECOME: dict[HypothesisStatus, frozenset[HypothesisStatus]] = {
    "open": frozenset({"kept", "pruned"}),
    "kept": frozenset({"promoted", "pruned"}),
    "promoted": frozenset(),
    "pruned": frozenset(),
}

STANDING: frozenset[HypothesisStatus] = frozenset({"kept", "promoted"})
"""Proven on selection scenes and not given up since."""


class Idea(Struct, frozen=True):
    """A node: a program, what it claims, where it comes from, and what was decided."""

    number: int
    parent: int | None
    program: str
    claim: str
    author: str
    difference: str = ""
    if_wrong: str = ""
    borrowed_from: tuple[int, ...] = ()
    repairs: tuple[Repair, ...] = ()
    status: HypothesisStatus = "open"
    reason: str = ""
    dev: dict[int, bool] = {}
    """PASS by development seed."""
    selection: dict[int, bool] = {}
    """PASS by selection seed."""


class ForkAsked(NamedTuple):
    """A person wants a new line of ideas at a node, and says what it should look at."""

    hypothesis: int
    note: str
    who: str


class TreeError(ConfigError):
    """This cannot be done to this tree. One line."""


class IdeaTree(Struct, frozen=True):
    """All ideas of a run, by number. Operations give a new tree."""

    ideas: dict[int, Idea] = {}

    def get(self, number: int) -> Idea:
        if number not in self.ideas:
            raise TreeError(f"there is no hypothesis {number}; there are {len(self.ideas)}")
        return self.ideas[number]

    def line(self, number: int) -> list[Idea]:
        """From the root to an idea.

        Raises:
            TreeError: A parent is missing, or the way up goes in a circle.
        """
        up: list[Idea] = []
        at: int | None = number
        while at is not None:
            if at not in self.ideas:
                below = up[-1].number if up else number
                raise TreeError(f"hypothesis {below} has parent {at}, which is not in the tree")
            if self.ideas[at] in up:
                raise TreeError(f"hypothesis {at} is its own ancestor")
            up.append(self.ideas[at])
            at = self.ideas[at].parent
        return up[::-1]

    def ancestor(self, one: int, other: int) -> Idea:
        """The nearest idea both come from.

        Raises:
            TreeError: They share none.
        """
        above = {i.number for i in self.line(one)}
        for idea in reversed(self.line(other)):
            if idea.number in above:
                return idea
        raise TreeError(f"hypotheses {one} and {other} come from no common program")

    def eliminated(self) -> list[str]:
        """What the next round is told not to try again, and why."""
        return [
            f"H{i.number} {i.claim}: {i.reason}"
            for i in self.ideas.values()
            if i.status == "pruned"
        ]

    def with_idea(self, idea: Idea) -> IdeaTree:
        return IdeaTree({**self.ideas, idea.number: idea})


def root(program: str, claim: str, author: str) -> IdeaTree:
    return IdeaTree({1: Idea(1, None, program, claim, author)})


def fork(
    tree: IdeaTree, at: int, program: str, claim: str, author: str, difference: str = ""
) -> tuple[IdeaTree, Idea]:
    """A new line of ideas at any node, pruned ones too, by an agent or a person.

    Raises:
        TreeError: No such node, no claim, or the same text as the parent or one of its children.
    """
    check_fork(tree, at, program, claim)
    new = Idea(_next(tree), at, program, claim, author, difference)
    return tree.with_idea(new), new


def check_fork(tree: IdeaTree, at: int, program: str, claim: str) -> None:
    """Whether this may become a child of that node.

    Raises:
        TreeError: Why not.
    """
    parent = tree.get(at)
    if not claim.strip():
        raise TreeError("a hypothesis needs a claim that a trial can prove wrong")
    for idea in (parent, *(i for i in tree.ideas.values() if i.parent == at)):
        if idea.program == program:
            raise TreeError(f"this program is hypothesis {idea.number} already")


def borrow(tree: IdeaTree, into: int, donor: int, author: str) -> tuple[IdeaTree, Idea]:
    """What another branch changed, joined into this one. It is open: selection scenes decide.

    Raises:
        TreeError: They are one line already, or both changed the same place.
    """
    here, there = tree.get(into), tree.get(donor)
    base = tree.ancestor(into, donor)
    if base.number in (into, donor):
        raise TreeError(f"hypotheses {into} and {donor} are one line; there is nothing to borrow")
    try:
        program = merge(base.program, here.program, there.program)
    except MergeConflict as conflict:
        raise TreeError(f"H{donor} into H{into}: {conflict}") from None
    if program in (here.program, there.program):
        raise TreeError(f"hypothesis {into} has what {donor} changed already")
    new = Idea(
        number=_next(tree),
        parent=into,
        program=program,
        claim=f"{here.claim}; and {there.claim}",
        author=author,
        difference=f"borrowed from H{donor}, three-way against H{base.number}",
        if_wrong="it passes no more selection scenes than either alone",
        borrowed_from=(donor,),
        repairs=(*here.repairs, *(r for r in there.repairs if r not in here.repairs)),
    )
    return tree.with_idea(new), new


def move(tree: IdeaTree, number: int, to: HypothesisStatus, reason: str) -> IdeaTree:
    """Change what an idea counts as.

    Raises:
        TreeError: Not from there, or without a reason.
    """
    idea = tree.get(number)
    if to not in MAY_BECOME[idea.status]:
        raise TreeError(f"hypothesis {number} is {idea.status}; it cannot become {to}")
    if not reason.strip():
        raise TreeError(
            f"hypothesis {number} becomes {to} with a reason, which the next round reads"
        )
    return tree.with_idea(replace(idea, status=to, reason=reason))


def prune(tree: IdeaTree, number: int, reason: str) -> IdeaTree:
    """Give an idea up, with the reason the next round is told. Its children are not touched."""
    return move(tree, number, "pruned", reason)


def settle(
    tree: IdeaTree, number: int, outcomes: dict[int, bool], named: Named | None = None
) -> tuple[IdeaTree, Decision]:
    """Judge an open idea on selection scenes against its parent; what joins branches, against each
    of them and the program they all come from.

    Args:
        named: The failure it says it ends, in the order of the sorted seeds of ``outcomes``. What
            joins branches has to prove itself on the whole trial.

    Raises:
        TreeError: It has no parent, or they were not run on the same scenes.
    """
    idea = tree.get(number)
    if idea.parent is None:
        raise TreeError(f"hypothesis {number} is the first: there is nothing to judge it against")
    if idea.borrowed_from:
        branches = {n: _same(tree.get(n), outcomes) for n in (idea.parent, *idea.borrowed_from)}
        before, after = _same(origin_of(tree, idea), outcomes)
        decision = decide_joined(before, {n: b for n, (b, _) in branches.items()}, after)
    else:
        before, after = _same(tree.get(idea.parent), outcomes)
        decision = decide(before, after, named)
    judged = replace(idea, selection={**idea.selection, **outcomes})
    grown = tree.with_idea(judged)
    return move(grown, number, decision.status, decision.reason), decision


def origin_of(tree: IdeaTree, idea: Idea) -> Idea:
    """The nearest program that everything an idea joins comes from."""
    assert idea.parent is not None
    at = tree.get(idea.parent)
    for donor in idea.borrowed_from:
        at = tree.ancestor(at.number, donor)
    return at


def _same(other: Idea, outcomes: dict[int, bool]) -> tuple[Sequence[bool], Sequence[bool]]:
    if not outcomes or not outcomes.keys() <= other.selection.keys():
        raise TreeError(f"H{other.number} was not run on the same selection scenes")
    seeds = sorted(outcomes)
    return [other.selection[s] for s in seeds], [outcomes[s] for s in seeds]


def _next(tree: IdeaTree) -> int:
    return max(tree.ideas, default=0) + 1
