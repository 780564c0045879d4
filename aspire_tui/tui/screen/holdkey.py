"""The HOLD key, taken in the terminal's input thread and sent straight to the cell host.

It goes out while the event loop is busy and while the terminal reads nothing. The seam is
``Driver.process_message``, which Textual calls in its input thread; the ordinary key action stays
as the fallback and is all there is without a terminal.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from textual.drivers.linux_driver import LinuxDriver
from textual.events import Key
from textual.message import Message

from aspire_tui.tui.ports import StopPort

HOLD_ALWAYS: Final = "ctrl+c"
HOLD_OUTSIDE_TEXT: Final = "space"


@dataclass(frozen=True)
class HoldAnswer:
    """What became of one press: the cell has it, or why not."""

    confirmed: bool
    took_ms: float
    error: str = ""


class HoldLine:
    """Sends HOLD from a thread of its own, so that neither input nor drawing ever waits for it.

    Pressing again while one HOLD is on its way sends at most one more; there is no way to resume.
    """

    def __init__(
        self,
        stop: StopPort,
        who: str,
        answered: Callable[[HoldAnswer], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stop = stop
        self._who = who
        self._answered = answered
        self._clock = clock
        self._wanted = threading.Event()
        self._answered_presses = 0
        self._presses = 0
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="hold-line", daemon=True)
        self._thread.start()

    def press(self) -> None:
        """Ask for HOLD; returns at once. Any thread."""
        self._presses += 1
        self._wanted.set()

    @property
    def pending(self) -> bool:
        """A press has not been answered yet."""
        return self._answered_presses < self._presses

    def close(self) -> None:
        self._closing = True
        self._wanted.set()

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            if self._closing:
                return
            presses = self._presses
            started = self._clock()
            try:
                self._stop.hold(self._who)
            except Exception as error:  # the operator must see any failure of a stop
                failed = str(error) or repr(error)
            else:
                failed = ""
            self._answered_presses = presses
            took_ms = 1e3 * (self._clock() - started)
            self._answered(HoldAnswer(not failed, took_ms, failed))


def is_hold(key: str, typing_text: bool) -> bool:
    """Whether a key means HOLD: ctrl+c anywhere, space outside text."""
    return key == HOLD_ALWAYS or (key == HOLD_OUTSIDE_TEXT and not typing_text)


class HoldKeyDriver(LinuxDriver):
    """Textual's own driver, with HOLD taken before the event loop sees the key.

    Its app has a ``hold_line``, knows as ``typing_text`` whether space is a blank just now, and as
    ``blind`` whether it has shown anything yet: what is typed before is lost, unless it is HOLD.
    """

    def process_message(self, message: Message) -> None:
        app: Any = self._app
        if isinstance(message, Key) and is_hold(message.key, app.typing_text):
            line: HoldLine | None = app.hold_line
            if line is not None:
                line.press()
        elif isinstance(message, Key) and app.blind:
            return
        super().process_message(message)
