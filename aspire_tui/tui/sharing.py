"""Copying to the operator's own clipboard, through the terminal (OSC 52)."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aspire_tui.tui.moment import Moment
from aspire_tui.tui.screen.text import plain

if TYPE_CHECKING:
    from aspire_tui.tui.app import Console

COPIED_MOST: Final = 64_000
"""Bytes a terminal is asked to take, encoded; many take no more."""


def osc52(text: str) -> str:
    """The sequence that puts a text into the clipboard of the terminal it is sent to.

    Raises:
        ValueError: It is longer than terminals take.
    """
    encoded = base64.b64encode(text.encode()).decode()
    if len(encoded) > COPIED_MOST:
        raise ValueError(f"{len(text)} characters are more than a terminal takes")
    return f"\x1b]52;c;{encoded}\x07"


def place_words(moment: Moment) -> str:
    """The shown moment as ``--at`` takes it: a call where one is shown, else the event."""
    if moment.asked.at_seq is None and moment.trial is not None and moment.call is not None:
        return f"{moment.trial.trial}.{moment.call.intent.call}"
    return f"event {moment.snapshot.seq}"


def link_to(moment: Moment) -> str:
    """The command that opens the shown moment."""
    session = Path(moment.path)
    return f"aspire-tui replay {shlex.quote(str(session))} --at {shlex.quote(place_words(moment))}"


class Sharing:
    """Turns keys into copies."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def handlers(self) -> dict[str, Callable[[], None]]:
        return {"copy": self._copy_row, "link": self._link}

    def _copy_row(self) -> None:
        workspace = self._console.workspace
        view = workspace.overlay if workspace.covered else workspace.pane(workspace.focused)
        row = view.cursor_line
        text = plain(view.body.lines.line(row)).strip() if row < len(view.body.lines) else ""
        if text:
            self.copy(text)
        else:
            self._console.say("copy: there is nothing under the cursor", "warn")

    def _link(self) -> None:
        self.copy(link_to(self._console.moment))

    def copy(self, text: str) -> None:
        """Copy, and say what: whether the terminal took it, it does not tell."""
        try:
            sequence = osc52(text)
        except ValueError as error:
            self._console.say(f"copy: {error}", "warn")
            return
        self._console.to_terminal(sequence)
        self._console.say(f"copied: {text}", "ok")
