"""What a bad link does to messages: decided one by one from a seed. Pure."""

from __future__ import annotations

import random
from typing import Final, Literal

import msgspec

Way = Literal["up", "down"]
"""up: to the host. down: to the client."""
REORDER_S: Final = 0.03
"""How long a message is kept back so that later ones overtake it."""


class LinkFaults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How bad the link is now; probabilities are per message."""

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    """Up to so much more, each message for itself: enough of it is reordering too."""
    drop: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    truncate: float = 0.0
    drop_next: int = 0
    """So many messages of a kind that ``only`` and ``sockets`` admit are lost for certain."""
    half_open: bool = False
    """Nothing passes, and nobody is told."""
    only: Literal["", "up", "down"] = ""
    sockets: tuple[str, ...] = ()
    """Of ctl, stop, state, frames; empty means all."""

    def __post_init__(self) -> None:
        for name in ("drop", "duplicate", "reorder", "truncate"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} is a probability, 0 to 1")
        if not (0.0 <= self.delay_ms <= 10_000 and 0.0 <= self.jitter_ms <= 10_000):
            raise ValueError("delay_ms and jitter_ms are 0 to 10000")


class Weather:
    """Faults as they are now, and their dice."""

    def __init__(self, seed: int = 0, faults: LinkFaults | None = None) -> None:
        self._dice = random.Random(seed)
        self._drop_next = 0
        self.faults = faults or LinkFaults()
        self.passed = 0
        self.lost = 0

    @property
    def faults(self) -> LinkFaults:
        return self._faults

    @faults.setter
    def faults(self, faults: LinkFaults) -> None:
        self._faults, self._drop_next = faults, faults.drop_next

    def fate(self, message: bytes, socket: str, way: Way) -> list[tuple[float, bytes]]:
        """What arrives of a message, and after how many seconds each; nothing when it is lost."""
        f = self._faults
        if (f.only and f.only != way) or (f.sockets and socket not in f.sockets):
            self.passed += 1
            return [(0.0, message)]
        roll = self._dice.random
        if f.half_open or self._dropped() or roll() < f.drop:
            self.lost += 1
            return []
        self.passed += 1
        out = []
        for _ in range(2 if roll() < f.duplicate else 1):
            body = message
            if roll() < f.truncate:
                body = message[: self._dice.randrange(max(1, len(message)))]
            late_s = 1e-3 * (f.delay_ms + f.jitter_ms * roll())
            out.append((late_s + (REORDER_S if roll() < f.reorder else 0.0), body))
        return out

    def _dropped(self) -> bool:
        if self._drop_next <= 0:
            return False
        self._drop_next -= 1
        return True
