"""The widget every pane is: a frame, a viewport, a cursor; lines are made when looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from aspire_tui.tui.panes.body import Body, Target
from aspire_tui.tui.panes.frame import bottom_row, edge_of, side_row, top_row
from aspire_tui.tui.screen.draw import Brush
from aspire_tui.tui.screen.lines import Viewport
from aspire_tui.tui.screen.text import Line, line, plain

CANNOT_DRAW: Final = "this cannot be drawn"


@dataclass
class Cursor:
    """The row the operator is on; None follows what is shown elsewhere."""

    target: Target | None = None
    row: int | None = None


@dataclass
class PaneState:
    body: Body = field(default_factory=lambda: Body(""))
    view: Viewport = field(default_factory=Viewport)
    cursor: Cursor = field(default_factory=Cursor)


class PaneView(Widget):
    """Shows one :class:`Body`. Scrolls by itself; never asks for a line that is not visible."""

    class Picked(Message):
        """A row was clicked, or the pane was."""

        def __init__(self, pane: str, row: int | None) -> None:
            super().__init__()
            self.pane = pane
            self.row = row

    def __init__(self, brush: Brush, number: str, id: str) -> None:
        super().__init__(id=id)
        self._brush = brush
        self._number = number
        self._state = PaneState()
        self.marked = False
        """In focus."""
        self.alone = False
        """No other pane is visible, so that focus needs no heavier frame."""

    @property
    def body(self) -> Body:
        return self._state.body

    @property
    def columns(self) -> int:
        """Cells a line of the body may take."""
        return max(1, self.size.width - 4)

    @property
    def visible_rows(self) -> int:
        return max(1, self.size.height - 2)

    @property
    def row(self) -> int | None:
        """The row of the cursor."""
        return self._row()

    @property
    def cursor_line(self) -> int:
        """The line the cursor is on, else the first that is visible."""
        row = self._row()
        return self._state.view.top if row is None else row

    def show(self, body: Body, rows: int) -> None:
        """Show another body in so many rows; place and cursor stay where they make sense."""
        state = self._state
        state.view.height = max(1, rows - len(body.head))
        first = not len(state.body.lines)
        if body.tail and not state.body.tail:
            state.view.tail = True
        changed_selection = body.selected != state.body.selected
        state.body = body
        self._settle()
        row = self._row()
        if row is not None and (first or changed_selection or state.view.tail):
            state.view.reveal(row, len(body.lines))
        self.refresh()

    def mark(self, focused: bool, alone: bool = False) -> None:
        if (focused, alone) != (self.marked, self.alone):
            self.marked, self.alone = focused, alone
            self.refresh()

    def fresh(self) -> None:
        """Forget place and cursor: something else is shown from now on."""
        self._state = PaneState()
        self.refresh()

    def release(self) -> None:
        """The cursor follows again what is shown elsewhere; a pane that tails goes to its end."""
        self._state.cursor = Cursor()
        if self._state.body.tail:
            self._state.view.tail = True
        self._settle()
        self.refresh()

    def move(self, by: int) -> Target | None:
        """One step of the cursor, or of the view where there is nothing to choose."""
        state = self._state
        if not len(state.body.targets):
            state.view.scroll(by, len(state.body.lines), tails=state.body.tail)
            self.refresh()
            return None
        row = state.body.targets.step(self._row(), by)
        return self.place(row) if row is not None else None

    def place(self, row: int) -> Target | None:
        """Put the cursor on a row."""
        state = self._state
        before, top, unseen = self._row(), state.view.top, self._unseen()
        state.cursor = Cursor(state.body.targets.at(row), row)
        last = row >= len(state.body.lines) - 1
        state.view.tail = state.body.tail and last
        state.view.reveal(row, len(state.body.lines))
        if state.view.top != top or self._unseen() != unseen:
            self.refresh()
        else:
            self.refresh(*self._rows_at(before, row))
        return state.cursor.target

    def _rows_at(self, *lines: int | None) -> list[Region]:
        """Where lines of the body stand in the widget; nothing of those out of sight."""
        above = 1 + len(self._state.body.head) - self._state.view.top
        places = {above + index for index in lines if index is not None}
        return [Region(0, y, self.size.width, 1) for y in places if 0 < y < self.size.height - 1]

    def find(self, query: str, forward: bool) -> int | None:
        """The next row that contains a text, wrapping around; the cursor goes there."""
        state = self._state
        length = len(state.body.lines)
        here = self._row()
        start = here if here is not None else state.view.top
        step = 1 if forward else -1
        for distance in range(1, length + 1):
            row = (start + step * distance) % length
            if query.lower() in plain(state.body.lines.line(row)).lower():
                self.place(row)
                return row
        return None

    def ends(self, last: bool) -> Target | None:
        """First or last row."""
        row = self._state.body.targets.step(None, -1 if last else 1)
        if row is not None:
            return self.place(row)
        self._state.view.tail = last and self._state.body.tail
        by = len(self._state.body.lines)
        self._state.view.scroll(by if last else -by, by, tails=self._state.body.tail)
        self.refresh()
        return None

    def target(self) -> Target | None:
        """What the row under the cursor stands for."""
        row = self._row()
        return self._state.body.targets.at(row) if row is not None else None

    def render_line(self, y: int) -> Strip:
        columns, height = self.size
        edge = edge_of(self.marked and not self.alone, self._brush.ascii_only)
        state = self._state
        if y == 0:
            return self._brush.strip(self._top(columns), columns)
        if y == height - 1:
            foot = bottom_row(state.body.foot, self._position(), self.marked, columns, edge)
            return self._brush.strip(foot, columns)
        head = state.body.head[: max(0, height - 2)]
        if y <= len(head):
            row = side_row(head[y - 1], self.marked, columns, edge, False)
            return self._brush.strip(row, columns)
        index = state.view.top + y - 1 - len(head)
        content = self._line(index)
        on = index == self._row() and index < len(state.body.lines)
        row = side_row(content, self.marked, columns, edge, on)
        if not on:
            return self._brush.strip(row, columns)
        side = len(row) - 1
        left = self._brush.strip(row[:1], 1)
        middle = self._brush.strip(row[1:side], columns - 2, cursor=True)
        return Strip.join([left, middle, self._brush.strip(row[side:], 1)])

    def _line(self, index: int) -> Line:
        lines = self._state.body.lines
        if index >= len(lines):
            return ()
        try:
            return lines.line(index)
        except Exception as error:  # one line that cannot be drawn must not take HOLD along
            self.log.error(f"line {index} of {self.id} cannot be drawn", error)
            return line((f"{CANNOT_DRAW}: {error!r}", "alarm"))

    def on_click(self, event: events.Click) -> None:
        body = self._state.body
        index = self._state.view.top + event.y - 1 - len(body.head)
        inside = len(body.head) < event.y < self.size.height - 1 and body.targets.at(index)
        self.post_message(self.Picked(self.id or "", index if inside else None))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._scroll(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._scroll(-3)

    def _scroll(self, by: int) -> None:
        self._state.view.scroll(by, len(self._state.body.lines), tails=self._state.body.tail)
        self.refresh()

    def _top(self, columns: int) -> Line:
        state = self._state
        edge = edge_of(self.marked and not self.alone, self._brush.ascii_only)
        unseen = self._unseen()
        right = f"+{unseen} new" if unseen else state.body.mark
        return top_row(state.body.title, self._number, right, self.marked, columns, edge)

    def _unseen(self) -> int:
        """Lines that came at the end of a pane that tails while it was out of sight."""
        body = self._state.body
        return self._state.view.unseen(len(body.lines)) if body.tail else 0

    def _position(self) -> str:
        length = len(self._state.body.lines)
        if length <= self._state.view.height:
            return ""
        first = self._state.view.top + 1
        last = min(length, first + self._state.view.height - 1)
        return f"{first}-{last} of {length}"

    def _settle(self) -> None:
        self._state.view.settle(len(self._state.body.lines))

    def _row(self) -> int | None:
        """The cursor's own row while what it stands for is still there, else what is selected."""
        body, cursor = self._state.body, self._state.cursor
        if cursor.target is not None:
            if cursor.row is not None and body.targets.at(cursor.row) == cursor.target:
                return cursor.row
            row = body.targets.row_of(cursor.target)
            return body.selected if row is None else row
        if cursor.row is not None and not len(body.targets):
            return min(cursor.row, max(0, len(body.lines) - 1)) if len(body.lines) else None
        return body.selected
