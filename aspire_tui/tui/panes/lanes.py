"""Hypotheses as lanes over the session's time, the progress curve on the same axis above them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from aspire_tui.domain import Outcome
from aspire_tui.session.rows import ListedTrial, TreeRow
from aspire_tui.tui.moment import Moment
from aspire_tui.tui.panes.body import Look
from aspire_tui.tui.panes.format import OUTCOME_ROLES, outcome_mark, ratio, seconds
from aspire_tui.tui.panes.progress import SHARE_CELLS, axis_row, curve_rows
from aspire_tui.tui.screen.text import Line, Span, fit, joined, line, pad
from aspire_tui.tui.tree import TreeRows

NAME_CELLS: Final = 14
"""Left of the axis: how deep, the number, the standing."""
INDENT: Final = 5
BOTH: Final = "±"
ASCII_BOTH: Final = "*"


def lanes_head(moment: Moment, look: Look) -> tuple[Line, ...]:
    """The curve and the axis; they stay while lanes scroll."""
    cells, mono_s = _cells(look), moment.snapshot.mono_s
    if cells < 8 or mono_s <= 0:
        return ()
    curve = curve_rows(moment.tree.progress, mono_s, NAME_CELLS, cells, look)
    return (*curve, axis_row(mono_s, NAME_CELLS, cells))


def lane_row(moment: Moment, rows: TreeRows, look: Look, index: int) -> Line:
    """From its opening to what was decided, with its trials where they ended."""
    row, mono_s, cells = rows.row(index), moment.snapshot.mono_s, _cells(look)
    if cells < 8 or mono_s <= 0:
        return ()
    if row.trial is not None:
        return _trial_row(row.trial, mono_s, cells, look)
    assert row.age is not None
    node, glyphs = rows.tree.hypotheses[row.age], look.glyphs
    mark = {"kept": glyphs.node_kept, "promoted": glyphs.node_promoted, "pruned": glyphs.bad}.get(
        node.status, glyphs.node
    )
    indent = " " * min(INDENT, rows.tree.depths[row.age])
    best = max(node.scores.values(), key=lambda score: score.n, default=None)
    name = pad(f"{indent}{mark} H{node.hypothesis}", NAME_CELLS)
    drawn = _lane(node, rows.tree.trials.get(node.hypothesis, ()), mono_s, cells, look)
    score = f" {ratio(best.k, best.n):>{SHARE_CELLS - 1}}" if best is not None else ""
    role = {"pruned": "dim", "open": "strong"}.get(node.status, "ok")
    return fit((*line((name, role)), *drawn, *line((score, "number"))), look.width)


def _cells(look: Look) -> int:
    return look.width - NAME_CELLS - SHARE_CELLS


def _cell(at_s: float, mono_s: float, cells: int) -> int:
    return min(cells - 1, max(0, int(cells * at_s / mono_s)))


def _lane(
    node: TreeRow, trials: Iterable[ListedTrial], mono_s: float, cells: int, look: Look
) -> Line:
    glyphs = look.glyphs
    begun = _cell(node.opened_mono_s, mono_s, cells)
    decided_s = node.decided_mono_s
    ended = cells - 1 if decided_s is None else _cell(decided_s, mono_s, cells)
    drawn = [Span(" ")] * cells
    for at in range(begun, cells):
        alive = at <= ended
        drawn[at] = Span(glyphs.rule if alive else glyphs.dot, "dim" if alive else "faint")
    if node.status == "pruned":
        drawn[ended + 1 :] = [Span(" ")] * (cells - ended - 1)
    outcomes: dict[int, set[Outcome | None]] = {}
    for trial in trials:
        if trial.closed:
            at = _cell(trial.opened_mono_s + trial.wall_s, mono_s, cells)
            outcomes.setdefault(at, set()).add(trial.outcome)
    for at, found in outcomes.items():
        drawn[at] = _mark(found, look)
    if decided_s is not None and ended not in outcomes:
        standing = {"kept": (glyphs.node_kept, "ok"), "promoted": (glyphs.node_promoted, "ok")}
        drawn[ended] = Span(*standing.get(node.status, (glyphs.gone, "dim")))
    return joined(drawn)


def _mark(found: set[Outcome | None], look: Look) -> Span:
    """How the trials of one cell ended."""
    if len(found) == 1:
        (outcome,) = found
        return Span(outcome_mark(outcome, look.glyphs), OUTCOME_ROLES[outcome])
    return Span(BOTH if not look.glyphs.arrow.isascii() else ASCII_BOTH, "unsure")


def _trial_row(trial: ListedTrial, mono_s: float, cells: int, look: Look) -> Line:
    """One trial on the axis: from its beginning to its end."""
    begun = _cell(trial.opened_mono_s, mono_s, cells)
    end_s = trial.opened_mono_s + trial.wall_s if trial.closed else mono_s
    ended = _cell(end_s, mono_s, cells)
    outcome = trial.outcome if trial.closed else None
    mark = outcome_mark(outcome, look.glyphs) if trial.closed else look.glyphs.flight
    role = OUTCOME_ROLES[outcome] if trial.closed else "accent"
    took = f" {seconds(end_s - trial.opened_mono_s):>{SHARE_CELLS - 1}}"
    return line(
        (pad(f"{' ' * INDENT}trial {trial.trial}", NAME_CELLS), "dim"),
        " " * begun,
        (look.glyphs.rule * (ended - begun), "faint"),
        (mark, role),
        " " * (cells - ended - 1),
        (took, "dim"),
    )
