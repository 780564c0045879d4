"""What a console draws: the strip, the tabs, the panes that have a place, the bar, the footer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from textual.app import ComposeResult
from textual.widgets import Input

from aspire_tui.tui.arrange import LEAST_COLUMNS, PANES, PaneId, all_visible
from aspire_tui.tui.glyphs import Glyphs
from aspire_tui.tui.moment import Moment, pictures_of
from aspire_tui.tui.panes.agent import agent_body
from aspire_tui.tui.panes.bars import (
    TABS_CELLS,
    answering_row,
    footer_row,
    notice_row,
    offered_row,
    place_of,
    question_row,
    tabs_row,
    typing_row,
)
from aspire_tui.tui.panes.body import Body, Look, nothing
from aspire_tui.tui.panes.calls import calls_body
from aspire_tui.tui.panes.checks import checks_body
from aspire_tui.tui.panes.inspector import inspector_body, program_body
from aspire_tui.tui.panes.picture import kitty_of, sixel_of
from aspire_tui.tui.panes.search import search_body
from aspire_tui.tui.panes.strip import Live, overflow, strip_rows
from aspire_tui.tui.panes.time_spent import time_body
from aspire_tui.tui.ports import Eyes, Mode
from aspire_tui.tui.screen.display import DiffedApp
from aspire_tui.tui.screen.draw import Brush, Rows
from aspire_tui.tui.screen.kitty import KittyPicture
from aspire_tui.tui.screen.paneview import CANNOT_DRAW
from aspire_tui.tui.screen.picture_box import Depth
from aspire_tui.tui.screen.text import Line, line, spread, width
from aspire_tui.tui.situation import Situation
from aspire_tui.tui.themes import Palette, ThemeName, textual_theme
from aspire_tui.tui.workspace import Workspace

if TYPE_CHECKING:
    from aspire_tui.tui.acts import Acts
    from aspire_tui.tui.editing import Editing
    from aspire_tui.tui.guide import Guide
    from aspire_tui.tui.keymap import KeyMap
    from aspire_tui.tui.orders import Orders

_BODIES: Final[dict[PaneId, Callable[[Moment, Look], Body]]] = {
    "calls": calls_body,
    "call": inspector_body,
    "checks": checks_body,
    "agent": agent_body,
    "search": search_body,
    "time": time_body,
}


class DrawnConsole(DiffedApp):
    """The drawing half of the console: from a moment and a situation to rows and panes."""

    moment: Moment
    live: Live
    mode: Mode
    acts: Acts
    orders: Orders
    keys: KeyMap
    editing: Editing
    guide: Guide | None
    eyes: Eyes | None
    kitty_B: int
    sixel_B: int
    cell_pixels: tuple[int, int]
    in_tmux: bool
    _pictures_sent: dict[int, KittyPicture]
    """What the terminal has by each number: another size takes the place of the first."""
    theme_name: ThemeName
    notice: tuple[str, str]
    bars_drawn: bool
    _ascii: bool
    _brush: Brush
    _clock: Callable[[], float]
    _depth: Depth
    _glyphs: Glyphs

    def compose(self) -> ComposeResult:
        self._strip = Rows(self._brush, 2, id="strip")
        self._tabs = Rows(self._brush, 1, id="tabs")
        self._guide_row = Rows(self._brush, 1, id="guide")
        self.workspace = Workspace(self._brush)
        self._bar = Rows(self._brush, 1, id="bar")
        self.typed = Input(id="typed", compact=True, select_on_focus=False)
        self.typed.cursor_blink = False
        self._footer = Rows(self._brush, 1, id="footer")
        yield from (self._strip, self._tabs, self._guide_row, self.workspace)
        yield from (self._bar, self.typed, self._footer)

    def situation(self) -> Situation:
        """What acts may depend on, now."""
        snapshot, state = self.moment.snapshot, self.live.state
        info = snapshot.session.cell if snapshot.session else {}
        recorded = str(info.get("estop", "UNKNOWN")) if isinstance(info, dict) else "UNKNOWN"
        return Situation(
            mode=self.mode,
            snapshot=snapshot,
            cell_state=state.status.state if state else snapshot.cell.state,
            estop=state.status.estop if state else recorded,
            stale=self.live.stale,
            engine=self.orders.engine is not None,
            engine_gone=bool(self.live.engine_gone),
            stop=self.orders.hold_line is not None,
            pane=self.workspace.focused,
            pictures=len(pictures_of(self.moment.keyframes)),
            program=self.moment.program is not None,
            searching=bool(self.acts.looking.query),
            people=self.live.people,
            keys=self.keys.changed,
            playing=self.acts.replaying.playing,
            shown=self.moment.trial,
            editor=self.editing.possible,
            held=self.live.held,
            eyes=self.eyes is not None,
            speed=state.status.speed if state else 1.0,
        )

    def draw(self) -> None:
        self._draw_panes(PANES)
        self.draw_bars()

    def _draw_panes(self, panes: tuple[PaneId, ...]) -> None:
        workspace = self.workspace
        if workspace.covered:
            self.draw_overlay()
            return
        for pane, box in workspace.places().items():
            if pane in panes and box.width > 4 and box.height > 2:
                look = self._look(box.width, box.height)
                workspace.pane(pane).show(self._body(pane, look), look.height)
                if pane == "call" and self.moment.picture is not None:
                    self._send_picture(self.moment.picture.data, look)

    def _send_picture(self, data: bytes, look: Look) -> None:
        """Give the terminal a picture it does not have yet; its cells are drawn as text."""
        sixel = sixel_of(data, look) if self.sixels is not None else None
        if sixel is not None and self.sixels is not None:
            self.sixels.show(sixel)
        picture = kitty_of(data, look)
        if picture is not None and self._pictures_sent.get(picture.id) != picture:
            self._pictures_sent[picture.id] = picture
            self.to_terminal(picture.sending(self.in_tmux))

    def _body(self, pane: PaneId, look: Look) -> Body:
        if self.size.width < LEAST_COLUMNS and pane != "calls":
            return nothing("", line((f"too narrow: {LEAST_COLUMNS} columns show this", "warn")))
        make = program_body if pane == "call" and self.acts.looking.showing_code else _BODIES[pane]
        try:
            return make(self.moment, look)
        except Exception as error:  # one pane that cannot be drawn must not take HOLD along
            self.log.error(f"pane {pane} cannot be drawn", error)
            return nothing(pane, line((f"{CANNOT_DRAW}: {error!r}", "alarm")))

    def _look(self, columns: int, rows: int) -> Look:
        return Look(
            width=max(1, columns - 4),
            height=max(1, rows - 2),
            glyphs=self._glyphs,
            depth=self._depth,
            now_s=self._clock() if self.mode == "live" else None,
            unfolded=self.acts.looking.unfolded,
            live=self.mode == "live",
            kitty_B=self.kitty_B,
            sixel_B=self.sixel_B if self.sixels is not None else 0,
            cell=self.cell_pixels,
            lanes=self.acts.looking.showing_lanes,
        )

    def draw_overlay(self) -> None:
        room = self.workspace.size
        look = self._look(room.width, room.height)
        self.workspace.overlay.show(self.acts.cover.body(look), look.height)

    def draw_bars(self) -> None:
        self.bars_drawn = True
        columns = self.size.width
        snapshot = self.moment.snapshot
        self._strip.show(strip_rows(snapshot, self.live, self.mode, columns, self._glyphs))
        tabs = self._tabs
        area = self.workspace
        tabs.display = not all_visible(columns, area.size.height) or area.zoomed
        room = columns - TABS_CELLS - 2
        more = overflow(snapshot, self.live, self.mode, columns, self._glyphs, room)
        tabs.show([tabs_row(area.focused, area.zoomed, columns, more)])
        self._guide_row.display = self.guide is not None
        if self.guide is not None:
            self._guide_row.show([self.guide.row(columns)])
        bar = self._bar
        bar.display = not self.acts.typing
        self.typed.display = bool(self.acts.typing)
        if self.acts.asking is not None:
            bar.show([question_row(self.acts.asking, columns)])
        elif self.acts.offered is not None:
            bar.show([offered_row(self.acts.offered, self.situation(), columns)])
        else:
            notice = notice_row(snapshot, *self.notice, columns)
            place = place_of(self.moment, self._glyphs, columns - width(notice) - 2)
            bar.show([spread(notice, place, columns)])
        self._footer.show([self._foot(columns)])

    def _foot(self, columns: int) -> Line:
        """The keys that do something now: those of what is typed or asked before all others."""
        if self.acts.typing:
            hint = self.typed.placeholder if self.typed.value else ""
            return typing_row(hint, columns)
        if self.acts.asking is not None or self.acts.offered is not None:
            return answering_row(columns)
        return footer_row(self.situation(), columns)

    def say(self, text: str, role: str) -> None:
        self.notice = (text, role)
        self.draw_bars()

    def hold_word(self, word: str) -> None:
        self.live = replace(self.live, hold=word)
        self.draw_bars()

    def wear(self, name: ThemeName) -> None:
        """Draw in another theme from now on."""
        self.theme_name = name
        self._brush.palette = Palette(name)
        if not self._ascii:
            self._depth = "16" if name == "ansi" else "256"
        theme = textual_theme(name)
        self.register_theme(theme)
        self.theme = theme.name
        self.redraw_all()
        self.draw()
