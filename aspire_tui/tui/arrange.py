"""Which panes are on the screen and where, for a size of terminal. Pure.

80 columns show one pane and tabs, 120 two columns, 160 all six in three columns.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

PaneId = Literal["calls", "call", "checks", "agent", "search", "time"]
PANES: Final[tuple[PaneId, ...]] = ("calls", "call", "checks", "agent", "search", "time")

TWO_COLUMNS: Final = 120
THREE_COLUMNS: Final = 160
TWO_ROWS: Final = 30
LEAST_COLUMNS: Final = 80
LEAST_ROWS: Final = 16


class Box(NamedTuple):
    """A pane's place in cells."""

    x: int
    y: int
    width: int
    height: int


Places = dict[PaneId, Box]


class Shares(NamedTuple):
    """How the room is shared, in percent: what an operator moved the borders to."""

    left: int = 28
    right: int = 34
    upper: int = 55
    half: int = 50
    """The left of two columns."""

    def widened(self, by: int) -> Shares:
        """The left columns wider (or narrower) by so many percent."""
        return self._replace(
            left=max(15, min(45, self.left + by)), half=max(25, min(75, self.half + by))
        )

    def heightened(self, by: int) -> Shares:
        """The upper panes higher (or lower) by so many percent."""
        return self._replace(upper=max(25, min(80, self.upper + by)))


SHARES: Final = Shares()


def all_visible(columns: int, rows: int) -> bool:
    """Whether every pane has its place, so that no tabs are needed."""
    return columns >= THREE_COLUMNS and rows >= TWO_ROWS


def arrange(
    columns: int,
    rows: int,
    recent: tuple[PaneId, ...],
    zoomed: bool,
    shares: Shares = SHARES,
) -> Places:
    """Places of the visible panes in an area of cells.

    Args:
        columns: Width of the area.
        rows: Height of the area.
        recent: Panes by when they were last in focus, newest first; decides who shares a place.
        zoomed: Only the newest, over everything.
        shares: Where the operator put the borders.
    """
    newest = recent[0]
    if zoomed or columns < TWO_COLUMNS:
        return {newest: Box(0, 0, columns, rows)}
    if not all_visible(columns, rows):
        return _two_columns(columns, rows, recent, shares)
    least = 44 if shares.left == SHARES.left else 30
    left = min(columns - 84, max(least, columns * shares.left // 100))
    right = max(54, columns * shares.right // 100)
    middle = columns - left - right
    upper_left = rows * (shares.upper - 10) // 100
    upper_right = rows * min(85, shares.upper + 5) // 100
    lower_middle = max(12, rows * 30 // 100)
    return {
        "agent": Box(0, 0, left, upper_left),
        "search": Box(0, upper_left, left, rows - upper_left),
        "calls": Box(left, 0, middle, rows - lower_middle),
        "time": Box(left, rows - lower_middle, middle, lower_middle),
        "call": Box(left + middle, 0, right, upper_right),
        "checks": Box(left + middle, upper_right, right, rows - upper_right),
    }


def _two_columns(columns: int, rows: int, recent: tuple[PaneId, ...], shares: Shares) -> Places:
    def newest(*of: PaneId) -> PaneId:
        return min(of, key=lambda pane: recent.index(pane) if pane in recent else len(PANES))

    left = columns * shares.half // 100
    right = columns - left
    if rows < TWO_ROWS:
        return {
            newest("calls", "agent", "search"): Box(0, 0, left, rows),
            newest("call", "checks", "time"): Box(left, 0, right, rows),
        }
    upper = rows * shares.upper // 100
    return {
        "calls": Box(0, 0, left, upper),
        newest("agent", "search"): Box(0, upper, left, rows - upper),
        "call": Box(left, 0, right, upper),
        newest("checks", "time"): Box(left, upper, right, rows - upper),
    }
