"""Several agents in one session, each on its own branch of one tree.

Between branches nothing crosses but what was proven: a kept hypothesis, to be borrowed and judged
anew, and skills of the library. Who is admitted is decided by selection scenes, never by a member.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aspire_tui.environment.task import TaskDef
from aspire_tui.evolution.growing import STANDING, Idea
from aspire_tui.evolution.tree import Tree
from aspire_tui.session.reader import SessionReader

OWN = ("hypothesis", "parent", "into", "best")
"""Arguments of tools that name a hypothesis of one's own branch."""
TRIALS = ("trial", "a", "b")


def name_of(agent: str, member: int, team: int) -> str:
    """What a member signs with: ``rules`` alone, ``rules-2`` in a team. Members count from 1."""
    return agent if team == 1 else f"{agent}-{member}"


@dataclass
class Team:
    """Who works on what."""

    tree: Tree
    tasks: Mapping[str, TaskDef]
    """Task by member's name."""
    roots: dict[int, str] = field(default_factory=dict)
    """Task of a first program, by its number."""

    def author_of(self, idea: Idea) -> str:
        """The member on whose branch an idea is; a person's idea is on the branch it forks. Empty
        for what all have in common."""
        for above in reversed(self.tree.ideas.line(idea.number)):
            if above.parent is None:
                return ""
            if above.author in self.tasks:
                return above.author
        return ""

    def task_of(self, idea: Idea) -> str:
        root = self.tree.ideas.line(idea.number)[0]
        known = self.tasks.get(root.author)
        return known.name if known else ""

    def is_of(self, member: str, idea: Idea) -> bool:
        """On the member's branch, or the common first program of its task."""
        owner = self.author_of(idea)
        return owner == member or (
            not owner and self.task_of(idea) in ("", self.tasks[member].name)
        )

    def offered_to(self, member: str) -> Sequence[Idea]:
        """What others on the same task have proven."""
        return [
            i
            for i in self.tree.nodes.values()
            if i.status in STANDING
            and not self.is_of(member, i)
            and self.task_of(i) == self.tasks[member].name
        ]


@dataclass
class Fence:
    """Keeps a member's tools on its own branch."""

    team: Team
    member: str
    reader: SessionReader

    def refuses(self, tool: str, given: Mapping[str, Any]) -> str:
        """Why a tool use would cross to another branch; empty when it would not."""
        named = [given[a] for a in OWN if given.get(a) is not None]
        named += given.get("hypotheses", ())
        for number in named:
            idea = self.team.tree.nodes.get(number)
            if idea is None or self.team.is_of(self.member, idea):
                continue
            if tool == "program" and idea in self.team.offered_to(self.member):
                continue
            return f"H{number} is {self.team.author_of(idea)}'s; when it is offered, borrow it"
        if "donor" in given and self.team.tree.nodes.get(given["donor"]) not in (
            *self.team.offered_to(self.member),
            *(i for i in self.team.tree.nodes.values() if self.team.is_of(self.member, i)),
        ):
            return f"H{given['donor']} is not offered: only what was proven may be borrowed"
        for number in (given[a] for a in TRIALS if a in given):
            row = self.reader.trial(number)
            idea = self.team.tree.nodes.get(row.hypothesis or 0) if row is not None else None
            if idea is not None and not self.team.is_of(self.member, idea):
                return f"trial {number} is another member's"
        return ""
