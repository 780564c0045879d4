"""The seam to Textual's drawing: only cells that changed are sent.

The one file that touches ``App._display`` and the compositor's updates. Where the installed Textual
does not look as expected, :func:`supported` says so and stock drawing stays.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

from rich.color import ColorSystem
from rich.console import RenderableType
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App
from textual.strip import Strip

from aspire_tui.tui.screen.diff import CellDiff, pen_of
from aspire_tui.tui.screen.sixel import SixelLayer

if TYPE_CHECKING:
    from textual.screen import Screen

BACKLOG_FRAMES: Final = 2
"""Frames the terminal may be behind before further changes are folded together."""

RETRY_S: Final = 0.05
_COLOURS: Final = {
    "standard": ColorSystem.STANDARD,
    "256": ColorSystem.EIGHT_BIT,
    "truecolor": ColorSystem.TRUECOLOR,
    "mono": None,
}


def supported() -> bool:
    """Whether this Textual draws in the shape the diff understands."""
    display = list(inspect.signature(App._display).parameters)
    layout = list(inspect.signature(LayoutUpdate.__init__).parameters)
    chops = list(inspect.signature(ChopsUpdate.__init__).parameters)
    return (
        display == ["self", "screen", "renderable"]
        and layout == ["self", "strips", "region"]
        and chops == ["self", "chops", "spans", "chop_ends"]
    )


class DiffedApp(App[Any]):
    """An app whose frames reach the terminal as cell changes, never faster than it reads.

    Attributes:
        colour_depth: ``truecolor``, ``256``, ``standard`` or ``mono``.
        bytes_drawn: Characters sent to the terminal by drawing so far.
    """

    colour_depth: str = "256"
    bytes_drawn: int = 0
    frames_drawn: int = 0
    _diff: CellDiff | None = None
    _diffing: bool = True
    _sending_due: bool = False
    sixels: SixelLayer | None = None
    """Where pictures are drawn as sixels."""

    def redraw_all(self) -> None:
        """The terminal's content is unknown: send every cell again."""
        if self._diff is not None:
            self._diff.forget()
        if self.sixels is not None:
            self.sixels.forget()
        self.refresh(layout=True)

    def to_terminal(self, sequence: str) -> None:
        """Send a control sequence that draws nothing."""
        if self._driver is not None and not self.is_headless:
            self._driver.write(sequence)
            self._driver.flush()

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        on_terminal = self._running and not self._closed and not self.is_headless
        if not (self._diffing and on_terminal) or renderable is None or self._batch_count:
            super()._display(screen, renderable)
            return
        if not isinstance(renderable, LayoutUpdate | ChopsUpdate):
            self._diff = None  # something else draws: what the terminal shows is unknown
            super()._display(screen, renderable)
            return
        try:
            self._paint(renderable)
        except (AttributeError, TypeError, ValueError, IndexError) as error:
            self.log.error("cell diff failed, drawing the stock way", error)
            self._diffing, self._diff = False, None
            super()._display(screen, self.screen._compositor.render_full_update())
            return
        self._send_changes()
        self.post_display_hook()

    def _paint(self, update: LayoutUpdate | ChopsUpdate) -> None:
        width, height = self.size
        if self._diff is None or (self._diff.width, self._diff.height) != (width, height):
            self._diff = CellDiff(width, height)
        if isinstance(update, LayoutUpdate):
            for y, row in enumerate(update.strips, update.region.y):
                x = update.region.x
                for piece in row:
                    x = self._put(x, y, piece)
            return
        for y, left, right in update.spans:
            for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
                if strip is None or x > right or end <= left:
                    continue
                self._put(x, y, strip.crop(0, min(end, right) - x) if end > right else strip)

    def _put(self, x: int, y: int, strip: Strip) -> int:
        assert self._diff is not None
        colours = _COLOURS[self.colour_depth]
        for text, style, control in strip:
            if not control:
                x = self._diff.put(x, y, text, pen_of(style, colours))
        return x

    def _send_changes(self) -> None:
        """Send what changed, unless the terminal has not read the last frames yet."""
        self._sending_due = False
        if self._diff is None or self._driver is None or not self._running:
            return
        if self._frames_unread() >= BACKLOG_FRAMES:
            self._sending_due = True
            self.set_timer(RETRY_S, self._send_changes)
            return
        if self.sixels is not None:
            self.sixels.lift(self._diff)
        changes = self._diff.changes()
        if self.sixels is not None:
            changes += self.sixels.drawing(self._diff)
            due_s = self.sixels.due_s(self._diff)
            if due_s is not None:
                self.set_timer(max(RETRY_S, due_s), self._send_changes)
        if changes:
            self._begin_update()
            self._driver.write(changes)
            self._end_update()
            self._driver.flush()
            self.bytes_drawn += len(changes)
            self.frames_drawn += 1

    def _frames_unread(self) -> int:
        writer = vars(self._driver).get("_writer_thread")
        return writer._queue.qsize() if writer is not None else 0
