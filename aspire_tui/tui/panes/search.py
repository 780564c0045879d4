"""The search: hypotheses as a tree with claim, score and standing, their trials folded beneath."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from aspire_tui.domain import SeedSet
from aspire_tui.session.rows import HypothesisRow
from aspire_tui.session.snapshot import Snapshot
from aspire_tui.tui.moment import ListedTrial, Moment
from aspire_tui.tui.panes.body import Body, Look, Target, nothing
from aspire_tui.tui.panes.format import OUTCOME_ROLES, outcome_mark, ratio, some
from aspire_tui.tui.screen.lines import MadeLines
from aspire_tui.tui.screen.safe import clean_line
from aspire_tui.tui.screen.text import Line, Part, line, pad, spread

_SETS: tuple[tuple[SeedSet, str], ...] = (
    ("dev", "dev"),
    ("selection", "sel"),
    ("held_out", "held"),
)
_STATUS_ROLES = {"open": "", "kept": "ok", "pruned": "dim", "promoted": "ok"}


Lanes = tuple[tuple[SeedSet, int], ...]
"""Columns of the tree: a seed set and its cells. A hypothesis without a word is open."""


@dataclass(frozen=True)
class Node:
    """One row: a hypothesis or one of its trials, with the lanes left of it."""

    lanes: str
    hypothesis: HypothesisRow | None = None
    trial: ListedTrial | None = None
    trials: int = 0
    unfolded: bool = False


def search_body(moment: Moment, look: Look) -> Body:
    """The tree, or plainly the trials of a session that searches nothing."""
    lanes = _lanes(moment.hypotheses)
    rows: list[Node | None] = list(_rows(moment, look))
    if lanes:
        rows.insert(0, None)
    if not rows:
        return nothing("Search", line(("no hypothesis and no trial yet", "dim")))
    best = moment.snapshot.best
    shown = moment.trial.trial if moment.trial else None

    def make(index: int) -> Line:
        node = rows[index]
        if node is None:
            return _heading(lanes, look)
        if node.hypothesis is not None:
            is_best = best is not None and best.hypothesis == node.hypothesis.hypothesis
            return hypothesis_row(node, lanes, look, is_best)
        assert node.trial is not None
        return trial_row(node, node.trial, look)

    targets = {
        i: Target("hypothesis", n.hypothesis.hypothesis)
        if n.hypothesis is not None
        else Target("trial", n.trial.trial if n.trial else 0)
        for i, n in enumerate(rows)
        if n is not None
    }
    selected = next((i for i, t in targets.items() if t == ("trial", shown)), None)
    return Body(
        title=f"Search {look.glyphs.dot} {_counted(moment.snapshot)}",
        lines=MadeLines(len(rows), make),
        targets=targets,
        selected=selected,
        foot=_foot(moment),
        tail=not moment.hypotheses,
    )


def hypothesis_row(node: Node, lanes: Lanes, look: Look, best: bool) -> Line:
    """Standing and claim on the left, scores in the columns of their seed sets."""
    row = node.hypothesis
    assert row is not None
    glyphs = look.glyphs
    mark = {"kept": glyphs.node_kept, "promoted": glyphs.node_promoted, "pruned": glyphs.bad}.get(
        row.status, glyphs.node
    )
    role = _STATUS_ROLES[row.status]
    fold = (glyphs.unfolded if node.unfolded else glyphs.folded) if node.trials else " "
    left = line(
        (node.lanes, "faint"),
        (f"{fold} ", "faint"),
        (f"{mark} H{row.hypothesis} ", role or "strong"),
        ("best " if best else "", "accent"),
        (f"{row.status} " if row.status != "open" else "", role),
        (clean_line(row.claim, 300), "dim" if row.status == "pruned" else ""),
    )
    return spread(
        left, line(*(_score(row, seed_set, cells) for seed_set, cells in lanes)), look.width
    )


def _score(row: HypothesisRow, seed_set: SeedSet, cells: int) -> Part:
    score = row.scores.get(seed_set)
    text = ratio(score.k, score.n) if score is not None else ""
    return pad(f" {text}", cells, right=True), "number"


def _lanes(rows: tuple[HypothesisRow, ...]) -> Lanes:
    """The seed sets that have scores, each with the width of its column."""
    return tuple(
        (seed_set, 6) for seed_set, name in _SETS if any(seed_set in row.scores for row in rows)
    )


def _heading(lanes: Lanes, look: Look) -> Line:
    names = dict(_SETS)
    heads = line(*((pad(names[seed_set], cells, right=True), "dim") for seed_set, cells in lanes))
    return spread((), heads, look.width)


def trial_row(node: Node, trial: ListedTrial, look: Look) -> Line:
    glyphs = look.glyphs
    judged = trial.closed
    outcome = trial.outcome if judged else None
    word = (outcome or "not judged") if judged else "open"
    role = OUTCOME_ROLES[outcome] if judged else "accent"
    mark = outcome_mark(outcome, glyphs) if judged else glyphs.flight
    left = line(
        (node.lanes, "faint"),
        (f"{mark} {word} ", role),
        f"trial {trial.trial} ",
        (f"seed {trial.seed} {trial.seed_set.replace('_', '-')} ", "dim"),
        (clean_line(trial.reason, 200) if outcome != "PASS" else "", "dim"),
    )
    right = line((f"call {trial.implicated}" if trial.implicated else "", "dim"))
    return spread(left, right, look.width)


def _rows(moment: Moment, look: Look) -> Iterator[Node]:
    trials: dict[int | None, list[ListedTrial]] = defaultdict(list)
    for trial in moment.trials:
        trials[trial.hypothesis].append(trial)
    children: dict[int | None, list[HypothesisRow]] = defaultdict(list)
    known = {row.hypothesis for row in moment.hypotheses}
    for row in moment.hypotheses:
        children[row.parent if row.parent in known else None].append(row)
    for trial in trials[None]:
        yield Node("", trial=trial)
    yield from _branch(children, trials, look)


def _branch(
    children: dict[int | None, list[HypothesisRow]],
    trials: dict[int | None, list[ListedTrial]],
    look: Look,
) -> Iterator[Node]:
    glyphs = look.glyphs
    waiting = [(row, "", "") for row in reversed(children[None])]
    while waiting:
        row, lanes, below = waiting.pop()
        unfolded = row.hypothesis in look.unfolded
        mine = trials[row.hypothesis]
        yield Node(lanes, hypothesis=row, trials=len(mine), unfolded=unfolded)
        if unfolded:
            for trial in mine:
                yield Node(f"{below}  ", trial=trial)
        nested = children[row.hypothesis]
        for index, child in reversed(list(enumerate(nested))):
            last = index == len(nested) - 1
            lane = glyphs.branch_last if last else glyphs.branch
            waiting.append((child, below + lane, below + ("  " if last else glyphs.branch_line)))


def _counted(snapshot: Snapshot) -> str:
    found = [
        f"{name} {ratio(snapshot.count(seed_set).k, snapshot.count(seed_set).n)}"
        for seed_set, name in (*_SETS, ("operator", "operator"))
        if snapshot.count(seed_set).n
    ]
    return ", ".join(found) if found else "nothing judged yet"


def _foot(moment: Moment) -> str:
    trials = some(moment.snapshot.trials_opened, "trial")
    if not moment.hypotheses:
        return trials
    return f"{some(moment.snapshot.hypotheses_opened, 'hypothesis', 'hypotheses')}, {trials}"
