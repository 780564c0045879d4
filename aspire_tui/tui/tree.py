"""The hypothesis tree of one moment in the order it is read, with the trials of each node.

Looking up a row costs what that row shows: nothing here walks the whole tree.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

from aspire_tui.domain import SeedSet
from aspire_tui.session.rows import ListedTrial, TreeRow
from aspire_tui.tui.panes.targets import Target

LEVELS_DRAWN = 12
"""Levels of a node that are drawn; what lies deeper says so."""


class Best(NamedTuple):
    """From this moment on nothing better was known."""

    mono_s: float
    share: float
    """PASS of all scenes."""


LEAST_SCENES = 5
"""A score over fewer scenes is no progress yet."""

Progress = Mapping[SeedSet, tuple[Best, ...]]
"""Each seed set by itself, oldest first; only what was better than all before."""

Trials = Mapping[int | None, tuple[ListedTrial, ...]]
"""By hypothesis, in order of number; None holds those of no hypothesis."""


@dataclass(frozen=True)
class Tree:
    """All hypotheses of a moment. An *age* is a place in ``hypotheses``, oldest first.

    Attributes:
        order: Ages as the tree is read, parents before their children.
        parents: The parent's age, by age; -1 for a root.
        depths: Levels beneath a root, by age.
        youngest: The age of the youngest child, by age; -1 without one.
        last_root: The age of the youngest root.
        ages: Age by number.
        scored: Seed sets on which anything was scored.
    """

    hypotheses: tuple[TreeRow, ...] = ()
    order: tuple[int, ...] = ()
    parents: tuple[int, ...] = ()
    depths: tuple[int, ...] = ()
    youngest: tuple[int, ...] = ()
    last_root: int = -1
    ages: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    scored: frozenset[SeedSet] = frozenset()
    trials: Trials = field(default_factory=lambda: MappingProxyType({}))
    progress: Progress = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def of(cls, hypotheses: Iterable[TreeRow], trials: Iterable[ListedTrial]) -> Tree:
        growing = GrowingTree(hypotheses)
        for trial in trials:
            growing.try_(trial)
        return growing.tree()

    def hypothesis(self, number: int | None) -> TreeRow | None:
        age = self.ages.get(-1 if number is None else number)
        return self.hypotheses[age] if age is not None else None

    def is_last(self, age: int) -> bool:
        """Whether no sibling is younger."""
        parent = self.parents[age]
        return (self.last_root if parent < 0 else self.youngest[parent]) == age

    def ancestry(self, age: int) -> list[int]:
        """The ages of the nearest ancestors below the root, nearest last, then the node's own."""
        found: list[int] = []
        while len(found) < LEVELS_DRAWN and self.parents[age] >= 0:
            found.append(age)
            age = self.parents[age]
        return found[::-1]


EMPTY_TREE = Tree()


class Row(NamedTuple):
    """One row: a hypothesis, or one of its trials."""

    age: int | None
    """None: the trial is of no hypothesis."""
    trial: ListedTrial | None = None
    trials: int = 0
    """How many the hypothesis has."""
    unfolded: bool = False


@dataclass(frozen=True)
class TreeRows:
    """The tree with the trials of some hypotheses listed beneath them; also its targets."""

    tree: Tree
    unfolded: frozenset[int] = frozenset()

    @cached_property
    def _listed(self) -> list[tuple[int, int]]:
        """Where trials are listed, and how many: places in the order of the tree, ascending."""
        tree, found = self.tree, []
        for number in self.unfolded:
            age, trials = tree.ages.get(number), tree.trials.get(number, ())
            if age is not None and trials:
                found.append((tree.order.index(age), len(trials)))
        return sorted(found)

    @property
    def _orphans(self) -> tuple[ListedTrial, ...]:
        return self.tree.trials.get(None, ())

    def __len__(self) -> int:
        return len(self._orphans) + len(self.tree.order) + sum(n for _, n in self._listed)

    def row(self, index: int) -> Row:
        orphans = self._orphans
        if index < len(orphans):
            return Row(None, orphans[index])
        tree, place = self.tree, index - len(orphans)
        for at, count in self._listed:
            if place <= at:
                break
            if place <= at + count:
                age = tree.order[at]
                number = tree.hypotheses[age].hypothesis
                return Row(age, tree.trials[number][place - at - 1])
            place -= count
        age = tree.order[place]
        number = tree.hypotheses[age].hypothesis
        return Row(age, None, len(tree.trials.get(number, ())), number in self.unfolded)

    def at(self, row: int) -> Target | None:
        if not 0 <= row < len(self):
            return None
        found = self.row(row)
        if found.trial is not None:
            return Target("trial", found.trial.trial)
        assert found.age is not None
        return Target("hypothesis", self.tree.hypotheses[found.age].hypothesis)

    def row_of(self, target: Target) -> int | None:
        if target.kind == "hypothesis":
            return self._row_of_hypothesis(target.number)
        for number in (None, *self.unfolded):
            trials = self.tree.trials.get(number, ())
            index = bisect_left(trials, target.number, key=lambda t: t.trial)
            if index < len(trials) and trials[index].trial == target.number:
                above = -1 if number is None else self._row_of_hypothesis(number)
                return None if above is None else above + 1 + index
        return None

    def step(self, row: int | None, by: int) -> int | None:
        last = len(self) - 1
        if last < 0:
            return None
        if row is None:
            return 0 if by > 0 else last
        beyond = min(max(row + by, 0), last)
        return beyond if beyond != row else None

    def _row_of_hypothesis(self, number: int) -> int | None:
        age = self.tree.ages.get(number)
        if age is None:
            return None
        place = self.tree.order.index(age)
        above = sum(count for at, count in self._listed if at < place)
        return len(self._orphans) + place + above


