"""``python -m aspire_tui.tui SESSION.db``: replay one session, for development."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from aspire_tui.tui.terminal import speaks_unicode, terminal_colours  # first: it prepares Textual

from aspire_tui.session.reader import SessionReader  # isort: skip
from aspire_tui.tui.app import Console  # isort: skip
from aspire_tui.tui.at import moment_at  # isort: skip
from aspire_tui.tui.source import SessionSource  # isort: skip


def main() -> int:
    parser = argparse.ArgumentParser(description="Replay a session.")
    parser.add_argument("session")
    parser.add_argument("--at", default="", help="3.12 (trial.call), +93, trial 3")
    parser.add_argument("--live", action="store_true", help="follow the end of the file")
    parser.add_argument("--ascii", action="store_true")
    parser.add_argument("--theme", choices=("dark", "light", "ansi", "mono"))
    parser.add_argument("--svg", type=Path, help="write the screen to a file instead")
    parser.add_argument("--size", default="160x48", help="of that picture, in cells")
    parser.add_argument("--press", default="", help="keys before that picture, e.g. '{ o'")
    given = parser.parse_args()
    colours = terminal_colours(os.environ)
    with SessionReader(given.session) as reader:
        at = moment_at(reader, given.at)
    console = Console(
        SessionSource(given.session, live=given.live),
        mode="live" if given.live else "replay",
        at=at,
        ascii=given.ascii or not speaks_unicode(os.environ, sys.stdout.encoding),
        theme=given.theme,
        colours=colours,
    )
    if given.svg:
        asyncio.run(_picture(console, given.svg, given.size, given.press.split()))
        return 0
    console.run(mouse=False)
    return console.return_code or 0


async def _picture(console: Console, out: Path, size: str, keys: list[str]) -> None:
    """The screen as an SVG, after some keys."""
    columns, rows = (int(part) for part in size.split("x"))
    async with console.run_test(size=(columns, rows)) as pilot:
        for key in ("", *keys):
            if key:
                await pilot.press(key)
            await asyncio.to_thread(console.source.settle)
            await pilot.pause()
        out.write_text(console.export_screenshot(title="aspire_tui"))


if __name__ == "__main__":
    sys.exit(main())
