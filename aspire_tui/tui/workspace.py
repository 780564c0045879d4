"""The area of panes between strip and footer, laid out by :mod:`~aspire_tui.tui.arrange`."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container
from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.message import Message
from textual.widget import Widget

from aspire_tui.tui.arrange import PANES, SHARES, PaneId, Places, Shares, arrange
from aspire_tui.tui.screen.draw import Brush
from aspire_tui.tui.screen.paneview import PaneView

OVERLAY = "overlay"


class PlacedLayout(Layout):
    """Puts each child where the workspace says."""

    name = "placed"

    def arrange(
        self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True
    ) -> ArrangeResult:
        assert isinstance(parent, Workspace)
        parent.pre_layout(self)
        return [
            WidgetPlacement(region, NULL_OFFSET, NULL_SPACING, child)
            for child in children
            if (region := parent.region_of(child.id or "", size)) is not None
        ]


class Workspace(Container):
    """Holds the six panes and one overlay (help, acts) that covers them, never the strip."""

    class Rearranged(Message):
        """The area has another size and its panes other places."""

    def __init__(self, brush: Brush) -> None:
        super().__init__(id="workspace")
        self.recent: tuple[PaneId, ...] = PANES
        self.zoomed = False
        self.shares = SHARES
        self.covered = False
        self._placed = PlacedLayout()
        self._panes = {
            pane: PaneView(brush, str(number), id=pane) for number, pane in enumerate(PANES, 1)
        }
        self.overlay = PaneView(brush, "", id=OVERLAY)

    @property
    def layout(self) -> Layout:
        """Always its own: no style sheet can arrange panes."""
        return self._placed

    def compose(self) -> ComposeResult:
        yield from self._panes.values()
        yield self.overlay

    @property
    def focused(self) -> PaneId:
        return self.recent[0]

    def pane(self, pane: PaneId) -> PaneView:
        return self._panes[pane]

    def places(self, size: Size | None = None) -> Places:
        """Where the visible panes are, for the present or another size."""
        room = size or self.size
        return arrange(room.width, room.height, self.recent, self.zoomed, self.shares)

    def focus_pane(self, pane: PaneId) -> None:
        self.recent = (pane, *(other for other in self.recent if other != pane))
        self.replace_panes()

    def zoom(self) -> None:
        self.zoomed = not self.zoomed
        self.replace_panes()

    def share(self, shares: Shares) -> None:
        """Put the borders between panes elsewhere."""
        self.shares = shares
        self.replace_panes()

    def cover(self, covered: bool) -> None:
        """Show or take away the overlay."""
        self.covered = covered
        self.replace_panes()

    def replace_panes(self) -> None:
        """Show the panes that have a place, mark the one in focus."""
        places = self.places()
        for pane in PANES:
            view = self.pane(pane)
            view.display = pane in places and not self.covered
            view.mark(pane == self.focused, alone=len(places) == 1)
        self.overlay.display = self.covered
        self.overlay.mark(True, alone=True)
        self.refresh(layout=True)

    def on_resize(self) -> None:
        self.replace_panes()
        self.post_message(self.Rearranged())

    def region_of(self, child: str, size: Size) -> Region | None:
        if self.covered:
            return size.region if child == OVERLAY else None
        box = self.places(size).get(child)  # type: ignore[call-overload]
        return Region(*box) if box is not None else None
