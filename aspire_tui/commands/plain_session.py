"""A session told in lines instead of drawn: ``replay --plain``, ``attach --plain``."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from aspire_tui.commands.plain import PlainLines
from aspire_tui.engine.client import EngineClient, EngineGone
from aspire_tui.events import RunEnded
from aspire_tui.session.reader import SessionReader
from aspire_tui.tui.at import moment_at
from aspire_tui.tui.glyphs import to_ascii

POLL_S: Final = 0.1
PAGE: Final = 500
ENGINE_S: Final = 2.0
"""After so long without an event the engine is asked whether it is there."""

Tell = Callable[[str], None]


def tell_recording(session: Path, at: str, *, ascii_only: bool) -> None:
    """All of a recorded session, or what came from a moment on.

    Raises:
        NoSuchMoment: ``at`` is no moment of it.
    """
    lines, tell = PlainLines(), to_stdout(ascii_only)
    with SessionReader(session) as reader:
        seq = (moment_at(reader, at) or 1) - 1
        while page := reader.events(seq, PAGE):
            for recorded in page:
                seq = recorded.seq
                line = lines.line(recorded)
                if line is not None:
                    tell(line)


def follow_live(session: Path, engine: EngineClient, *, ascii_only: bool) -> None:
    """A run that goes on, until it ends or the operator leaves."""
    with SessionReader(session) as reader:
        view = reader.snapshot().session
    cell = view.spec.cell if view is not None and view.spec.attended else ""
    hold = partial(hold_by_every_way, cell, engine)
    TellLive(session, engine, hold, to_stdout(ascii_only)).follow()


class TellLive:
    """Follows a run that goes on. ctrl+c is HOLD; once more leaves, and the run stays.

    Args:
        hold: HOLD by the shortest way; says in a line what became of it.
    """

    def __init__(
        self, session: Path, engine: EngineClient, hold: Callable[[], str], tell: Tell
    ) -> None:
        self._session = session
        self._engine = engine
        self._hold = hold
        self._tell = tell
        self._lines = PlainLines()
        self._seq = 0
        self._heard_s = time.monotonic()

    def follow(self) -> RunEnded | None:
        """To the end of the run. None: the operator left, or the engine is gone."""
        held = False
        with SessionReader(self._session) as reader:
            self._seq = reader.last_seq()
            self._tell(f"from event {self._seq} on; ctrl+c is HOLD, once more leaves")
            while True:
                try:
                    ended = self._told(reader)
                    if ended is not None:
                        return ended
                    if time.monotonic() - self._heard_s > ENGINE_S and not self._answers():
                        self._tell(f"the engine is gone; aspire-tui replay {self._session.stem}")
                        return None
                    time.sleep(POLL_S)
                except KeyboardInterrupt:
                    if held:
                        self._tell(f"it goes on; aspire-tui attach {self._session.stem}")
                        return None
                    held = True
                    self._tell(f"{self._hold()}; ctrl+c again leaves, the run stays")

    def _told(self, reader: SessionReader) -> RunEnded | None:
        while page := reader.events(self._seq, PAGE):
            for recorded in page:
                self._seq, self._heard_s = recorded.seq, time.monotonic()
                line = self._lines.line(recorded)
                if line is not None:
                    self._tell(line)
                if isinstance(recorded.event, RunEnded):
                    return recorded.event
        return None

    def _answers(self) -> bool:
        self._heard_s = time.monotonic()
        try:
            self._engine.send("hello", role="viewer")
        except EngineGone:
            return False
        return True


def hold_by_every_way(cell: str, engine: EngineClient) -> str:
    """HOLD straight to the cell host where the run has one, and through the engine; in a line."""
    from drivers.client import hold_now
    from drivers.errors import CellFault, CellFileError

    said = "HOLD: the run has no cell of its own, its workers go on"
    if cell:
        try:
            said = f"HOLD confirmed by {cell} in {hold_now(cell, engine.who):.0f} ms"
        except (CellFault, CellFileError, OSError) as error:
            said = f"HOLD NOT CONFIRMED: {error}"
    try:
        engine.send("hold")
    except EngineGone as gone:
        return f"{said}; {gone}"
    return said


def to_stdout(ascii_only: bool) -> Tell:
    """Lines on standard output as they come."""

    def tell(line: str) -> None:
        sys.stdout.write((to_ascii(line) if ascii_only else line) + "\n")
        sys.stdout.flush()

    return tell
