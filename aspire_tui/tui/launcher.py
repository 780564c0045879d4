"""The first screen: cells with their health, running engines, tasks, sessions with outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.worker import get_current_worker

from aspire_tui.config import Workspace
from aspire_tui.tui.glyphs import ASCII, UNICODE
from aspire_tui.tui.inventory import Inventory, Item, take_inventory
from aspire_tui.tui.panes.body import Look
from aspire_tui.tui.panes.choices import choices_body, does
from aspire_tui.tui.screen.display import DiffedApp, supported
from aspire_tui.tui.screen.draw import Brush, Rows
from aspire_tui.tui.screen.paneview import PaneView
from aspire_tui.tui.screen.text import line, spread, width
from aspire_tui.tui.terminal import Colours, leave_on_signals
from aspire_tui.tui.themes import Palette, ThemeName, choose_theme, textual_theme

REFRESH_S = 3.0


@dataclass(frozen=True)
class Choice:
    """What the operator wants to do next."""

    kind: Literal["attach", "run", "replay"]
    name: str
    path: Path | None = None
    socket: Path | None = None


class Launcher(DiffedApp):
    """Lists what there is; exits with a :class:`Choice`, or with None when left."""

    AUTO_FOCUS = None
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Screen { layout: vertical; overflow: hidden; background: $background; }
    PaneView { height: 1fr; width: 1fr; background: $background; }
    Rows { background: $background; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", show=False, priority=True),
        Binding("k,up", "move(-1)", show=False, priority=True),
        Binding("ctrl+d,pagedown", "move(10)", show=False, priority=True),
        Binding("ctrl+u,pageup", "move(-10)", show=False, priority=True),
        Binding("enter", "choose", show=False, priority=True),
        Binding("r", "look", show=False, priority=True),
        Binding("ctrl+l", "redraw", show=False, priority=True),
        Binding("q,escape,ctrl+c", "leave", show=False, priority=True),
    ]

    class Seen(Message):
        def __init__(self, inventory: Inventory) -> None:
            super().__init__()
            self.inventory = inventory

    def __init__(
        self,
        workspace: Workspace,
        who: str,
        *,
        ascii: bool = False,
        theme: ThemeName | None = None,
        colours: Colours = "256",
        look_around: Callable[[Workspace, str], Inventory] = take_inventory,
    ) -> None:
        super().__init__(ansi_color=True)
        name = choose_theme(colours, colours == "mono", theme)
        self._workspace = workspace
        self._who = who
        self._look_around = look_around
        self._glyphs = ASCII if ascii else UNICODE
        self._brush = Brush(Palette(name), ascii)
        self._theme_name: ThemeName = name
        self._diffing = supported()
        self.colour_depth = {"mono": "mono", "ansi": "standard"}.get(name, "256")
        self._inventory: Inventory | None = None
        self._items: dict[int, Item] = {}

    def compose(self) -> ComposeResult:
        yield Rows(self._brush, 1, id="head")
        yield PaneView(self._brush, "", id="choices")
        yield Rows(self._brush, 1, id="footer")

    def on_mount(self) -> None:
        theme = textual_theme(self._theme_name)
        self.register_theme(theme)
        self.theme = theme.name
        if not self.is_headless:
            leave_on_signals(self)
        self._list.mark(True, alone=True)
        self.action_look()
        self.set_interval(REFRESH_S, self.action_look)

    @property
    def _list(self) -> PaneView:
        return self.query_one("#choices", PaneView)

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    def on_launcher_seen(self, message: Seen) -> None:
        self._inventory = message.inventory
        self._draw()

    def action_look(self) -> None:
        """Take the inventory again, in a thread."""
        self.run_worker(self._take, thread=True, exclusive=True, exit_on_error=False)

    def _take(self) -> None:
        worker = get_current_worker()
        inventory = self._look_around(self._workspace, self._who)
        if not worker.is_cancelled:
            self.post_message(self.Seen(inventory))

    def action_move(self, by: int) -> None:
        self._list.move(by)
        self._draw_bars()

    def action_choose(self) -> None:
        item = self._items.get(self._list.row or -1)
        if item is not None and item.kind != "cell":
            self.exit(Choice(item.kind, item.name, item.path, item.socket))

    def action_redraw(self) -> None:
        self.redraw_all()

    def action_leave(self) -> None:
        self.exit(None)

    def _draw(self) -> None:
        room = self._list.size
        look = Look(max(1, room.width - 4), max(1, room.height - 2), self._glyphs)
        body, self._items = choices_body(self._inventory, look)
        self._list.show(body, look.height)
        self._draw_bars()

    def _draw_bars(self) -> None:
        columns = self.size.width
        head = line((" aspire_tui ", "badge_sim"), (f"  {self._workspace.root}", "dim"))
        self.query_one("#head", Rows).show([spread(head, line((self._who, "dim")), columns)])
        act = does(self._items.get(self._list.row or -1))
        foot = line(
            (" enter", "key" if act else "faint"),
            (f" {act or 'nothing to open here'}  ", "" if act else "faint"),
            ("j k", "key"), " choose  ", ("r", "key"), " look again  ", ("q", "key"), " leave",
        )  # fmt: skip
        doctor = line(("aspire-tui doctor", "dim"), (" says what this machine can do ", "faint"))
        room = width(foot) + width(doctor) < columns
        self.query_one("#footer", Rows).show([spread(foot, doctor if room else (), columns)])
