"""The console: one screen that draws a session at a moment, live or replayed, and sends orders.

Live view is replay that follows the end of the file: both are drawn from the same moments.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.driver import Driver
from textual.message import Message
from textual.widgets import Input

from aspire_tui.tui.actions import ACTIONS, BY_ID, Choice, Situation, what_goes_on
from aspire_tui.tui.arrange import LEAST_COLUMNS, PANES, PaneId, all_visible
from aspire_tui.tui.glyphs import ASCII, UNICODE
from aspire_tui.tui.moment import Moment, pictures_of
from aspire_tui.tui.orders import Answer, Orders
from aspire_tui.tui.panes.agent import agent_body
from aspire_tui.tui.panes.bars import (
    Asking,
    footer_row,
    notice_row,
    place_of,
    question_row,
    tabs_row,
)
from aspire_tui.tui.panes.body import Body, Look, Target, nothing
from aspire_tui.tui.panes.calls import calls_body
from aspire_tui.tui.panes.checks import checks_body
from aspire_tui.tui.panes.help import help_body, palette_body
from aspire_tui.tui.panes.inspector import inspector_body, program_body
from aspire_tui.tui.panes.search import search_body
from aspire_tui.tui.panes.strip import Live, strip_rows
from aspire_tui.tui.panes.time_spent import time_body
from aspire_tui.tui.ports import EngineClient, Mode, StateFeed, StopPort
from aspire_tui.tui.screen.display import DiffedApp, supported
from aspire_tui.tui.screen.draw import Brush, Rows
from aspire_tui.tui.screen.halfcell import Depth
from aspire_tui.tui.screen.holdkey import HoldAnswer, HoldKeyDriver, HoldLine
from aspire_tui.tui.screen.paneview import CANNOT_DRAW, PaneView
from aspire_tui.tui.screen.text import line, spread
from aspire_tui.tui.source import Seek, SessionSource
from aspire_tui.tui.terminal import Colours, leave_on_signals
from aspire_tui.tui.themes import Palette, ThemeName, choose_theme, textual_theme
from aspire_tui.tui.workspace import Workspace

TICK_S: Final = 0.5
PING_S: Final = 3.0
HOLD_SWITCH_S: Final = 0.0005
"""How long drawing may keep the interpreter from the thread that reads HOLD."""

TYPING_KEYS: Final = ("ctrl+c", "escape", "enter", "up", "down", "ctrl+l")
"""Keys that are acts also while text is typed."""

_DRIVER_DEPTH: Final[dict[Colours, str]] = {
    "truecolor": "256",
    "256": "256",
    "standard": "standard",
    "mono": "mono",
}
_BODIES: Final[dict[PaneId, Callable[[Moment, Look], Body]]] = {
    "calls": calls_body,
    "call": inspector_body,
    "checks": checks_body,
    "agent": agent_body,
    "search": search_body,
    "time": time_body,
}


@dataclass(frozen=True)
class Departure:
    """How the operator left, in words for the shell."""

    kind: str
    text: str


class Console(DiffedApp):
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
        clock: Unix time.
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
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key, f"act('{action.id}', '{key}')", action.title, show=False, priority=True)
        for action in ACTIONS
        for key in action.keys
    ]

    class MomentRead(Message):
        def __init__(self, moment: Moment) -> None:
            super().__init__()
            self.moment = moment

    class ReadingFailed(Message):
        def __init__(self, why: str) -> None:
            super().__init__()
            self.why = why

    class Answered(Message):
        def __init__(self, answer: Answer) -> None:
            super().__init__()
            self.answer = answer

    class Held(Message):
        def __init__(self, answer: HoldAnswer) -> None:
            super().__init__()
            self.answer = answer

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
        clock: Callable[[], float] = time.time,
        driver_class: type[Driver] | None = HoldKeyDriver,
    ) -> None:
        name = choose_theme(colours, colours == "mono", theme)
        super().__init__(driver_class=driver_class, ansi_color=True)
        self.source = source
        self.mode: Mode = mode
        self.typing_text = False
        self.moment = Moment()
        self.live = Live(expected=feed is not None)
        self._feed = feed
        self._at = at
        self._who = who
        self._clock = clock
        self._ascii = ascii
        self._glyphs = ASCII if ascii else UNICODE
        self._depth: Depth = "mono" if ascii or name == "mono" else "256"
        if colours == "standard" and self._depth == "256":
            self._depth = "16"
        self._brush = Brush(Palette(name), ascii)
        self._theme_name = name
        self.colour_depth = "mono" if name == "mono" else _DRIVER_DEPTH[colours]
        self._diffing = supported()
        self._orders = Orders(
            engine,
            stop,
            who,
            lambda answer: self._post(self.Answered(answer)),
            lambda answer: self._post(self.Held(answer)),
        )
        self._asking: Asking | None = None
        self._notice = ("", "")
        self._typing = ""
        self._query = ""
        self._unfolded: frozenset[int] = frozenset()
        self._showing_code = False
        self._helping = False
        self._bars_drawn = False
        self._state_key: tuple[str, float] | None = None

    # -- set up and leave -----------------------------------------------------------------------

    @property
    def hold_line(self) -> HoldLine | None:
        """Where the input thread sends HOLD; None when no cell is attached."""
        return self._orders.hold_line if self.mode == "live" else None

    def compose(self) -> ComposeResult:
        self._strip = Rows(self._brush, 2, id="strip")
        self._tabs = Rows(self._brush, 1, id="tabs")
        self.workspace = Workspace(self._brush)
        self._bar = Rows(self._brush, 1, id="bar")
        self._typed = Input(id="typed", compact=True, select_on_focus=False)
        self._typed.cursor_blink = False
        self._footer = Rows(self._brush, 1, id="footer")
        yield from (self._strip, self._tabs, self.workspace, self._bar, self._typed, self._footer)

    def on_mount(self) -> None:
        theme = textual_theme(self._theme_name)
        self.register_theme(theme)
        self.theme = theme.name
        if not self.is_headless:
            leave_on_signals(self)
            sys.setswitchinterval(HOLD_SWITCH_S)
        self.app_resume_signal.subscribe(self, lambda _: self.redraw_all())
        self.workspace.replace_panes()
        self.source.start(
            lambda moment: self._post(self.MomentRead(moment)),
            lambda why: self._post(self.ReadingFailed(why)),
        )
        if self._at is not None:
            self.source.choose(at_seq=self._at)
        self._tick()
        self.set_interval(TICK_S, self._tick)
        if self.mode == "live" and self._orders.engine is not None:
            self.set_interval(PING_S, lambda: self._orders.send("hello"))

    def on_unmount(self) -> None:
        self._orders.close()
        self.source.close()

    def _post(self, message: Message) -> None:
        """From any thread; a console that is leaving has no use for it."""
        if self._running:
            self.post_message(message)

    # -- what comes in --------------------------------------------------------------------------

    def on_console_moment_read(self, message: MomentRead) -> None:
        before = self.moment.snapshot.phase.phase
        self.moment = message.moment
        phase = self.moment.snapshot.phase.phase
        if self.mode == "live" and phase != before and phase in ("needs_operator", "fault"):
            self.bell()
        self._draw()

    def on_console_reading_failed(self, message: ReadingFailed) -> None:
        self._say(message.why, "alarm")

    def on_console_answered(self, message: Answered) -> None:
        answer = message.answer
        self.live = replace(self.live, engine_gone=answer.reason if answer.gone else "")
        if answer.gone and self.moment.snapshot.ended is None:
            self._say(
                "engine gone: the session is kept; q leaves, aspire-tui run --resume", "alarm"
            )
        elif answer.verb != "hello" and not answer.accepted:
            self._say(f"{answer.verb} refused: {answer.reason}", "alarm")
        elif answer.verb == "hold":
            if self.hold_line is None:
                self._hold_word(f"HOLD {answer.reason}")
        elif answer.verb != "hello" and self._notice[1] != "alarm":
            self._say(f"{answer.verb}: {answer.reason or 'accepted'}", "ok")
        if answer.accepted and answer.verb in ("resume", "step"):
            self.live = replace(self.live, hold="")
        self._draw_bars()

    def on_console_held(self, message: Held) -> None:
        answer = message.answer
        if answer.confirmed:
            self._hold_word(f"HOLD confirmed {answer.took_ms:.0f} ms")
        else:
            self._hold_word("HOLD NOT CONFIRMED")
            self._say(f"HOLD was not confirmed by the cell: {answer.error}", "alarm")

    def on_pane_view_picked(self, message: PaneView.Picked) -> None:
        if message.pane in PANES:
            self._focus(message.pane)
            if message.row is not None:
                self._chosen(self.workspace.pane(message.pane).place(message.row))

    def on_workspace_rearranged(self, _: Workspace.Rearranged) -> None:
        self._draw()

    def _look_at_cell(self) -> None:
        now_s = self._clock()
        state = self._feed.latest() if self._feed is not None else None
        key = (state.status.state, state.status.since_s) if state is not None else None
        if key != self._state_key:
            self._state_key = key
            self.live = replace(self.live, state_since_s=now_s)
        self.live = replace(self.live, state=state, now_s=now_s, pulse=bool(int(now_s) % 2))

    def _tick(self) -> None:
        self._look_at_cell()
        self._draw_bars()
        if self.mode == "live" and self.moment.snapshot.in_flight is not None:
            self._draw_panes(("calls",))

    # -- drawing --------------------------------------------------------------------------------

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
            engine=self._orders.engine is not None,
            engine_gone=bool(self.live.engine_gone),
            stop=self._orders.hold_line is not None,
            pictures=len(pictures_of(self.moment.keyframes)),
            program=self.moment.program is not None,
            searching=bool(self._query),
        )

    def _draw(self) -> None:
        self._draw_panes(PANES)
        self._draw_bars()

    def _draw_panes(self, panes: tuple[PaneId, ...]) -> None:
        workspace = self.workspace
        if workspace.covered:
            self._draw_overlay()
            return
        for pane, box in workspace.places().items():
            if pane in panes and box.width > 4 and box.height > 2:
                look = self._look(box.width, box.height)
                workspace.pane(pane).show(self._body(pane, look), look.height)

    def _body(self, pane: PaneId, look: Look) -> Body:
        if self.size.width < LEAST_COLUMNS and pane != "calls":
            return nothing("", line((f"too narrow: {LEAST_COLUMNS} columns show this", "warn")))
        make = program_body if pane == "call" and self._showing_code else _BODIES[pane]
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
            unfolded=self._unfolded,
            live=self.mode == "live",
        )

    def _draw_overlay(self) -> None:
        room = self.workspace.size
        look = self._look(room.width, room.height)
        if self._helping:
            body = help_body(self.situation(), look)
        else:
            body = palette_body(self._typed.value, self.situation(), look)
        self.workspace.overlay.show(body, look.height)

    def _draw_bars(self) -> None:
        self._bars_drawn = True
        columns = self.size.width
        snapshot = self.moment.snapshot
        self._strip.show(strip_rows(snapshot, self.live, self.mode, columns, self._glyphs))
        tabs = self._tabs
        area = self.workspace
        tabs.display = not all_visible(columns, area.size.height) or area.zoomed
        tabs.show([tabs_row(area.focused, area.zoomed, columns)])
        bar = self._bar
        bar.display = not self._typing
        self._typed.display = bool(self._typing)
        if self._asking is not None:
            bar.show([question_row(self._asking, columns)])
        else:
            place = place_of(self.moment, self._glyphs)
            notice = notice_row(snapshot, *self._notice, columns)
            bar.show([spread(notice, place, columns)])
        self._footer.show([footer_row(self.situation(), columns)])

    def _say(self, text: str, role: str) -> None:
        self._notice = (text, role)
        self._draw_bars()

    def _hold_word(self, word: str) -> None:
        self.live = replace(self.live, hold=word)
        self._draw_bars()

    # -- acts -----------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While text is typed only a few keys are acts; ``space`` then is a blank."""
        if action == "act" and self._typing:
            return parameters[-1] in TYPING_KEYS
        return super().check_action(action, parameters)

    def action_act(self, action_id: str, key: str) -> None:
        """Do what a key stands for: answer a question, else ask one, else act."""
        if action_id == "hold":
            self._hold()
            return
        if self._typing:
            self._act_typing(action_id, key)
        elif self._asking is not None:
            self._answer(action_id)
        elif self.workspace.covered:
            self._act_covered(action_id)
        else:
            self._attempt(action_id)

    def on_key(self, event: events.Key) -> None:
        """Keys that are no act: ``y`` answers a question, anything else withdraws it."""
        if self._asking is not None:
            self._decide("go" if event.key == "y" else "cancel")
            event.stop()

    def _attempt(self, action_id: str) -> None:
        """One act, if it can be done now; its question first, if it has one."""
        self._look_at_cell()
        action, now = BY_ID[action_id], self.situation()
        why = action.why_disabled(now)
        if why is not None:
            self._say(f"{action.title}: {why}", "warn")
            return
        confirm = action.confirm(now)
        if confirm is not None:
            self._asking = Asking(action_id, confirm, confirm.default)
            self._draw_bars()
            return
        self._do(action_id)

    def _answer(self, action_id: str) -> None:
        assert self._asking is not None
        if action_id == "open":
            self._decide(self._asking.choice)
        elif action_id in ("next_pane", "last_pane", "call_back", "call_forward"):
            other: Choice = "go" if self._asking.choice == "cancel" else "cancel"
            self._asking = replace(self._asking, choice=other)
            self._draw_bars()
        else:
            self._decide("cancel")

    def _decide(self, choice: Choice) -> None:
        asking, self._asking = self._asking, None
        self._notice = ("", "")
        if asking is not None and choice == "go":
            self._look_at_cell()
            why = BY_ID[asking.action].why_disabled(self.situation())
            if why is None:
                self._do(asking.action)
            else:
                self._say(f"{BY_ID[asking.action].title}: {why}", "warn")
        self._draw_bars()

    def _hold(self) -> None:
        """HOLD, by every way there is. Repeats are harmless; nothing here can resume."""
        self._asking = None
        why = BY_ID["hold"].why_disabled(self.situation())
        if why is not None:
            self._say(f"HOLD: {why}", "warn")
            return
        line = self.hold_line
        if line is not None and not isinstance(self._driver, HoldKeyDriver):
            line.press()
        if line is None or line.pending:
            self._hold_word("HOLD sent")
        self._orders.send("hold")

    def _do(self, action_id: str) -> None:
        self._notice = ("", "")
        self._bars_drawn = False
        verb = BY_ID[action_id].verb
        if verb == "pause_agent":
            self._orders.send(verb, {"on": not self.moment.snapshot.mode.agent_paused})
        elif verb is not None:
            self._orders.send(verb)
        elif action_id.startswith("pane_"):
            self._focus(PANES[int(action_id[-1]) - 1])
        else:
            handler: Callable[[], Any] = getattr(self, f"_do_{action_id}")
            handler()
        if not self._bars_drawn:
            self._draw_bars()

    def _do_detach(self) -> None:
        snapshot = self.moment.snapshot
        goes_on = self.mode == "live" and snapshot.ended is None and not self.live.engine_gone
        if goes_on:
            text = f"{what_goes_on(snapshot)} Attach again: aspire-tui attach"
            self.exit(Departure("detached", text))
        else:
            self.exit(Departure("left", f"session {self.source.path}"))

    # replay

    def _do_call_back(self) -> None:
        self._seek(Seek("call", forward=False))

    def _do_call_forward(self) -> None:
        self._seek(Seek("call"))

    def _do_time_back(self) -> None:
        self._seek(Seek("seconds", forward=False, seconds=10.0))

    def _do_time_forward(self) -> None:
        self._seek(Seek("seconds", seconds=10.0))

    def _do_failure_back(self) -> None:
        self._seek(Seek("failure", forward=False))

    def _do_failure_forward(self) -> None:
        self._seek(Seek("failure"))

    def _do_start(self) -> None:
        self._seek(Seek("start"))

    def _do_end(self) -> None:
        self._seek(Seek("end"))

    def _seek(self, seek: Seek) -> None:
        for pane in ("calls", "agent"):
            self.workspace.pane(pane).release()
        self.source.seek(seek)

    # looking around

    def _focus(self, pane: PaneId) -> None:
        self.workspace.focus_pane(pane)
        self._draw()

    def _do_next_pane(self) -> None:
        self._focus(PANES[(PANES.index(self.workspace.focused) + 1) % len(PANES)])

    def _do_last_pane(self) -> None:
        self._focus(PANES[(PANES.index(self.workspace.focused) - 1) % len(PANES)])

    def _do_zoom(self) -> None:
        self.workspace.zoom()
        self._draw()

    def _do_open(self) -> None:
        target = self._pane.target()
        if target is None:
            return
        if target.kind == "call":
            self.source.choose(call=target.number, trial=self._trial_number())
            self._focus("call")
        elif target.kind == "trial":
            self.source.choose(trial=target.number, call=None, picture=None)
            self._focus("calls")
        elif target.kind == "hypothesis":
            self._unfolded ^= {target.number}
            self._draw()

    def _do_back(self) -> None:
        """One step back: code, picture, zoom, then whatever was pinned."""
        asked = self.moment.asked
        if self._showing_code:
            self._do_program()
        elif asked.picture is not None:
            self.source.choose(picture=None)
        elif self.workspace.zoomed:
            self._do_zoom()
        elif asked.trial is not None or asked.call is not None:
            for pane in PANES:
                self.workspace.pane(pane).release()
            self.source.choose(trial=None, call=None)
        elif self.workspace.focused != "calls":
            self._focus("calls")

    def _do_down(self) -> None:
        self._chosen(self._pane.move(1))

    def _do_up(self) -> None:
        self._chosen(self._pane.move(-1))

    def _do_page_down(self) -> None:
        self._chosen(self._pane.move(max(1, self._pane.visible_rows // 2)))

    def _do_page_up(self) -> None:
        self._chosen(self._pane.move(-max(1, self._pane.visible_rows // 2)))

    def _do_top(self) -> None:
        self._chosen(self._pane.ends(last=False))

    def _do_bottom(self) -> None:
        self._chosen(self._pane.ends(last=True))

    def _chosen(self, target: Target | None) -> None:
        """A row under the cursor: calls are shown at once, trials and hypotheses on enter."""
        if target is not None and target.kind == "call":
            self.source.choose(call=target.number, trial=self._trial_number())

    def _trial_number(self) -> int | None:
        return self.moment.trial.trial if self.moment.trial else None

    @property
    def _pane(self) -> PaneView:
        workspace = self.workspace
        return workspace.overlay if workspace.covered else workspace.pane(workspace.focused)

    def _do_picture(self) -> None:
        shown = self.moment.asked.picture
        choices = len(pictures_of(self.moment.keyframes))
        following = 0 if shown is None else shown + 1
        self.source.choose(picture=following if following < choices else None)
        if self.workspace.focused != "call":
            self._focus("call")

    def _do_program(self) -> None:
        self._showing_code = not self._showing_code
        self.workspace.pane("call").release()
        self._focus("call")

    def _do_redraw(self) -> None:
        self.redraw_all()

    # help, acts and search

    def _do_help(self) -> None:
        self._helping = True
        self._cover(True)

    def _do_palette(self) -> None:
        self._helping = False
        self._cover(True)
        self._type("palette", "act")

    def _do_search(self) -> None:
        self._type("search", f"search in {self.workspace.focused}")

    def _do_search_next(self) -> None:
        self._find(forward=True)

    def _do_search_last(self) -> None:
        self._find(forward=False)

    def _find(self, forward: bool) -> None:
        row = self._pane.find(self._query, forward)
        if row is None:
            self._say(f"nothing here has “{self._query}”", "warn")
        else:
            self._chosen(self._pane.target())

    def _cover(self, covered: bool) -> None:
        self.workspace.cover(covered)
        self._draw()

    def _type(self, what: str, placeholder: str) -> None:
        self._typing, self.typing_text = what, True
        typed = self._typed
        typed.value, typed.placeholder = "", placeholder
        self._draw_bars()
        typed.focus()

    def _stop_typing(self) -> None:
        self._typing, self.typing_text = "", False
        self.set_focus(None)
        self._draw_bars()

    def on_input_changed(self, _: Input.Changed) -> None:
        if self._typing == "palette":
            self.workspace.overlay.release()
            self._draw_overlay()

    def _act_typing(self, action_id: str, key: str) -> None:
        typing, text = self._typing, self._typed.value.strip()
        if key == "ctrl+l":
            self._do_redraw()
        elif typing == "palette" and action_id in ("up", "down"):
            self.workspace.overlay.move(1 if action_id == "down" else -1)
        elif key == "escape":
            self._stop_typing()
            if typing == "palette":
                self._cover(False)
        elif key == "enter" and typing == "palette":
            target = self.workspace.overlay.target()
            self._stop_typing()
            self._cover(False)
            if target is not None:
                self.action_act(target.kind, "")
        elif key == "enter":
            self._stop_typing()
            if text:
                self._query = text
                self._find(forward=True)

    def _act_covered(self, action_id: str) -> None:
        moves = {"down": 1, "up": -1, "page_down": 10, "page_up": -10}
        if action_id in moves:
            self.workspace.overlay.move(moves[action_id])
        elif action_id in ("top", "bottom"):
            self.workspace.overlay.ends(last=action_id == "bottom")
        elif action_id == "redraw":
            self._do_redraw()
        else:
            self._cover(False)
            if action_id not in ("back", "help"):
                self._attempt(action_id)