class GrowingTree:
    """A tree while it grows: a new node or trial is put in its place, nothing is built anew."""

    def __init__(self, hypotheses: Iterable[TreeRow] = ()) -> None:
        self.hypotheses: list[TreeRow] = []
        self.ages: dict[int, int] = {}
        self._order: list[int] = []
        self._parents: list[int] = []
        self._depths: list[int] = []
        self._youngest: list[int] = []
        self._last_root = -1
        self._scored: set[SeedSet] = set()
        self._trials: dict[int | None, tuple[ListedTrial, ...]] = defaultdict(tuple)
        self._progress: dict[SeedSet, tuple[Best, ...]] = {}
        self._of: dict[int, int | None] = {}
        """The hypothesis of every listed trial, by number."""
        for row in hypotheses:
            self._append(row)
        self._order = self._read()

    def add(self, row: TreeRow) -> None:
        """One more hypothesis, younger than all others."""
        parent = self.ages.get(row.parent, -1) if row.parent is not None else -1
        before, elder = parent, self._last_root if parent < 0 else self._youngest[parent]
        while elder >= 0:  # to the end of the branch above
            before, elder = elder, self._youngest[elder]
        place = self._order.index(before) + 1 if before >= 0 else 0
        self._order.insert(place, self._append(row))

    def _append(self, row: TreeRow) -> int:
        age = len(self.hypotheses)
        parent = self.ages.get(row.parent, -1) if row.parent is not None else -1
        if parent < 0:
            self._last_root = age
        else:
            self._youngest[parent] = age
        self.hypotheses.append(row)
        self.ages[row.hypothesis] = age
        self._parents.append(parent)
        self._depths.append(0 if parent < 0 else self._depths[parent] + 1)
        self._youngest.append(-1)
        self._scored |= row.scores.keys()
        return age

    def _read(self) -> list[int]:
        """All ages as a tree is read."""
        children: dict[int, list[int]] = defaultdict(list)
        for age, parent in enumerate(self._parents):
            children[parent].append(age)
        order, waiting = [], children[-1][::-1]
        while waiting:
            age = waiting.pop()
            order.append(age)
            waiting += reversed(children.get(age, ()))
        return order

    def change(self, row: TreeRow) -> None:
        """A known hypothesis has another score or standing."""
        self.hypotheses[self.ages[row.hypothesis]] = row
        self._scored |= row.scores.keys()

    def scored(self, seed_set: SeedSet, k: int, n: int, mono_s: float) -> None:
        """Some hypothesis was scored; kept where it is the best so far."""
        known = self._progress.get(seed_set, ())
        if n >= LEAST_SCENES and (not known or k / n > known[-1].share):
            self._progress[seed_set] = (*known, Best(mono_s, k / n))

    def known(self, number: int) -> TreeRow | None:
        age = self.ages.get(number)
        return self.hypotheses[age] if age is not None else None

    def try_(self, trial: ListedTrial) -> None:
        """A trial is new, or has changed."""
        mine = self._trials[trial.hypothesis]
        index = bisect_left(mine, trial.trial, key=lambda t: t.trial)
        kept = index + (index < len(mine) and mine[index].trial == trial.trial)
        self._trials[trial.hypothesis] = (*mine[:index], trial, *mine[kept:])
        self._of[trial.trial] = trial.hypothesis

    def tried(self, number: int) -> ListedTrial | None:
        if number not in self._of:
            return None
        mine = self._trials[self._of[number]]
        return mine[bisect_left(mine, number, key=lambda t: t.trial)]

    @property
    def listed(self) -> int:
        """How many trials are."""
        return len(self._of)

    def keep_newest(self, count: int) -> None:
        """Older trials are no longer listed."""
        while len(self._of) > count:
            oldest = next(iter(self._of))  # they came in order of number
            hypothesis = self._of.pop(oldest)
            self._trials[hypothesis] = self._trials[hypothesis][1:]

    def tree(self) -> Tree:
        """As it is now."""
        return Tree(
            hypotheses=tuple(self.hypotheses),
            order=tuple(self._order),
            parents=tuple(self._parents),
            depths=tuple(self._depths),
            youngest=tuple(self._youngest),
            last_root=self._last_root,
            ages=dict(self.ages),
            scored=frozenset(self._scored),
            trials={number: trials for number, trials in self._trials.items() if trials},
            progress=dict(self._progress),
        )
