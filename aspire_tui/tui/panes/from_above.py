"""A call seen from above: the path of the tool, where it was, is, and should have been."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from aspire_tui.domain import JSON, Evidence
from aspire_tui.events import CallIntent, CallResult
from aspire_tui.tui.panes.body import Look
from aspire_tui.tui.panes.format import section
from aspire_tui.tui.screen.text import Line, Span, line

ROWS: Final = 9
LEAST_M: Final = 0.10
"""Least way of anything that is worth a map."""
CELL_SHAPE: Final = 2.0
"""A terminal's cell is twice as high as wide."""


class Dot(NamedTuple):
    """Something at a place in the base frame, metres; later ones are drawn over earlier ones."""

    x_m: float
    y_m: float
    sign: str
    role: str


def map_lines(intent: CallIntent, result: CallResult, look: Look) -> list[Line]:
    """The map with its legend; nothing where nothing went anywhere."""
    dots = _dots(intent, result)
    if len(dots) < 2:
        return []
    xs, ys = [d.x_m for d in dots], [d.y_m for d in dots]
    if max(max(xs) - min(xs), max(ys) - min(ys)) < LEAST_M:
        return []
    columns = min(look.width, 2 * 3 * ROWS)
    grid = _grid(dots, columns, ROWS)
    head = section("from above, x up, y left", look.width, look.glyphs)
    legend = line(
        ("o", "dim"), " was  ", ("@", "strong"), " is  ", ("x", "warn"), " asked for  ",
        ("+", "accent"), " grasps  ", (".", "faint"), " path  ", ("#", "dim"), " base",
    )  # fmt: skip
    return [head, *grid, legend]


def _dots(intent: CallIntent, result: CallResult) -> list[Dot]:
    evidence: Evidence = result.evidence
    dots: list[Dot] = []
    if evidence.path is not None:
        dots += [Dot(p[0], p[1], ".", "faint") for p in evidence.path.tool_xyz_m]
    dots += [Dot(g.xyz_m[0], g.xyz_m[1], "+", "accent") for g in evidence.grasps]
    if evidence.before is not None:
        dots.append(Dot(*evidence.before.xyz_m[:2], "o", "dim"))
    target = _place(intent.args.get("position"))
    if target is not None:
        dots.append(Dot(*target, "x", "warn"))
    if evidence.after is not None:
        dots.append(Dot(*evidence.after.xyz_m[:2], "@", "strong"))
    went = evidence.path is not None or evidence.grasps or target is not None
    return [Dot(0.0, 0.0, "#", "dim"), *dots] if went else []


def _place(value: JSON) -> tuple[float, float] | None:
    match value:
        case [int() | float() as x, int() | float() as y, *_]:
            return float(x), float(y)
    return None


def _grid(dots: Sequence[Dot], columns: int, rows: int) -> list[Line]:
    """Dots in a box of cells, to scale: x of the base frame upwards, y to the left."""
    low_x, high_x = min(d.x_m for d in dots), max(d.x_m for d in dots)
    low_y, high_y = min(d.y_m for d in dots), max(d.y_m for d in dots)
    m_per_row = max(
        (high_x - low_x) / (rows - 1), CELL_SHAPE * (high_y - low_y) / (columns - 1), 1e-6
    )
    cells: dict[tuple[int, int], Dot] = {}
    for dot in dots:
        row = round((high_x - dot.x_m) / m_per_row)
        column = round(CELL_SHAPE * (high_y - dot.y_m) / m_per_row)
        cells[min(rows - 1, row), min(columns - 1, column)] = dot
    last = max(row for row, _ in cells)
    return [_row(cells, row, columns) for row in range(last + 1)]


def _row(cells: dict[tuple[int, int], Dot], row: int, columns: int) -> Line:
    spans: list[Span] = []
    for column in range(columns):
        dot = cells.get((row, column))
        spans.append(Span(dot.sign, dot.role) if dot is not None else Span(" "))
    return tuple(spans)
