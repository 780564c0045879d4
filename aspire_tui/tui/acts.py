"""From keys to acts: a question first where one is due, a reason where an act cannot be done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from aspire_tui.tui import (
    by_hand,
    comparing,
    finding,
    ideas,
    marks,
    people,
    replaying,
    standing,
    steering,
    what_if,
)
from aspire_tui.tui.actions import BY_ID, Choice
from aspire_tui.tui.by_hand import ByHandActs
from aspire_tui.tui.comparing import Comparing
from aspire_tui.tui.cover import Cover
from aspire_tui.tui.finding import Finding
from aspire_tui.tui.guards import what_goes_on
from aspire_tui.tui.ideas import IdeaActs
from aspire_tui.tui.live_camera import LiveCamera
from aspire_tui.tui.looking import Looking
from aspire_tui.tui.marks import Marks
from aspire_tui.tui.panes.bars import Asking, Offered
from aspire_tui.tui.panes.body import Body, Look
from aspire_tui.tui.panes.help import help_body, palette_body
from aspire_tui.tui.papers import Papers
from aspire_tui.tui.people import PeopleActs
from aspire_tui.tui.replaying import Replaying
from aspire_tui.tui.screen.holdkey import HoldKeyDriver
from aspire_tui.tui.sharing import Sharing
from aspire_tui.tui.standing import StandingActs
from aspire_tui.tui.steering import SteeringActs
from aspire_tui.tui.what_if import WhatIfs

if TYPE_CHECKING:
    from aspire_tui.tui.app import Console

TYPING_KEYS: Final = ("ctrl+c", "escape", "enter", "up", "down", "ctrl+l")
"""Keys that are acts also while text is typed."""

_OVERLAY_ROWS: Final = {"down": 1, "up": -1, "page_down": 10, "page_up": -10}


@dataclass(frozen=True)
class Departure:
    """How the operator left, in words for the shell."""

    kind: str
    text: str


class Acts:
    """Decides what a key does now, and does it.

    Attributes:
        asking: The question that stands.
        typing: What text is typed for: ``search``, ``palette`` or nothing.
        offered: Several acts that stand to be chosen from.
        cover: What covers the panes when something does.
        standing: The acts on a program that stands.
        looking: The acts that only change what is looked at.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self.asking: Asking | None = None
        self.typing = ""
        self.offered: Offered | None = None
        self.cover = Cover("acts", self._palette_body)
        self.looking = Looking(console)
        self.standing = StandingActs(console)
        self.people = PeopleActs(console)
        self.steering = SteeringActs(console)
        self.by_hand = ByHandActs(console)
        self.replaying = Replaying(console)
        self.finding = Finding(console)
        self.papers = Papers(console)
        self.marks = Marks(console)
        self.ideas = IdeaActs(console)
        self.comparing = Comparing(console)
        self.what_ifs = WhatIfs(console)
        self.sharing = Sharing(console)
        self.live_camera = LiveCamera(console)
        self._typers: dict[str, Callable[[str, str], None]] = {
            **dict.fromkeys(standing.TYPED, self.standing.entered),
            **dict.fromkeys(people.TYPED, self.people.entered),
            **dict.fromkeys(steering.TYPED, self.steering.entered),
            **dict.fromkeys(by_hand.TYPED, self.by_hand.entered),
            **dict.fromkeys(replaying.TYPED, self.replaying.entered),
            **dict.fromkeys(finding.TYPED, self.finding.entered),
            **dict.fromkeys(marks.TYPED, self.marks.entered),
            **dict.fromkeys(ideas.TYPED, self.ideas.entered),
            **dict.fromkeys(comparing.TYPED, self.comparing.entered),
            **dict.fromkeys(what_if.TYPED, self.what_ifs.entered),
        }
        """Who takes the words that were typed for an act."""
        self.handlers: dict[str, Callable[[], None]] = {
            **self.looking.handlers(),
            **self.standing.handlers(),
            **self.people.handlers(),
            **self.steering.handlers(),
            **self.by_hand.handlers(),
            **self.replaying.handlers(),
            **self.finding.handlers(),
            **self.papers.handlers(),
            **self.marks.handlers(),
            **self.ideas.handlers(),
            **self.comparing.handlers(),
            **self.what_ifs.handlers(),
            **console.arranging.handlers(),
            **self.sharing.handlers(),
            **self.live_camera.handlers(),
            "detach": self._detach,
            "redraw": console.redraw_all,
            "help": self._help,
            "palette": self._palette,
            "search": self._search,
        }

    def press(self, action_id: str, key: str) -> None:
        """Answer a question, else ask one, else act. HOLD comes before everything."""
        if action_id == "hold":
            self._hold()
        elif self.typing:
            self._press_typing(action_id, key)
        elif self.asking is not None and key == "y":
            self.decide("go")
        elif self.asking is not None:
            self._answer(action_id)
        elif self.offered is not None and action_id not in _OVERLAY_ROWS:
            self._choose(action_id)
        elif self._console.workspace.covered:
            self._press_covered(action_id)
        else:
            self._attempt(action_id)

    def decide(self, choice: Choice) -> None:
        """Answer the question that stands; what it asked for is judged again first."""
        asking, self.asking = self.asking, None
        self._console.notice = ("", "")
        if asking is not None and choice == "go":
            self._console.look_at_cell()
            why = BY_ID[asking.action].why_disabled(self._console.situation())
            if why is None and asking.then is not None:
                asking.then()
            elif why is None:
                self._do(asking.action)
            else:
                self._console.say(f"{BY_ID[asking.action].title}: {why}", "warn")
        self._console.draw_bars()

    def typed(self) -> None:
        """The typed text changed."""
        if self.typing == "palette":
            self._console.workspace.overlay.release()
            self._console.draw_overlay()
        self._console.draw_bars()

    def _hold(self) -> None:
        """HOLD, by every way there is. Repeats are harmless; nothing here can resume."""
        console = self._console
        self.asking = self.offered = None
        why = BY_ID["hold"].why_disabled(console.situation())
        if why is not None:
            console.say(f"HOLD: {why}", "warn")
            return
        line = console.hold_line
        if line is not None and not isinstance(console._driver, HoldKeyDriver):
            line.press()
        if line is None or line.pending:
            console.hold_word("HOLD sent")
        console.orders.send("hold")

    def _attempt(self, action_id: str) -> None:
        """One act, if it can be done now; its question first, if it has one."""
        console = self._console
        console.look_at_cell()
        action, now = BY_ID[action_id], console.situation()
        why = action.why_disabled(now)
        if why is not None:
            console.say(f"{action.title}: {why}", "warn")
            return
        confirm = action.confirm(now)
        if confirm is not None:
            self.asking = Asking(action_id, confirm, confirm.default)
            console.draw_bars()
            return
        self._do(action_id)

    def _answer(self, action_id: str) -> None:
        assert self.asking is not None
        if action_id == "open":
            self.decide(self.asking.choice)
        elif action_id in ("next_pane", "last_pane", "call_back", "call_forward"):
            other: Choice = "go" if self.asking.choice == "cancel" else "cancel"
            self.asking = replace(self.asking, choice=other)
            self._console.draw_bars()
        else:
            self.decide("cancel")

    def _choose(self, action_id: str) -> None:
        """In the bar of several acts: move the mark, take it, name an act by its key, or leave."""
        assert self.offered is not None
        offered, forward = self.offered, ("next_pane", "call_forward")
        if action_id in (*forward, "last_pane", "call_back"):
            self.offered = offered.moved(1 if action_id in forward else -1)
            self._console.draw_bars()
            return
        self.offered = None
        chosen = offered.chosen if action_id == "open" else action_id
        self._console.draw_bars()
        if chosen in offered.actions:
            self._attempt(chosen)

    def _do(self, action_id: str) -> None:
        console = self._console
        console.notice = ("", "")
        console.bars_drawn = False
        verb = BY_ID[action_id].verb
        if verb == "pause_agent":
            console.orders.send(verb, {"on": not console.moment.snapshot.mode.agent_paused})
        elif verb is not None:
            console.orders.send(verb)
        else:
            self.handlers[action_id]()
        if not console.bars_drawn:
            console.draw_bars()

    def _detach(self) -> None:
        console = self._console
        snapshot = console.moment.snapshot
        goes_on = console.mode == "live" and snapshot.ended is None
        if goes_on and not console.live.engine_gone:
            text = f"{what_goes_on(snapshot)} Attach again: aspire-tui attach"
            console.exit(Departure("detached", text))
        else:
            console.exit(Departure("left", f"session {console.source.path}"))

    # -- what covers the panes, and typing ------------------------------------------------------

    def _help(self) -> None:
        console = self._console
        self.cover_with(Cover("help", lambda look: help_body(console.situation(), look)))

    def _palette(self) -> None:
        self.cover_with(Cover("acts", self._palette_body))
        self.type("palette", "act")

    def _palette_body(self, look: Look) -> Body:
        return palette_body(self._console.typed.value, self._console.situation(), look)

    def _search(self) -> None:
        self.type("search", f"search in {self._console.workspace.focused}")

    def cover_with(self, cover: Cover) -> None:
        """Show a list over the panes."""
        self.cover = cover
        self._console.workspace.overlay.fresh()
        self._cover(True)

    def uncover(self) -> None:
        """Show the panes again."""
        if self._console.workspace.covered:
            self._cover(False)

    def _cover(self, covered: bool) -> None:
        self._console.workspace.cover(covered)
        self._console.draw()

    def type(self, what: str, placeholder: str, text: str = "") -> None:
        """Let the operator type one line, beginning with ``text``."""
        self.typing = what
        typed = self._console.typed
        typed.value, typed.placeholder = text, placeholder
        typed.cursor_position = len(text)
        self._console.draw_bars()
        typed.focus()

    def _stop_typing(self) -> None:
        self.typing = ""
        self._console.set_focus(None)
        self._console.draw_bars()

    def _press_typing(self, action_id: str, key: str) -> None:
        overlay = self._console.workspace.overlay
        typing, text = self.typing, self._console.typed.value.strip()
        if key == "ctrl+l":
            self._console.redraw_all()
        elif typing == "palette" and action_id in ("up", "down"):
            overlay.move(1 if action_id == "down" else -1)
        elif key in ("escape", "enter"):
            chosen = overlay.target() if typing == "palette" and key == "enter" else None
            if typing == "palette" and key == "enter" and text.startswith("iam "):
                self._stop_typing()
                self._cover(False)
                self.people.rename(text.removeprefix("iam "))
                return
            self._stop_typing()
            if typing == "palette":
                self._cover(False)
            if chosen is not None:
                self.press(chosen.kind, "")
            elif typing == "search" and key == "enter" and text:
                self._search_for(text)
            elif typing in self._typers and key == "enter":
                self._typers[typing](typing, text)
                self._console.draw_bars()

    def _press_covered(self, action_id: str) -> None:
        overlay = self._console.workspace.overlay
        if action_id in _OVERLAY_ROWS:
            overlay.move(_OVERLAY_ROWS[action_id])
        elif action_id in ("top", "bottom"):
            overlay.ends(last=action_id == "bottom")
        elif action_id == "redraw":
            self._console.redraw_all()
        elif action_id == "open" and self.cover.open is not None:
            target = overlay.target()
            if not self.cover.stays:
                self._cover(False)
            if target is not None:
                self.cover.open(target)
        elif action_id in ("search", "search_next", "search_last"):
            self._search_covered(action_id)
        elif action_id == "copy":
            self.sharing.handlers()["copy"]()
        elif action_id == "camera" and self.live_camera.shown:
            self._attempt("camera")
        elif action_id == "fork" and self.cover.name == "what if":
            self._attempt("what_if_fork")
        else:
            self._cover(False)
            if action_id not in ("back", "help"):
                self._attempt(action_id)

    def _search_covered(self, action_id: str) -> None:
        if action_id == "search":
            self.type("search", f"search in {self.cover.name}")
        elif self.looking.query:
            self._console.workspace.overlay.find(
                self.looking.query, forward=action_id == "search_next"
            )

    def _search_for(self, text: str) -> None:
        if not self._console.workspace.covered:
            self.looking.search(text)
            return
        self.looking.query = text
        if self._console.workspace.overlay.find(text, forward=True) is None:
            self._console.say(f"nothing here has “{text}”", "warn")
