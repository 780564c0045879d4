"""Follows a session file from a thread of its own and hands moments to the screen.

Nothing in the UI thread reads the disk. Requests are folded: only the newest question is answered,
and a live file is looked at again at most ten times a second.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from aspire_tui.events import Bookmarked
from aspire_tui.session.errors import SessionFileError
from aspire_tui.session.reader import SessionReader
from aspire_tui.tui.moment import Asked, Moment, Remembered, read_moment

POLL_S: Final = 0.03
"""How often a live file is asked whether anything was committed (some microseconds each)."""

QUIET_S: Final = 0.15
"""How long the next key may take after a seek before tree and account are read for this one."""
BETWEEN_MOMENTS_S: Final = 0.1
"""Least time between two moments of a live file."""


@dataclass(frozen=True)
class Seek:
    """A step in time relative to the shown moment, resolved by the file."""

    kind: str
    """``call``, ``failure``, ``trial``, ``phase``, ``mark``, ``seconds``, ``time``, ``event``,
    ``start`` or ``end``."""
    forward: bool = True
    seconds: float = 0.0
    """How far, or of ``time``: seconds since the session opened."""
    seq: int = 0
    marks: tuple[tuple[int, str], ...] = ()
    """Bookmarks of whoever replays, besides those of the session."""


class _Asking(NamedTuple):
    question: Callable[[SessionReader], Any]
    answered: Callable[[Any], None]

    def answer(self, reader: SessionReader) -> None:
        try:
            found = self.question(reader)
        except (SessionFileError, OSError, ValueError) as error:
            found = error
        self.answered(found)


class SessionSource:
    """One session file and the question presently asked of it.

    ``shown`` is called in the reading thread with every new moment, ``failed`` once with the
    reason when the file cannot be read (any more).
    """

    def __init__(self, path: Path | str, *, live: bool) -> None:
        self.path = Path(path)
        self.live = live
        self._asked = Asked()
        self._changes: deque[Seek | dict[str, int | None] | _Asking] = deque()
        self._wake = threading.Event()
        self._closing = False
        self._thread: threading.Thread | None = None
        self._answered = threading.Condition()
        self._questions = 0
        self._answers = 0

    def start(self, shown: Callable[[Moment], None], failed: Callable[[str], None]) -> None:
        """Begin to read. The first moment follows at once."""
        self._thread = threading.Thread(
            target=self._run, args=(shown, failed), name="session-reader", daemon=True
        )
        self._wake.set()
        self._thread.start()

    def choose(self, **changes: int | None) -> None:
        """Look at something else; takes fields of :class:`Asked`. Any thread."""
        self._question(changes)

    def seek(self, seek: Seek) -> None:
        """Go to the moment one step away; trial and call follow it. Any thread."""
        self._question(seek)

    def ask(
        self, question: Callable[[SessionReader], Any], answered: Callable[[Any], None]
    ) -> None:
        """Have the reading thread answer something; an error of the file is the answer, too."""
        self._question(_Asking(question, answered))

    def settle(self, timeout_s: float = 5.0) -> bool:
        """Wait until every question asked so far has been answered."""
        with self._answered:
            asked = self._questions
            return self._answered.wait_for(lambda: self._answers >= asked, timeout_s)

    def close(self) -> None:
        self._closing = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=2.0)

    def _question(self, change: Seek | dict[str, int | None] | _Asking) -> None:
        with self._answered:
            self._changes.append(change)
            self._questions += 1
        self._wake.set()

    def _run(self, shown: Callable[[Moment], None], failed: Callable[[str], None]) -> None:
        try:
            with SessionReader(self.path) as reader:
                self._follow(reader, shown)
        except SessionFileError as error:
            failed(str(error))
        except Exception as error:  # the screen must say that it no longer follows, whatever it is
            failed(f"{self.path}: reading stopped: {error!r}")
        finally:
            with self._answered:
                self._answers = 1 << 62
                self._answered.notify_all()

    def _follow(self, reader: SessionReader, shown: Callable[[Moment], None]) -> None:
        remembered = Remembered()
        last_s = 0.0
        reader.changed()
        while True:
            self._wake.wait(POLL_S if self.live else None)
            if self._closing:
                return
            question = self._wake.is_set()
            self._wake.clear()
            if not question:
                if time.monotonic() - last_s < BETWEEN_MOMENTS_S or not reader.changed():
                    continue
            elif self.live:
                reader.changed()
            with self._answered:
                answers = self._questions
            self._resolve(reader)
            if question and remembered.tree.costs(self._asked.at_seq or reader.last_seq()):
                shown(read_moment(reader, self._asked, remembered, at_once=True))
                if self._wake.wait(QUIET_S):
                    continue  # the next question is there: what is whole follows the last
            shown(read_moment(reader, self._asked, remembered))
            last_s = time.monotonic()
            with self._answered:
                self._answers = answers
                self._answered.notify_all()

    def _resolve(self, reader: SessionReader) -> None:
        while self._changes:
            change = self._changes.popleft()
            if isinstance(change, _Asking):
                change.answer(reader)
            elif isinstance(change, Seek):
                at_seq = _target(reader, self._asked, change)
                self._asked = Asked(at_seq=at_seq, picture=self._asked.picture)
            else:
                self._asked = replace(self._asked, **change)


def _target(reader: SessionReader, asked: Asked, seek: Seek) -> int | None:
    last = reader.last_seq()
    here = last if asked.at_seq is None else asked.at_seq
    match seek.kind:
        case "start":
            return 1
        case "end":
            return None
        case "seconds":
            stands = reader.event(here)
            mono_s = stands.mono_s if stands is not None else reader.snapshot(here).mono_s
            by_s = seek.seconds if seek.forward else -seek.seconds
            seq = reader.seq_at_time(mono_s=mono_s + by_s)
            if seek.forward:
                return min(last, max(seq, here + 1))
            return max(1, min(seq, here - 1))
        case "time":
            return max(1, reader.seq_at_time(mono_s=seek.seconds))
        case "event":
            return max(1, min(seek.seq, last))
        case "trial" | "phase":
            return _next_of(reader, _STEPS[seek.kind], here, seek.forward)
        case "mark":
            return _mark(reader, seek, here)
        case "failure":
            stop = reader.step_failure(here, forward=seek.forward)
        case _:
            stop = reader.step_call(here, forward=seek.forward)
    if stop is not None:
        return stop.seq
    return last if seek.forward else 1


_STEPS: Final = {"trial": "trial_closed", "phase": "phase"}
"""Steps of replay and the events they stop at: a trial when it is judged."""


def _next_of(reader: SessionReader, kind: str, here: int, forward: bool) -> int:
    if forward:
        found = reader.events(after_seq=here, limit=1, kinds=(kind,))
    else:
        found = reader.newest_events(1, (kind,), upto_seq=here - 1)
    if found:
        return found[0].seq
    return reader.last_seq() if forward else 1


def _mark(reader: SessionReader, seek: Seek, here: int) -> int:
    """The next bookmark, of the session or of whoever replays it; here when there is none."""
    marks = {seq for seq, _ in seek.marks}
    marks |= {
        r.event.seq for r in reader.events(kinds=("bookmark",)) if isinstance(r.event, Bookmarked)
    }
    if seek.forward:
        return min((m for m in marks if m > here), default=here)
    return max((m for m in marks if m < here), default=here)
