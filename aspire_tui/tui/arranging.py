"""Acts on the screen itself: borders, theme; and what the terminal's title says."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from aspire_tui.tui.arrange import Shares
from aspire_tui.tui.remembered import Left, Remembered
from aspire_tui.tui.screen.safe import clean_line
from aspire_tui.tui.themes import CYCLE, ThemeName

if TYPE_CHECKING:
    from aspire_tui.session.snapshot import Snapshot
    from aspire_tui.tui.app import Console

STEP: Final = 4
"""Percent a border moves."""
SAVE_TITLE: Final = "\x1b[22;0t"
RESTORE_TITLE: Final = "\x1b[23;0t"
_FEW: Final = {"mono": "no colours", "standard": "sixteen colours, its own"}
"""Depths of colour at which there is nothing to choose from."""
WANTED: Final = {"needs_operator": "NEEDS YOU", "fault": "FAULT", "held": "HELD"}


def title_of(snapshot: Snapshot) -> str:
    """What a terminal's title says of a run: the cell, and whether somebody is wanted."""
    session = snapshot.session
    cell = clean_line(session.spec.cell, 24) if session is not None else "aspire_tui"
    asked = snapshot.agent.asked is not None or bool(snapshot.people.asked_program)
    if snapshot.ended is not None:
        state = f"ended {snapshot.ended.outcome or ''}".strip()
    elif asked:
        state = "NEEDS YOU"
    else:
        state = WANTED.get(snapshot.phase.phase, snapshot.phase.phase.replace("_", " "))
    return f"{state} - {cell}"


def title_sequence(title: str) -> str:
    return f"\x1b]0;{title}\x07"


class Arranging:
    """Moves borders, changes colours, and remembers both."""

    def __init__(self, console: Console, remembered: Remembered) -> None:
        self._console = console
        self._remembered = remembered
        self._theme_chosen = ""
        """Empty until one is chosen: what a terminal made of the last one is not remembered."""
        self._title = ""

    def handlers(self) -> dict[str, Callable[[], None]]:
        return {
            "narrower": partial(self._widen, -STEP),
            "wider": partial(self._widen, STEP),
            "lower": partial(self._heighten, -STEP),
            "higher": partial(self._heighten, STEP),
            "theme": self._theme,
        }

    def recall(self) -> None:
        """The screen as it was left."""
        left = self._remembered.read()
        self._theme_chosen = left.theme
        workspace = self._console.workspace
        workspace.recent = left.panes()
        workspace.share(Shares(*left.shares))

    def keep(self) -> None:
        """The screen as it is left now."""
        workspace = self._console.workspace
        self._remembered.write(Left(workspace.shares, workspace.recent, self._theme_chosen))

    def entitle(self, snapshot: Snapshot) -> None:
        """Say in the terminal's title who is wanted; only when that changed."""
        title = title_of(snapshot)
        if title != self._title:
            begins, self._title = not self._title, title
            self._console.to_terminal((SAVE_TITLE if begins else "") + title_sequence(title))

    def untitle(self) -> None:
        """Give the terminal its own title back."""
        if self._title:
            self._console.to_terminal(RESTORE_TITLE)

    def _widen(self, by: int) -> None:
        workspace = self._console.workspace
        workspace.share(workspace.shares.widened(by))
        self._console.draw()

    def _heighten(self, by: int) -> None:
        workspace = self._console.workspace
        workspace.share(workspace.shares.heightened(by))
        self._console.draw()

    def _theme(self) -> None:
        here = self._console.theme_name
        few = _FEW.get(self._console.colour_depth)
        if few is not None:
            self._console.say(f"theme: this terminal shows {few} ({here})", "warn")
            return
        following: ThemeName = CYCLE[(CYCLE.index(here) + 1) % len(CYCLE)]
        self._console.wear(following)
        self._theme_chosen = following
        self._console.say(f"theme: {following}", "note")
