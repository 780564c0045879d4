"""The hypothesis tree of one run: programs, parents, and what each seed set said. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from aspire_tui.domain import HypothesisStatus, Repair


@dataclass
class Hypothesis:
    """A node: a program with a claim, and its outcomes per seed."""

    number: int
    parent: int | None
    program: str
    claim: str
    repairs: tuple[Repair, ...] = ()
    status: HypothesisStatus = "open"
    dev: dict[int, bool] = field(default_factory=dict)
    selection: dict[int, bool] = field(default_factory=dict)


class UnknownHypothesis(KeyError):
    """No node has this number."""


@dataclass
class Tree:
    """All hypotheses of a run, by number from 1."""

    nodes: dict[int, Hypothesis] = field(default_factory=dict)
    taken: int = 0
    """Numbers up to this one belong to hypotheses of an earlier part of the session."""

    def add(
        self, parent: int | None, program: str, claim: str, repairs: tuple[Repair, ...]
    ) -> Hypothesis:
        if parent is not None:
            self.get(parent)
        node = Hypothesis(max(len(self.nodes), self.taken) + 1, parent, program, claim, repairs)
        self.nodes[node.number] = node
        return node

    def get(self, number: int) -> Hypothesis:
        if number not in self.nodes:
            raise UnknownHypothesis(f"there is no hypothesis {number}")
        return self.nodes[number]

    def best(self) -> Hypothesis | None:
        """The last kept node, else the first: what a run stands by when its agent is gone."""
        kept = [n for n in self.nodes.values() if n.status in ("kept", "promoted")]
        if kept:
            return kept[-1]
        return self.nodes.get(1)
