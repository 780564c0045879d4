"""Three seed sets that never meet: what the agent sees, what decides, what is run once at the end.

The two low bits of a scene seed name its set, so two sets cannot share a scene however they are
drawn. Held-out seeds are derived with a key that only the engine has; nobody can rehearse on them.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from aspire_tui.domain import SeedSet

_MARK: dict[SeedSet, int] = {"dev": 0, "selection": 1, "held_out": 2, "operator": 3}


class SeedBook:
    """Draws seeds of each set for one task and run seed."""

    def __init__(self, task: str, run_seed: int, key: bytes) -> None:
        self._task = task
        self._run_seed = run_seed
        self._key = key

    def take(self, which: SeedSet, n: int, start: int = 0) -> list[int]:
        """``n`` seeds of a set, always the same ones for the same run seed and key."""
        return [self._one(which, i) for i in range(start, start + n)]

    def _one(self, which: SeedSet, index: int) -> int:
        text = f"{self._task}/{which}/{self._run_seed}/{index}".encode()
        key = self._key if which == "held_out" else b"public"
        digest = hmac.new(key, text, hashlib.sha256).digest()
        return (int.from_bytes(digest[:4], "big") & 0x3FFFFFFC) | _MARK[which]


def held_out_key(path: Path) -> bytes:
    """The workspace's key for held-out seeds, made on first use, readable by the owner alone."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        key = secrets.token_bytes(32)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "wb") as out:
            out.write(key)
        return key
