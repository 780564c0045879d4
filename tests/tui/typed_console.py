"""A console for tests in a real terminal: ``python typed_console.py SESSION [options]``.

``--stock`` draws the stock way; ``--freeze`` lets the event loop stand still once ``f`` is pressed;
HOLDs are written to the file of ``--holds`` as they reach the (fake) cell.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from aspire_tui.tui import terminal  # first: it prepares Textual
from aspire_tui.tui.app import Console
from aspire_tui.tui.source import SessionSource


class FileStop:
    def __init__(self, path: Path) -> None:
        self._path = path

    def hold(self, who: str) -> None:
        with self._path.open("a") as out:
            out.write(f"{who} {time.monotonic()}\n")


def freeze() -> None:
    """The event loop stands still from now on."""
    Path(os.environ["FROZEN"]).touch()
    time.sleep(3600)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("session")
    parser.add_argument("--holds", type=Path)
    parser.add_argument("--stock", action="store_true")
    parser.add_argument("--freeze", action="store_true")
    parser.add_argument("--live", action="store_true")
    parser.add_argument("--flood", action="store_true")
    given = parser.parse_args()
    console = Console(
        SessionSource(given.session, live=given.live),
        stop=FileStop(given.holds) if given.holds else None,
        mode="live" if given.live else "replay",
        colours=terminal.terminal_colours(os.environ),
        ascii=not terminal.speaks_unicode(os.environ, sys.stdout.encoding),
        who="op1",
        clock=time.time if "REAL_CLOCK" in os.environ else lambda: 1_790_000_100.0,
    )
    if given.freeze:
        console.acts.handlers["program"] = freeze
    if given.stock:
        console._diffing = False
    if given.flood:
        flood(console)
    console.run(mouse=False)
    sys.exit(console.return_code or 0)


def flood(console: Console) -> None:
    """Change the whole screen without end, as fast as frames go."""

    beats = Path(os.environ["BEATS"]) if "BEATS" in os.environ else None

    def again() -> None:
        if beats is not None:
            with beats.open("a") as out:
                out.write(".")
        console.say(f"{time.monotonic()}", "note")
        for pane in ("calls", "call", "agent"):
            console.workspace.pane(pane).mark(bool(int(time.monotonic() * 50) % 2))

    console.call_later(lambda: console.set_interval(0.005, again))


if __name__ == "__main__":
    main()
