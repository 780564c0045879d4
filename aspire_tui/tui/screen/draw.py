"""Styled lines to Textual strips, and the widget that shows a few of them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from aspire_tui.tui.glyphs import to_ascii
from aspire_tui.tui.screen.text import Line, fit
from aspire_tui.tui.themes import Palette


class Brush:
    """Draws lines in a palette, in Unicode or ASCII."""

    def __init__(self, palette: Palette, ascii_only: bool) -> None:
        self.palette = palette
        self.ascii_only = ascii_only

    def strip(self, value: Line, columns: int, cursor: bool = False) -> Strip:
        """A strip of exactly ``columns`` cells."""
        style_of = self.palette.under_cursor_of if cursor else self.palette.style
        spans = fit(value, columns)
        if self.ascii_only:
            segments = [Segment(to_ascii(text), style_of(role)) for text, role in spans]
        else:
            segments = [Segment(text, style_of(role)) for text, role in spans]
        return Strip(segments).adjust_cell_length(columns, style_of(""))


class Rows(Widget):
    """A few fixed rows: the strip, the tabs, the bars. Redrawn only when they differ."""

    def __init__(self, brush: Brush, height: int, id: str) -> None:
        super().__init__(id=id)
        self._brush = brush
        self._rows: tuple[Line, ...] = ()
        self.styles.height = height
        self.styles.width = "1fr"

    def show(self, rows: Sequence[Line]) -> None:
        shown = tuple(rows)
        if shown != self._rows:
            self._rows = shown
            self.refresh()

    def render_line(self, y: int) -> Strip:
        value = self._rows[y] if y < len(self._rows) else ()
        return self._brush.strip(value, self.size.width)
