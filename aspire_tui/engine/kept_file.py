"""The session file as its folder has it: once taken away, nobody would read what is written."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

PERIOD_S = 2.0


class SessionGone(Exception):
    """The session file was deleted or replaced under the engine; one line for the operator."""


async def watch_file(path: Path, period_s: float = PERIOD_S) -> None:
    """Return never.

    Raises:
        SessionGone: ``path`` is no longer the file it was at the start.
    """
    ours = path.stat()
    while True:
        await asyncio.sleep(period_s)
        try:
            same = os.path.samestat(path.stat(), ours)
        except OSError:
            same = False
        if not same:
            raise SessionGone(f"{path.name} was deleted or replaced while it was being written")
