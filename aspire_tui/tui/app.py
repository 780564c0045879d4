"""The console: one screen that draws a session at a moment, live or replayed, and sends orders.

Live view is replay that follows the end of the file: both are drawn from the same moments.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from textual import events
from textual.driver import Driver
from textual.message import Message
from textual.widgets import Input

from aspire_tui.tui.acts import TYPING_KEYS, Acts
from aspire_tui.tui.answered import AnsweredConsole
from aspire_tui.tui.arrange import PANES
from aspire_tui.tui.arranging import Arranging
from aspire_tui.tui.attachment import Attachment
from aspire_tui.tui.breathing import FOR_PICTURES, load_behind, settle
from aspire_tui.tui.editing import Editing, Editor
from aspire_tui.tui.glyphs import ASCII, UNICODE
from aspire_tui.tui.guide import Guide
from aspire_tui.tui.keymap import DEFAULT_KEYS, KeyMap
from aspire_tui.tui.moment import Moment
from aspire_tui.tui.news import calls_somebody, news_of
from aspire_tui.tui.orders import Orders
from aspire_tui.tui.panes.strip import Live
from aspire_tui.tui.ports import EngineClient, Eyes, Mode, StateFeed, StopPort
from aspire_tui.tui.remembered import Remembered
from aspire_tui.tui.replaying import FRAME_S
from aspire_tui.tui.screen.display import supported
from aspire_tui.tui.screen.draw import Brush
from aspire_tui.tui.screen.holdkey import HoldKeyDriver
from aspire_tui.tui.screen.paneview import PaneView
from aspire_tui.tui.screen.picture_box import Depth
from aspire_tui.tui.screen.sixel import SixelLayer
from aspire_tui.tui.source import SessionSource
from aspire_tui.tui.terminal import Colours, cell_pixels, leave_on_signals
from aspire_tui.tui.themes import Palette, ThemeName, choose_theme, textual_theme
from aspire_tui.tui.workspace import Workspace

TICK_S: Final = 0.5
BREATHES_S: Final = 0.2
"""How long after the first moment it is drawn for sure."""
REPORT_S: Final = 2.0
"""How often the engine hears that this screen is here."""
PICTURE_S: Final = 10.0
"""A picture by the kitty protocol may take the link for so long, once."""
SIXEL_S: Final = 4.0
"""A picture as sixels may take the link for so long, whenever it moves."""
AWAY_S: Final = 900.0
"""Without a key for so long, the next one is answered with what happened meanwhile."""
HOLD_SWITCH_S: Final = 0.0005
"""How long drawing may keep the interpreter from the thread that reads HOLD."""

_DRIVER_DEPTH: Final[dict[Colours, str]] = {
    "truecolor": "256",
    "256": "256",
    "standard": "standard",
    "mono": "mono",
}


class Console(AnsweredConsole):
    """Draws a session and sends orders.

    Args:
        source: The session file being followed or replayed.
        engine: Commands to the engine, None in a replay.
        stop: The way straight to the cell host, None in a replay.
        mode: ``live`` follows the end of the file, ``replay`` stands still.
        feed: The driver's live state stream, where there is a cell host.
        at: The event a replay begins at; None is its end.
        ascii: Draw with ASCII only.
        theme: A theme by name; chosen by the terminal's colours when None.
        colours: What the terminal can show.
        who: Whose acts these are.
        attachment: Whether the terminal is really there.
        clock: Unix time.
        keys: Which key stands for which act.
        remembered: File that says how the screen was left.
        guide: Leads a newcomer through a first session.
        editor: Opens a file in the operator's editor and returns when it is closed.
        keeps: Folder of the workspace for what is kept beside recorded sessions.
        eyes: The cameras of the cell, None where there is none to look through.
        picture_B_s: Most bytes a second that live pictures may cost.
        kitty: Send pictures by the kitty graphics protocol.
        sixel: Draw pictures as sixels.
        in_tmux: They have to pass through tmux.
    """

    AUTO_FOCUS = None
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Screen { layout: vertical; overflow: hidden; background: $background; }
    #workspace { height: 1fr; width: 1fr; background: $background; }
    Rows { background: $background; }
    PaneView { background: $background; }
    #typed { display: none; height: 1; width: 1fr; border: none; padding: 0 1;
             background: $background; color: $foreground; }
    """

    class MomentRead(Message):
        def __init__(self, moment: Moment) -> None:
            super().__init__()
            self.moment = moment

    class ReadingFailed(Message):
        def __init__(self, why: str) -> None:
            super().__init__()
            self.why = why

    def __init__(
        self,
        source: SessionSource,
        engine: EngineClient | None = None,
        stop: StopPort | None = None,
        *,
        mode: Mode = "live",
        feed: StateFeed | None = None,
        at: int | None = None,
        ascii: bool = False,
        theme: ThemeName | None = None,
        colours: Colours = "256",
        who: str = "operator",
        attachment: Attachment | None = None,
        clock: Callable[[], float] = time.time,
        keys: KeyMap = DEFAULT_KEYS,
        keeps: Path | None = None,
        remembered: Path | None = None,
        editor: Editor | None = None,
        guide: Guide | None = None,
        eyes: Eyes | None = None,
        picture_B_s: float = 8_000.0,
        kitty: bool = False,
        sixel: bool = False,
        in_tmux: bool = False,
        driver_class: type[Driver] | None = HoldKeyDriver,
    ) -> None:
        name = choose_theme(colours, theme)
        super().__init__(driver_class=driver_class, ansi_color=True)
        self.source = source
        self.keys = keys
        self.keeps = keeps
        self.guide = guide
        self.editing = Editing(self, editor)
        self.eyes = eyes
        self.picture_B_s = picture_B_s
        self.kitty_B = int(PICTURE_S * picture_B_s) if kitty else 0
        self.sixel_B = int(SIXEL_S * picture_B_s)
        self.sixels = SixelLayer(picture_B_s) if sixel else None
        self.cell_pixels = cell_pixels()
        self.in_tmux = in_tmux
        self._pictures_sent = {}
        self.mode: Mode = mode
        self.moment = Moment()
        self.live = Live(expected=feed is not None)
        self._feed = feed
        self._at = at
        self._key_s = clock()
        self._clock = clock
        self._ascii = ascii
        self._glyphs = ASCII if ascii else UNICODE
        self._depth: Depth = "mono" if ascii or name == "mono" else "256"
        if colours == "standard" and self._depth == "256":
            self._depth = "16"
        self._brush = Brush(Palette(name), ascii)
        self.theme_name = name
        self.colour_depth = "mono" if name == "mono" else _DRIVER_DEPTH[colours]
        self._diffing = supported()
        self.orders = Orders(
            engine,
            stop,
            who,
            lambda answer: self.post(self.Answered(answer)),
            lambda answer: self.post(self.Held(answer)),
            attachment,
        )
        self.notice = ("", "")
        self.bars_drawn = False
        self.blind = True
        """Nothing of the session was shown yet: keys but HOLD were meant for something else."""
        self.arranging = Arranging(self, Remembered(remembered))
        self.acts = Acts(self)
        self._state_key: tuple[str, float] | None = None

    # -- set up and leave -----------------------------------------------------------------------

    def on_mount(self) -> None:
        theme = textual_theme(self.theme_name)
        self.register_theme(theme)
        self.theme = theme.name
        if not self.is_headless:
            leave_on_signals(self)
            sys.setswitchinterval(HOLD_SWITCH_S)
        self.arranging.recall()
        self.app_resume_signal.subscribe(self, lambda _: self.redraw_all())
        self.workspace.replace_panes()
        self.source.start(
            lambda moment: self.post(self.MomentRead(moment)),
            lambda why: self.post(self.ReadingFailed(why)),
        )
        if self._at is not None:
            self.source.choose(at_seq=self._at)
        self._tick()
        self.set_interval(TICK_S, self._tick)
        if self.mode == "replay":
            self.set_interval(FRAME_S, partial(self.acts.replaying.tick, FRAME_S))
        if self.mode == "live" and self.orders.engine is not None:
            self._report()
            self.set_interval(REPORT_S, self._report)

    def _breathe(self) -> None:
        """The first screen stands."""
        settle()
        load_behind(FOR_PICTURES)

    def _report(self) -> None:
        self.orders.report(max(0.0, self._clock() - self._key_s))

    async def on_event(self, event: events.Event) -> None:
        """Any key says that somebody is here; one that stands for an act goes no further."""
        last_s = self._key_s
        if isinstance(event, events.Key | events.Paste):
            self._key_s = self._clock()
        if isinstance(event, events.Key):
            if self._came_back(event.key, last_s):
                return
            if self._acted(event.key):
                return
            if event.key.startswith("alt+"):  # esc and a key after it, made one on the way (tmux)
                self._acted("escape")
                key = event.key.removeprefix("alt+")
                if self._acted(key[6:].upper() if key.startswith("shift+") else key):
                    return
        await super().on_event(event)

    def _acted(self, key: str) -> bool:
        """Do what a key stands for now, if it stands for anything."""
        act = self.keys.act_of(key, self.mode)
        if not act or (self.typing_text and key not in TYPING_KEYS):
            return False
        self.acts.press(act, key)
        return True

    def _came_back(self, key: str, last_s: float) -> bool:
        """The first key after a long while only wakes the screen: it says what happened since."""
        away = self.mode == "live" and self._key_s - last_s > AWAY_S
        if away and self.keys.act_of(key, self.mode) != "hold":
            self.acts.comparing.since(last_s)
            return True
        return False

    def on_unmount(self) -> None:
        self.arranging.keep()
        self.arranging.untitle()
        self.orders.close()
        self.source.close()

    # -- what comes in --------------------------------------------------------------------------

    def on_console_moment_read(self, message: MomentRead) -> None:
        self.blind = False
        known = self.moment.snapshot
        if not known.seq and not self.is_headless:
            self.set_timer(BREATHES_S, self._breathe)
        self.moment = message.moment
        after = self.moment.snapshot
        if self.mode == "live":
            self.arranging.entitle(after)
            if calls_somebody(known, after):
                self.bell()
            self.acts.ideas.went_on()
            for text, role in news_of(known, self.moment) if known.seq else ():
                self.say(text, role)
        if self.guide is not None and self.guide.saw(after):
            self.bell()
        self.draw()

    def on_console_reading_failed(self, message: ReadingFailed) -> None:
        self.blind = False
        self.say(message.why, "alarm")

    def on_pane_view_picked(self, message: PaneView.Picked) -> None:
        if message.pane in PANES:
            self.acts.looking.focus(message.pane)
            if message.row is not None:
                self.acts.looking.chosen(self.workspace.pane(message.pane).place(message.row))

    def on_workspace_rearranged(self, _: Workspace.Rearranged) -> None:
        self.draw()

    def look_at_cell(self) -> None:
        now_s = self._clock()
        state = self._feed.latest() if self._feed is not None else None
        key = (state.status.state, state.status.since_s) if state is not None else None
        if key != self._state_key:
            self._state_key = key
            self.live = replace(self.live, state_since_s=now_s)
        self.live = replace(self.live, state=state, now_s=now_s, pulse=bool(int(now_s) % 2))

    def _tick(self) -> None:
        self.look_at_cell()
        self.draw_bars()
        if self.mode == "live" and self.moment.snapshot.in_flight is not None:
            self._draw_panes(("calls",))

    # -- acts -----------------------------------------------------------------------------------

    @property
    def typing_text(self) -> bool:
        """Space is a blank now, not HOLD. Read by the input thread."""
        return bool(self.acts.typing)

    def on_key(self, event: events.Key) -> None:
        """Keys that are no act: ``y`` answers a question, anything else withdraws it."""
        if self.acts.asking is not None:
            self.acts.decide("go" if event.key == "y" else "cancel")
            event.stop()
        elif self.acts.offered is not None:
            self.acts.press("back", event.key)
            event.stop()

    def on_input_changed(self, _: Input.Changed) -> None:
        self.acts.typed()
