"""The first screen: cells with their health, running engines, tasks, sessions with outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input
from textual.worker import get_current_worker

from aspire_tui.config import Workspace
from aspire_tui.tui.breathing import FOR_HOLD, load_behind, settle
from aspire_tui.tui.glyphs import ASCII, UNICODE
from aspire_tui.tui.holding import hold_running_cells
from aspire_tui.tui.inventory import Inventory, Item, Surroundings
from aspire_tui.tui.pages import (
    HELP,
    Page,
    RunVerb,
    compare_page,
    doctor_page,
    ledger_page,
    session_page,
    skill_page,
    skills_page,
    terminal_finding,
    verify_page,
)
from aspire_tui.tui.panes.body import Look
from aspire_tui.tui.panes.choices import choices_body, does
from aspire_tui.tui.screen.display import DiffedApp, supported
from aspire_tui.tui.screen.draw import Brush, Rows
from aspire_tui.tui.screen.paneview import PaneView
from aspire_tui.tui.screen.safe import clean_line
from aspire_tui.tui.screen.text import Line, fit, line, spread
from aspire_tui.tui.terminal import Colours, leave_on_signals
from aspire_tui.tui.themes import Palette, ThemeName, choose_theme, textual_theme
from aspire_tui.tui.verbs import VerbFailed, WarmVerbs

REFRESH_S = 3.0

LookAround = Callable[[Workspace, str], Iterable[Inventory]]
"""What is there, soon; then perhaps again, with what took longer to read."""
GUIDED_TASK = "cube_stack"


@dataclass(frozen=True)
class Choice:
    """What the operator wants to do next."""

    kind: Literal["attach", "run", "replay", "guide"]
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
    #typed { display: none; height: 1; width: 1fr; border: none; padding: 0 1;
             background: $background; color: $foreground; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", show=False, priority=True),
        Binding("k,up", "move(-1)", show=False, priority=True),
        Binding("ctrl+d,pagedown", "move(10)", show=False, priority=True),
        Binding("ctrl+u,pageup", "move(-10)", show=False, priority=True),
        Binding("tab", "part(True)", show=False, priority=True),
        Binding("shift+tab", "part(False)", show=False, priority=True),
        Binding("home", "end(False)", show=False, priority=True),
        Binding("end", "end(True)", show=False, priority=True),
        Binding("enter", "choose", show=False, priority=True),
        Binding("r", "look", show=False, priority=True),
        Binding("g", "guide", show=False, priority=True),
        Binding("s", "page('skills')", show=False, priority=True),
        Binding("d", "page('doctor')", show=False, priority=True),
        Binding("c", "page('compare')", show=False, priority=True),
        Binding("i", "page('session')", show=False, priority=True),
        Binding("L", "page('ledger')", show=False, priority=True),
        Binding("v", "page('verify')", show=False, priority=True),
        Binding("m", "mark", show=False, priority=True),
        Binding("slash", "search", show=False, priority=True),
        Binding("n", "find(True)", show=False, priority=True),
        Binding("N", "find(False)", show=False, priority=True),
        Binding("question_mark", "help", show=False, priority=True),
        Binding("ctrl+l", "redraw", show=False, priority=True),
        Binding("space", "hold_outside_text", show=False, priority=True),
        Binding("ctrl+c", "hold", show=False, priority=True),
        Binding("escape", "step_back", show=False, priority=True),
        Binding("q", "leave", show=False, priority=True),
    ]

    class Paged(Message):
        """A page was read, or why it was not."""

        def __init__(self, page: Page | str) -> None:
            super().__init__()
            self.page = page

    class Held(Message):
        def __init__(self, said: str, role: str) -> None:
            super().__init__()
            self.said = said
            self.role = role

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
        look_around: LookAround | None = None,
        run: RunVerb | None = None,
        hold: Callable[[str], list[str]] = hold_running_cells,
        trouble: str = "",
    ) -> None:
        super().__init__(ansi_color=True)
        name = choose_theme(colours, theme)
        self._workspace = workspace
        self._who = who
        self._look_around: LookAround = look_around or Surroundings().look
        self._colours, self._plain_ascii = colours, ascii
        self._glyphs = ASCII if ascii else UNICODE
        self._brush = Brush(Palette(name), ascii)
        self._theme_name: ThemeName = name
        self._diffing = supported()
        self.colour_depth = {"mono": "mono", "ansi": "standard"}.get(name, "256")
        self._inventory: Inventory | None = None
        self._items: dict[int, Item] = {}
        self._warm = WarmVerbs() if run is None else None
        self._run_verb: RunVerb = run or self._warm  # type: ignore[assignment]
        self._hold_cells = hold
        self._page: Page | None = None
        self._above: list[Page] = []
        """Pages that esc goes back to, nearest last."""
        self._marked: list[Path] = []
        self._said = (trouble, "alarm")
        self._query = ""

    def compose(self) -> ComposeResult:
        yield Rows(self._brush, 1, id="head")
        yield PaneView(self._brush, "", id="choices")
        self._typed = Input(id="typed", compact=True)
        self._typed.cursor_blink = False
        yield self._typed
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

    def on_unmount(self) -> None:
        if self._warm is not None:
            self._warm.close()

    @property
    def _list(self) -> PaneView:
        return self.query_one("#choices", PaneView)

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    def on_launcher_seen(self, message: Seen) -> None:
        if self._inventory is None and self._warm is not None and not self.is_headless:
            self.call_after_refresh(self._breathe)
        self._inventory = message.inventory
        if self._page is None:
            self._draw()

    def _breathe(self) -> None:
        """The first screen stands."""
        settle()
        load_behind(FOR_HOLD)
        if self._warm is not None:
            self._warm.warm()

    def action_look(self) -> None:
        """Take the inventory again, in a thread."""
        self.run_worker(self._take, thread=True, exclusive=True, exit_on_error=False)

    def _take(self) -> None:
        worker = get_current_worker()
        for inventory in self._look_around(self._workspace, self._who):
            if worker.is_cancelled:
                return
            self.post_message(self.Seen(inventory))

    def action_move(self, by: int) -> None:
        self._said = ("", "")
        self._list.move(by)
        self._draw_bars()

    def action_end(self, last: bool) -> None:
        self._said = ("", "")
        self._list.ends(last)
        self._draw_bars()

    def action_part(self, forward: bool) -> None:
        """To the first row of the next part of the list, round and round."""
        if self._page is not None or not self._items:
            return
        here = self._list.row or 0
        heads = sorted(row for row in self._items if row - 1 not in self._items)
        if forward:
            row = next((head for head in heads if head > here), heads[0])
        else:
            row = next((head for head in reversed(heads) if head < here), heads[-1])
        self._said = ("", "")
        self._list.place(row)
        self._draw_bars()

    def action_choose(self) -> None:
        if self._typed.display:
            self._search_for(self._typed.value.strip())
        elif self._page is not None:
            name = self._page.name_of(self._list.row)
            if name:
                self._open(name, lambda: skill_page(self._run_verb, self._workspace.root, name))
        else:
            item = self._items.get(-1 if self._list.row is None else self._list.row)
            if item is not None and item.kind != "cell":
                self.exit(Choice(item.kind, item.name, item.path, item.socket))

    def action_guide(self) -> None:
        """The guided first session, on the stand-in."""
        self.exit(Choice("guide", GUIDED_TASK))

    def action_page(self, what: str) -> None:
        """Read a page in a thread."""
        run, root = self._run_verb, self._workspace.root
        item = self._items.get(-1 if self._list.row is None else self._list.row)
        path = item.path if item is not None and item.kind == "replay" else None
        match what:
            case "skills":
                self._open(what, lambda: skills_page(self._workspace.skill_folders()))
            case "doctor":
                room = self.size
                told = terminal_finding(room.width, room.height, self._colours, self._plain_ascii)
                self._open(what, lambda: doctor_page(run, root, told))
            case "ledger":
                self._open(what, lambda: ledger_page(run, root))
            case "verify":
                self._open(what, lambda: verify_page(run, root))
            case "session" if path is not None:
                self._open(what, lambda: session_page(run, root, path))
            case "compare":
                chosen = self._marked or self._newest()
                if len(chosen) < 2:
                    self._say("compare: mark two sessions with m", "warn")
                else:
                    columns = self._list.size.width - 4
                    self._open(what, lambda: compare_page(run, root, chosen, columns))

    def action_mark(self) -> None:
        item = self._items.get(-1 if self._list.row is None else self._list.row)
        if self._page is not None or item is None or item.kind != "replay" or item.path is None:
            return
        if item.path in self._marked:
            self._marked.remove(item.path)
        else:
            self._marked.append(item.path)
        names = ", ".join(path.stem for path in self._marked)
        self._say(f"marked: {names}; c compares" if names else "none is marked", "note")

    def action_help(self) -> None:
        self._show_page(HELP)

    def action_search(self) -> None:
        self._typed.value = ""
        self._typed.display = True
        self._typed.focus()

    def action_find(self, forward: bool) -> None:
        if self._query and self._list.find(self._query, forward) is None:
            self._say(f"nothing here has “{self._query}”", "warn")
        self._draw_bars()

    def action_hold(self) -> None:
        """HOLD every cell of this machine, in a thread of its own."""
        self.run_worker(self._hold, thread=True, exit_on_error=False, group="hold")

    def action_hold_outside_text(self) -> None:
        """Space is a blank while text is typed."""
        self.action_hold()

    def action_step_back(self) -> None:
        if self._typed.display:
            self._stop_typing()
        elif self._page is not None:
            self._page = self._above.pop() if self._above else None
            self._list.fresh()
            self._draw()
        else:
            self.workers.cancel_group(self, "page")
            self._say("q leaves", "note")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While text is typed only answering, leaving it, and HOLD by ctrl+c are acts."""
        if self._typed.display and action not in ("choose", "step_back", "redraw", "hold"):
            return False
        return super().check_action(action, parameters)

    def _hold(self) -> None:
        held = self._hold_cells(self._who)
        said = "; ".join(held) if held else "no cell runs on this machine"
        wrong = any("NOT" in one for one in held)
        self.post_message(self.Held(said, "alarm" if wrong else "hold" if held else "warn"))

    def on_launcher_held(self, message: Held) -> None:
        self._say(message.said, message.role)

    def _open(self, what: str, read: Callable[[], Page]) -> None:
        self._say(f"{what}: reading …", "note")

        def work() -> None:
            try:
                found: Page | str = read()
            except (VerbFailed, OSError, ValueError) as error:
                found = str(error)
            if not get_current_worker().is_cancelled:
                self.post_message(self.Paged(found))

        self.run_worker(work, thread=True, exclusive=True, exit_on_error=False, group="page")

    def on_launcher_paged(self, message: Paged) -> None:
        self._said = ("", "")
        if isinstance(message.page, str):
            self._say(message.page, "alarm")
        else:
            self._show_page(message.page)

    def _show_page(self, page: Page) -> None:
        if self._page is not None and self._page.names:
            self._above.append(self._page)
        self._page = page
        self._list.fresh()
        self._draw()

    def _search_for(self, text: str) -> None:
        self._stop_typing()
        self._query = text
        if text:
            self.action_find(True)

    def _stop_typing(self) -> None:
        self._typed.display = False
        self.set_focus(None)
        self._draw_bars()

    def _newest(self) -> list[Path]:
        sessions = self._inventory.sessions if self._inventory is not None else ()
        return [item.path for item in sessions if item.path is not None][:2]

    def _say(self, text: str, role: str) -> None:
        self._said = (text, role)
        self._draw_bars()

    def action_redraw(self) -> None:
        self.redraw_all()

    def action_leave(self) -> None:
        self.exit(None)

    def _draw(self) -> None:
        room = self._list.size
        look = Look(max(1, room.width - 4), max(1, room.height - 2), self._glyphs)
        if self._page is not None:
            body = self._page.body(look)
        else:
            body, self._items = choices_body(self._inventory, look)
        self._list.show(body, look.height)
        self._draw_bars()

    def _draw_bars(self) -> None:
        columns = self.size.width
        head = line((" aspire_tui ", "badge_sim"), (f"  {self._workspace.root}", "dim"))
        self.query_one("#head", Rows).show([spread(head, line((self._who, "dim")), columns)])
        self.query_one("#footer", Rows).show([self._foot(columns)])

    def _foot(self, columns: int) -> Line:
        text, role = self._said
        if text:
            return fit(line((f" {clean_line(text)}", role)), columns)
        page = self._page
        if page is not None:
            more = "read it" if page.name_of(self._list.row) else ""
            keys: tuple[tuple[str, str], ...] = (
                ("enter", more), ("j k", "scroll"), ("/", "search"), ("esc", "back"),
            )  # fmt: skip
        else:
            act = does(self._items.get(-1 if self._list.row is None else self._list.row))
            found = self._inventory
            runs = found is not None and any(cell.state != "not running" for cell in found.cells)
            keys = (
                ("space", "HOLD" if runs else ""),
                ("enter", act or "nothing to open here"), ("s", "skills"), ("c", "compare"),
                ("d", "doctor"), ("g", "guided"), ("?", "help"), ("q", "leave"),
            )  # fmt: skip
        parts = [part for key, word in keys if word for part in ((f" {key}", "key"), f" {word} ")]
        return fit(line(*parts[:-1], str(parts[-1]).rstrip()), columns)
