"""What a pane is made of, and how it is to be drawn."""

from __future__ import annotations

from dataclasses import dataclass

from aspire_tui.tui.glyphs import UNICODE, Glyphs
from aspire_tui.tui.panes.targets import NO_TARGETS, Targets
from aspire_tui.tui.panes.targets import ListedTargets as ListedTargets
from aspire_tui.tui.panes.targets import Target as Target
from aspire_tui.tui.screen.lines import FixedLines, LineSource
from aspire_tui.tui.screen.picture_box import CELL_PIXELS, Depth
from aspire_tui.tui.screen.text import Line


@dataclass(frozen=True)
class Look:
    """Room and means of drawing."""

    width: int = 78
    height: int = 17
    glyphs: Glyphs = UNICODE
    depth: Depth = "256"
    now_s: float | None = None
    """Unix time, for how long something has been going on; None in a replay."""
    unfolded: frozenset[int] = frozenset()
    """Hypotheses whose trials are listed."""
    live: bool = False
    kitty_B: int = 0
    """Most bytes of a picture by the kitty protocol; 0 draws pictures with cells."""
    sixel_B: int = 0
    """Most bytes of one drawing of a picture as sixels; 0 draws none."""
    cell: tuple[int, int] = CELL_PIXELS
    """Width and height of a cell in pixels."""
    lanes: bool = False
    """Hypotheses are drawn over time instead of as a tree."""


NO_LINES = FixedLines()


@dataclass(frozen=True)
class Body:
    """One pane at one moment.

    Attributes:
        title: Upper border.
        lines: What it shows.
        targets: What rows stand for; empty where a pane only scrolls.
        selected: Row of what is shown elsewhere, if this pane lists it.
        foot: Lower border.
        tail: New lines come at the end and are followed.
        mark: A word at the right of the upper border.
        head: Rows above the lines that do not scroll.
    """

    title: str
    lines: LineSource = NO_LINES
    targets: Targets = NO_TARGETS
    selected: int | None = None
    foot: str = ""
    tail: bool = False
    mark: str = ""
    head: tuple[Line, ...] = ()


def nothing(title: str, *what: Line) -> Body:
    """A pane that says why it is empty."""
    return Body(title, FixedLines(what))
