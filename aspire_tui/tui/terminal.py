"""What a terminal can show, and leaving it as it was.

What Textual reads from the environment when it is imported is set here, so this module must be
imported before any other that draws.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import struct
import sys
import termios
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal, TextIO

from aspire_tui.tui.screen.picture_box import CELL_PIXELS

if TYPE_CHECKING:
    from textual.app import App

os.environ.setdefault("TEXTUAL_DISABLE_KITTY_KEY", "1")  # one byte for ctrl+c, also after a crash
os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
os.environ.setdefault("TEXTUAL_FPS", "120")  # nothing moves by itself: a key waits half as long

Colours = Literal["truecolor", "256", "standard", "mono"]

EXIT_GRACE_S: Final = 1.0
"""How long an orderly exit may take after a hang-up or terminate."""

RESET: Final = (
    "\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l"  # mouse
    "\x1b[?2004l\x1b[?2048l\x1b[?1004l"  # paste, resize and focus reports
    "\x1b[?2026l"  # synchronised output
    "\x1b[<u"  # kitty keys
    "\x1b[?7h\x1b[m\x1b[?1049l\x1b[?25h"  # wrap, style, main screen, cursor
)


def cell_pixels() -> tuple[int, int]:
    """Width and height of a cell as the terminal says; else what is usual."""
    with contextlib.suppress(OSError, ValueError):
        said = fcntl.ioctl(sys.__stdout__ or 1, termios.TIOCGWINSZ, bytes(8))
        rows, columns, across, down = struct.unpack("HHHH", said)
        if rows and columns and across >= 4 * columns and down >= 6 * rows:
            return across // columns, down // rows
    return CELL_PIXELS


def terminal_colours(environment: Mapping[str, str]) -> Colours:
    """How many colours a terminal says it has; ``NO_COLOR`` (not empty) wins."""
    if environment.get("NO_COLOR"):
        return "mono"
    term = environment.get("TERM", "")
    if term in ("", "dumb", "vt100", "vt102", "vt220"):
        return "mono"
    if environment.get("COLORTERM", "") in ("truecolor", "24bit"):
        return "truecolor"
    if "256" in term or environment.get("COLORTERM"):
        return "256"
    return "standard"


def speaks_unicode(environment: Mapping[str, str], encoding: str | None) -> bool:
    """Whether the terminal's locale can show more than ASCII."""
    if environment.get("TERM", "") in ("linux", "vt100", "dumb"):
        return False
    return "utf" in (encoding or "").lower().replace("-", "")


def reset_terminal(out: TextIO | None = None) -> None:
    """Undo everything a console may have left switched on in the terminal."""
    stream = out or sys.__stdout__
    if stream is None:
        return
    stream.write(RESET)
    stream.flush()
    try:
        import termios

        attributes = termios.tcgetattr(stream.fileno())
    except (ImportError, OSError, ValueError, termios.error):
        return
    attributes[0] |= termios.ICRNL | termios.IXON
    attributes[1] |= termios.OPOST
    attributes[3] |= termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN
    termios.tcsetattr(stream.fileno(), termios.TCSANOW, attributes)


def leave_on_signals(app: App[object]) -> None:
    """Hang-up and terminate restore the terminal and exit, even when it no longer reads.

    Must be called in the app's event loop.
    """
    import asyncio

    loop = asyncio.get_running_loop()

    def leave(number: int) -> None:
        grace = threading.Timer(EXIT_GRACE_S, _leave_now, args=(number,))
        grace.daemon = True
        grace.start()
        app.exit(return_code=128 + number)

    for number in (signal.SIGHUP, signal.SIGTERM):
        loop.add_signal_handler(number, leave, number)


def _leave_now(number: int) -> None:
    with contextlib.suppress(OSError):  # a terminal that is gone needs no restoring
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, RESET.encode())
    os._exit(128 + number)
