"""The hypothesis tree of a run as it grows: changed by the operations of ``growing`` alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aspire_tui.domain import HypothesisStatus, Repair
from aspire_tui.evolution import growing
from aspire_tui.evolution.growing import STANDING, Idea, IdeaTree, replace
from aspire_tui.evolution.selection import Decision, Named

Hypothesis = Idea


@dataclass
class Tree:
    """All hypotheses of a run, by number from 1."""

    ideas: IdeaTree = field(default_factory=IdeaTree)
    taken: int = 0
    """Numbers up to this one belong to hypotheses of an earlier part of the session."""

    @property
    def nodes(self) -> Mapping[int, Idea]:
        return self.ideas.ideas

    def add(
        self,
        parent: int | None,
        program: str,
        claim: str,
        repairs: tuple[Repair, ...] = (),
        *,
        author: str = "",
        difference: str = "",
        if_wrong: str = "",
    ) -> Idea:
        """A new idea under ``parent``; None for a first program."""
        if parent is not None:
            self.get(parent)
        new = Idea(
            number=self.next_number(),
            parent=parent,
            program=program,
            claim=claim,
            author=author,
            difference=difference,
            if_wrong=if_wrong,
            repairs=repairs,
        )
        return self.put(new)

    def put(self, idea: Idea) -> Idea:
        """An idea as it is, in place of whatever had its number."""
        self.ideas = self.ideas.with_idea(idea)
        return idea

    def next_number(self) -> int:
        """The lowest number nobody has: an agent that repeats itself finds its own ones again."""
        number = self.taken + 1
        while number in self.nodes:
            number += 1
        return number

    def get(self, number: int) -> Idea:
        return self.ideas.get(number)

    def check_fork(self, at: int, program: str, claim: str) -> None:
        """See :func:`aspire_tui.evolution.growing.check_fork`."""
        growing.check_fork(self.ideas, at, program, claim)

    def borrow(self, into: int, donor: int, author: str) -> Idea:
        """See :func:`aspire_tui.evolution.growing.borrow`."""
        return self._numbered(growing.borrow(self.ideas, into, donor, author)[1])

    def _numbered(self, new: Idea) -> Idea:
        return self.put(replace(new, number=self.next_number()))

    def move(self, number: int, to: HypothesisStatus, reason: str) -> Idea:
        self.ideas = growing.move(self.ideas, number, to, reason)
        return self.get(number)

    def settle(
        self, number: int, outcomes: Mapping[int, bool], named: Named | None = None
    ) -> Decision:
        self.ideas, decision = growing.settle(self.ideas, number, dict(outcomes), named)
        return decision

    def ran(self, number: int, which: str, passed: Mapping[int, bool]) -> Idea:
        """More outcomes by seed, on ``dev`` or ``selection`` scenes."""
        idea = self.get(number)
        if which == "dev":
            return self.put(replace(idea, dev={**idea.dev, **passed}))
        return self.put(replace(idea, selection={**idea.selection, **passed}))

    def best(self) -> Idea | None:
        """What selection scenes say is best, else the first: what a run stands by by itself."""
        kept = [n for n in self.nodes.values() if n.status in STANDING]
        if kept:
            return max(kept, key=lambda n: (sum(n.selection.values()), n.number))
        return self.nodes.get(1)
