"""Acts that only change what is looked at: the moment, the trial, the call, the pane."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from aspire_tui.tui.arrange import PANES, PaneId
from aspire_tui.tui.moment import pictures_of
from aspire_tui.tui.panes.body import Target
from aspire_tui.tui.screen.paneview import PaneView
from aspire_tui.tui.source import Seek

if TYPE_CHECKING:
    from aspire_tui.tui.app import Console


class Looking:
    """Moves through a session and its panes. Touches neither agent nor robot.

    Attributes:
        query: What was searched for last.
        unfolded: Hypotheses whose trials are listed.
        showing_code: The call's pane shows the whole program.
        showing_lanes: The search is drawn over time instead of as a tree.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self.query = ""
        self.unfolded: frozenset[int] = frozenset()
        self.showing_code = False
        self.showing_lanes = False

    def handlers(self) -> dict[str, Callable[[], None]]:
        """What each act of looking does, by its id."""
        panes: dict[str, Callable[[], None]] = {
            f"pane_{number}": partial(self.focus, pane) for number, pane in enumerate(PANES, 1)
        }
        return panes | {
            "call_back": partial(self.seek, Seek("call", forward=False)),
            "call_forward": partial(self.seek, Seek("call")),
            "time_back": partial(self.seek, Seek("seconds", forward=False, seconds=10.0)),
            "time_forward": partial(self.seek, Seek("seconds", seconds=10.0)),
            "failure_back": partial(self.seek, Seek("failure", forward=False)),
            "failure_forward": partial(self.seek, Seek("failure")),
            "start": partial(self.seek, Seek("start")),
            "end": partial(self.seek, Seek("end")),
            "next_pane": partial(self._turn, 1),
            "last_pane": partial(self._turn, -1),
            "zoom": self._zoom,
            "open": self._open,
            "back": self._back,
            "down": lambda: self.chosen(self._pane.move(1)),
            "up": lambda: self.chosen(self._pane.move(-1)),
            "page_down": lambda: self.chosen(self._pane.move(self._half_page)),
            "page_up": lambda: self.chosen(self._pane.move(-self._half_page)),
            "top": lambda: self.chosen(self._pane.ends(last=False)),
            "bottom": lambda: self.chosen(self._pane.ends(last=True)),
            "search_next": partial(self._find, forward=True),
            "search_last": partial(self._find, forward=False),
            "picture": self._picture,
            "program": self._program,
            "lanes": self._lanes,
        }

    def focus(self, pane: PaneId) -> None:
        self._console.workspace.focus_pane(pane)
        self._console.draw()

    def chosen(self, target: Target | None) -> None:
        """A row under the cursor: calls are shown at once, trials and hypotheses on enter."""
        if target is not None and target.kind == "call":
            self._console.source.choose(call=target.number, trial=self._trial_number)

    def search(self, query: str) -> None:
        self.query = query
        self._find(forward=True)

    @property
    def _pane(self) -> PaneView:
        workspace = self._console.workspace
        return workspace.pane(workspace.focused)

    @property
    def _half_page(self) -> int:
        return max(1, self._pane.visible_rows // 2)

    @property
    def _trial_number(self) -> int | None:
        trial = self._console.moment.trial
        return trial.trial if trial else None

    def seek(self, seek: Seek) -> None:
        """Go to a moment; trial and call follow it."""
        for pane in ("calls", "agent"):
            self._console.workspace.pane(pane).release()
        self._console.source.seek(seek)

    def _turn(self, by: int) -> None:
        here = PANES.index(self._console.workspace.focused)
        self.focus(PANES[(here + by) % len(PANES)])

    def _zoom(self) -> None:
        self._console.workspace.zoom()
        self._console.draw()

    def _open(self) -> None:
        target = self._pane.target()
        if target is None:
            return
        if target.kind == "call":
            self.chosen(target)
            self.focus("call")
        elif target.kind == "trial":
            self._console.source.choose(trial=target.number, call=None, picture=None)
            self.focus("calls")
        elif target.kind == "hypothesis":
            self.unfolded ^= {target.number}
            self._console.draw()

    def _back(self) -> None:
        """One step back: code, picture, zoom, then whatever was pinned, then the calls."""
        console = self._console
        asked = console.moment.asked
        if self.showing_code:
            self._program()
        elif asked.picture is not None:
            console.source.choose(picture=None)
        elif console.workspace.zoomed:
            self._zoom()
        elif asked.trial is not None or asked.call is not None:
            for pane in PANES:
                console.workspace.pane(pane).release()
            console.source.choose(trial=None, call=None)
        elif console.workspace.focused != "calls":
            self.focus("calls")

    def _find(self, forward: bool) -> None:
        if self._pane.find(self.query, forward) is None:
            self._console.say(f"nothing here has “{self.query}”", "warn")
        else:
            self.chosen(self._pane.target())

    def _picture(self) -> None:
        moment = self._console.moment
        shown = moment.asked.picture
        following = 0 if shown is None else shown + 1
        more = following < len(pictures_of(moment.keyframes))
        self._console.source.choose(picture=following if more else None)
        if self._console.workspace.focused != "call":
            self.focus("call")

    def _lanes(self) -> None:
        self.showing_lanes = not self.showing_lanes
        self.focus("search")

    def _program(self) -> None:
        self.showing_code = not self.showing_code
        self._console.workspace.pane("call").release()
        self.focus("call")
