"""What a round of the search is told, and in what order its race runs. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Mapping, Sequence
from types import MappingProxyType

from aspire_tui.evolution.growing import Idea, IdeaTree
from aspire_tui.evolution.statistics import rate

TOP = 3
"""Programs a round is conditioned on."""


def ranked(tree: IdeaTree) -> list[Idea]:
    """Ideas that are not given up, the best first: kept before open, selection before development
    scenes by their lower bounds, then the shorter program."""

    def merit(idea: Idea) -> tuple[int, float, float, int, int]:
        stands = {"promoted": 2, "kept": 2, "open": 0}.get(idea.status, 0)
        if idea.parent is None and idea.status == "open":
            stands = 1  # a first program is what everything is measured against
        return (stands, _low(idea.selection), _low(idea.dev), -len(idea.program), -idea.number)

    alive = [i for i in tree.ideas.values() if i.status != "pruned"]
    return sorted(alive, key=merit, reverse=True)


def _low(results: Mapping[int, bool]) -> float:
    return rate(sum(results.values()), len(results)).lo if results else -1.0


def order_of_scenes(failing: Mapping[int, Hashable], scenes: int) -> list[int]:
    """Scenes in the order a race runs them: what the baseline fails first, each kind of failure in
    turn, because a repair that does not help there helps nowhere; then the rest.

    Args:
        failing: Kind of failure by scene.
    """
    kinds: dict[Hashable, list[int]] = defaultdict(list)
    for scene in sorted(failing):
        if scene < scenes:
            kinds[failing[scene]].append(scene)
    queues = sorted(kinds.values(), key=len, reverse=True)
    first: list[int] = []
    while any(queues):
        first += [q.pop(0) for q in queues if q]
    return [*first, *(s for s in range(scenes) if s not in failing)]


def worth_judging(
    baseline: Mapping[int, bool],
    survivors: Mapping[int, Mapping[int, bool]],
    most: int,
    ended: Mapping[int, frozenset[int]] = MappingProxyType({}),
    parents: Mapping[int, Mapping[int, bool]] = MappingProxyType({}),
) -> tuple[list[int], dict[int, str]]:
    """Who of a race goes on to selection scenes, and for everybody else why not.

    Each must help more than it harms, where it comes from, on a scene the baseline fails; after the
    first, on one where no better one does.

    Args:
        ended: Scenes on which a candidate ended the failure it names: it helps there as well,
            whatever else failed later.
        parents: Outcomes of the parents that are not the baseline, by candidate. A branch from
            elsewhere lacks what the baseline has, and may be the other half.
    """
    chosen: list[int] = []
    left: dict[int, str] = {}
    covered = {s for s, passed in baseline.items() if passed}
    helped = {
        n: {s: passed or s in ended.get(n, frozenset()) for s, passed in own.items()}
        for n, own in survivors.items()
    }
    order = sorted(survivors, key=lambda n: (-sum(helped[n].values()), n))
    for n in order:
        own, before = helped[n], parents.get(n, baseline)
        told = f"{sum(survivors[n].values())}/{len(own)} dev scenes, {_of(before, own)} before"
        if ended.get(n):
            told += f", past the failure it names on {len(ended[n])} more"
        fixes = {s for s, passed in own.items() if passed and before.get(s) is False}
        breaks = {s for s, passed in own.items() if not passed and before.get(s)}
        if len(fixes) <= len(breaks):
            left[n] = f"no better than {'its parent' if n in parents else 'the baseline'}: {told}"
        elif not fixes - covered:
            left[n] = f"fixes nothing that a better one does not fix: {told}"
        elif len(chosen) >= most:
            left[n] = f"not among the {most} best: {told}"
        else:
            chosen.append(n)
            covered |= fixes
    return chosen, left


def _of(baseline: Mapping[int, bool], own: Mapping[int, bool]) -> str:
    same = [s for s in own if s in baseline]
    return f"{sum(baseline[s] for s in same)}/{len(same)}"


def apart(
    tree: IdeaTree,
    kept: Sequence[int],
    ended: Mapping[int, frozenset[int]] = MappingProxyType({}),
) -> list[tuple[int, int]]:
    """Pairs of kept ideas of different lines in which each helps on selection scenes the other
    fails: what a merge could join. The better one comes first.

    Args:
        ended: Scenes on which an idea ended the failure it names, though another may have stopped
            it later.
    """
    pairs: list[tuple[int, int, int]] = []
    for i, a in enumerate(kept):
        for b in kept[i + 1 :]:
            one, two = tree.get(a), tree.get(b)
            if _related(tree, a, b) or _related(tree, b, a) or _tried(tree, a, b):
                continue
            same = one.selection.keys() & two.selection.keys()
            only_a = _alone(same, one, two, ended)
            only_b = _alone(same, two, one, ended)
            if only_a and only_b:
                gain = min(only_a, only_b)
                pairs.append((gain, a, b) if only_a >= only_b else (gain, b, a))
    return [(a, b) for _, a, b in sorted(pairs, reverse=True)]


def _alone(
    scenes: Collection[int], one: Idea, other: Idea, ended: Mapping[int, frozenset[int]]
) -> int:
    """Scenes the other fails, on which this one passes or ended what the other did not."""
    gone = ended.get(one.number, frozenset()) - ended.get(other.number, frozenset())
    return sum((one.selection[s] or s in gone) and not other.selection[s] for s in scenes)


def _related(tree: IdeaTree, a: int, b: int) -> bool:
    """Whether ``a`` comes from ``b``, or has borrowed from it."""
    return any(b == x.number or b in x.borrowed_from for x in tree.line(a))


def _tried(tree: IdeaTree, a: int, b: int) -> bool:
    """Whether they were joined before, whatever became of it."""
    joined = (i for i in tree.ideas.values() if i.borrowed_from)
    return any({a, b} <= {i.parent, *i.borrowed_from} for i in joined)
