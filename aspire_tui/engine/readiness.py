"""What a starting engine says to whoever started it."""

from __future__ import annotations

import msgspec


class Readiness(msgspec.Struct, frozen=True):
    """First and only message to the starter: the session is being written, or why not."""

    ok: bool
    code: int = 0
    text: str = ""
