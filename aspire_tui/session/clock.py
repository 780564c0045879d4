"""The two clocks of a recording, injected so that tests own time."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    def wall_s(self) -> float:
        """Unix time."""
        ...

    def mono_s(self) -> float:
        """Seconds that never go back, from any origin."""
        ...


class SystemClock:
    def wall_s(self) -> float:
        return time.time()

    def mono_s(self) -> float:
        return time.monotonic()
