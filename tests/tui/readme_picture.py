"""The picture in the README: the shipped session in the console, as it is drawn now.

``python tests/tui/readme_picture.py`` writes it; a test says when it is no longer true.
"""

from __future__ import annotations

import asyncio
import html
import os
import re
import time
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).parents[2]
PICTURE: Final = CHECKOUT / "docs" / "console.svg"
SIZE: Final = (160, 48)
KEYS: Final = ("5", "g", "enter", "j", "j", "j", "enter")
"""To the plain program's trials, and one of them that failed."""
_TEXT: Final = re.compile(r'<text[^>]* x="([\d.]+)" y="([\d.]+)"[^>]*>(.*?)</text>')


async def drawn() -> str:
    """The console at the end of the shipped run, as SVG."""
    from aspire_tui.tui.app import Console
    from aspire_tui.tui.source import SessionSource

    source = SessionSource(CHECKOUT / "sessions" / "stack-repaired.db", live=False)
    console = Console(source, mode="replay", clock=lambda: 0.0, driver_class=None)
    async with console.run_test(size=SIZE) as pilot:
        while console.moment.snapshot.seq == 0:
            await pilot.pause(0.01)
        for key in KEYS:
            await pilot.press(key)
            await asyncio.to_thread(source.settle)
            await pilot.pause()
        return console.export_screenshot(title="aspire_tui")


def words(svg: str) -> list[str]:
    """What a picture says, from the top left to the bottom right."""
    found = [(float(y), float(x), html.unescape(text)) for x, y, text in _TEXT.findall(svg)]
    return [text for _, _, text in sorted(found)]


if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    time.tzset()
    PICTURE.write_text(asyncio.run(drawn()))
