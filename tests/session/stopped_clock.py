"""A clock that a test winds by hand."""

from __future__ import annotations


class StoppedClock:
    def __init__(self, wall_s: float = 1_000_000.0, mono_s: float = 50.0) -> None:
        self._wall_s = wall_s
        self._mono_s = mono_s

    def wind(self, seconds: float) -> None:
        self._wall_s += seconds
        self._mono_s += seconds

    def wall_s(self) -> float:
        return self._wall_s

    def mono_s(self) -> float:
        return self._mono_s
