"""The search: hypotheses as a tree with claim, score and standing, their trials folded beneath."""

from __future__ import annotations

from functools import partial

from aspire_tui.domain import SeedSet
from aspire_tui.session.rows import ListedTrial
from aspire_tui.session.snapshot import Snapshot
from aspire_tui.tui.glyphs import Glyphs
from aspire_tui.tui.moment import Moment
from aspire_tui.tui.panes.body import Body, Look, Target, nothing
from aspire_tui.tui.panes.format import OUTCOME_ROLES, outcome_mark, ratio, some
from aspire_tui.tui.panes.lanes import lane_row, lanes_head
from aspire_tui.tui.screen.lines import MadeLines
from aspire_tui.tui.screen.safe import clean_line
from aspire_tui.tui.screen.text import Line, Part, line, pad, spread
from aspire_tui.tui.tree import LEVELS_DRAWN, Row, Tree, TreeRows

_SETS: tuple[tuple[SeedSet, str], ...] = (
    ("dev", "dev"),
    ("selection", "sel"),
    ("held_out", "held"),
)
_STATUS_ROLES = {"open": "", "kept": "ok", "pruned": "dim", "promoted": "ok"}
"""A hypothesis without a word is open."""
SCORE_CELLS = 6


def search_body(moment: Moment, look: Look) -> Body:
    """The tree, or plainly the trials of a session that searches nothing."""
    tree = moment.tree
    rows = TreeRows(tree, look.unfolded)
    if not len(rows):
        return nothing("Search", line(("no hypothesis and no trial yet", "dim")))
    shown = moment.trial.trial if moment.trial else None
    in_lanes = look.lanes and bool(tree.hypotheses)
    make = lane_row if in_lanes else tree_row
    return Body(
        title=f"Search {look.glyphs.dot} {_counted(moment.snapshot)}",
        lines=MadeLines(len(rows), partial(make, moment, rows, look)),
        targets=rows,
        selected=rows.row_of(Target("trial", shown)) if shown is not None else None,
        foot=_foot(moment),
        tail=not tree.hypotheses,
        head=lanes_head(moment, look) if in_lanes else _heading(tree, look),
    )


def tree_row(moment: Moment, rows: TreeRows, look: Look, index: int) -> Line:
    """A hypothesis with its scores, or one of its trials."""
    row = rows.row(index)
    if row.trial is not None:
        return trial_row(row, row.trial, rows.tree, look)
    best = moment.snapshot.best
    return hypothesis_row(row, rows.tree, look, best.hypothesis if best else None)


def hypothesis_row(node: Row, tree: Tree, look: Look, best: int | None) -> Line:
    """Standing and claim on the left, scores in the columns of their seed sets."""
    assert node.age is not None
    row = tree.hypotheses[node.age]
    glyphs = look.glyphs
    mark = {"kept": glyphs.node_kept, "promoted": glyphs.node_promoted, "pruned": glyphs.bad}.get(
        row.status, glyphs.node
    )
    role = _STATUS_ROLES[row.status]
    fold = (glyphs.unfolded if node.unfolded else glyphs.folded) if node.trials else " "
    left = line(
        (branches(tree, node.age, glyphs), "faint"),
        (f"{fold} ", "faint"),
        (f"{mark} H{row.hypothesis} ", role or "strong"),
        ("best " if row.hypothesis == best else "", "accent"),
        (f"{row.status} " if row.status != "open" else "", role),
        (clean_line(row.claim, 300), "dim" if row.status == "pruned" else ""),
    )
    scores = (_score(node.age, tree, seed_set) for seed_set, _ in _scored(tree))
    return spread(left, line(*scores), look.width)


def branches(tree: Tree, age: int, glyphs: Glyphs) -> str:
    """The lines left of a node, of its nearest levels; deeper ones are only hinted at."""
    near = tree.ancestry(age)
    if not near:
        return ""
    deeper = glyphs.ellipsis if tree.depths[age] > LEVELS_DRAWN else ""
    above = "".join("  " if tree.is_last(a) else glyphs.branch_line for a in near[:-1])
    return deeper + above + (glyphs.branch_last if tree.is_last(age) else glyphs.branch)


def _below(tree: Tree, age: int, glyphs: Glyphs) -> str:
    """The lines left of what belongs to a node."""
    near = tree.ancestry(age)
    return "".join("  " if tree.is_last(a) else glyphs.branch_line for a in near) + "  "


def _score(age: int, tree: Tree, seed_set: SeedSet) -> Part:
    score = tree.hypotheses[age].scores.get(seed_set)
    text = ratio(score.k, score.n) if score is not None else ""
    return pad(f" {text}", SCORE_CELLS, right=True), "number"


def _scored(tree: Tree) -> list[tuple[SeedSet, str]]:
    return [(seed_set, name) for seed_set, name in _SETS if seed_set in tree.scored]


def _heading(tree: Tree, look: Look) -> tuple[Line, ...]:
    heads = line(*((pad(name, SCORE_CELLS, right=True), "dim") for _, name in _scored(tree)))
    return (spread((), heads, look.width),) if heads else ()


def trial_row(node: Row, trial: ListedTrial, tree: Tree, look: Look) -> Line:
    glyphs = look.glyphs
    outcome = trial.outcome if trial.closed else None
    word = (outcome or "not judged") if trial.closed else "open"
    role = OUTCOME_ROLES[outcome] if trial.closed else "accent"
    mark = outcome_mark(outcome, glyphs) if trial.closed else glyphs.flight
    left = line(
        (_below(tree, node.age, glyphs) if node.age is not None else "", "faint"),
        (f"{mark} {word} ", role),
        f"trial {trial.trial} ",
        (f"seed {trial.seed} {trial.seed_set.replace('_', '-')} ", "dim"),
        (clean_line(trial.reason, 200) if outcome != "PASS" else "", "dim"),
    )
    right = line((f"call {trial.implicated}" if trial.implicated else "", "dim"))
    return spread(left, right, look.width)


def _counted(snapshot: Snapshot) -> str:
    found = [
        f"{name} {ratio(snapshot.count(seed_set).k, snapshot.count(seed_set).n)}"
        for seed_set, name in (*_SETS, ("operator", "operator"))
        if snapshot.count(seed_set).n
    ]
    return ", ".join(found) if found else "nothing judged yet"


def _foot(moment: Moment) -> str:
    trials = some(moment.snapshot.trials_opened, "trial")
    if not moment.tree.hypotheses:
        return trials
    return f"{some(moment.snapshot.hypotheses_opened, 'hypothesis', 'hypotheses')}, {trials}"
