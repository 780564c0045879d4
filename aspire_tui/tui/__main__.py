"""``python -m aspire_tui.tui SESSION.db``: replay one session, for development."""

from __future__ import annotations

import argparse
import os
import sys

from aspire_tui.tui.terminal import speaks_unicode, terminal_colours  # first: it prepares Textual


def main() -> int:
    from aspire_tui.tui.app import Console
    from aspire_tui.tui.source import SessionSource

    parser = argparse.ArgumentParser(description="Replay a session.")
    parser.add_argument("session")
    parser.add_argument("--live", action="store_true", help="follow the end of the file")
    parser.add_argument("--ascii", action="store_true")
    parser.add_argument("--theme", choices=("dark", "light", "ansi", "mono"))
    given = parser.parse_args()
    colours = terminal_colours(os.environ)
    console = Console(
        SessionSource(given.session, live=given.live),
        mode="live" if given.live else "replay",
        ascii=given.ascii or not speaks_unicode(os.environ, sys.stdout.encoding),
        theme=given.theme,
        colours=colours,
    )
    console.run(mouse=False)
    return console.return_code or 0


if __name__ == "__main__":
    sys.exit(main())
