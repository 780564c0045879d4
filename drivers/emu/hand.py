"""A person's hand at an emulated arm: it leads joints that hang free, and lets go of them again.

While a joint is led it is where the hand has it, as if the arm were off its clamp and in the air.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from drivers.emu.shaft import Shaft

AT_STOP_S: Final = 0.3
"""How long a joint is kept at each of its stops."""


@dataclass(frozen=True)
class _Way:
    """Where one joint is led: angles at times, then it is held at the last."""

    shaft: Shaft
    points: tuple[tuple[float, float], ...]

    def angle_rad(self, now_s: float) -> float:
        for (t0, a), (t1, b) in pairwise(self.points):
            if now_s < t1:
                return a + (b - a) * max(0.0, (now_s - t0) / (t1 - t0))
        return self.points[-1][1]


class Hand:
    """All hands at the arms of one emulator."""

    def __init__(self) -> None:
        self._ways: dict[int, _Way] = {}

    @property
    def busy(self) -> bool:
        return bool(self._ways)

    def moving(self, now_s: float) -> bool:
        """Whether a joint is still on its way."""
        return any(now_s < way.points[-1][0] for way in self._ways.values())

    def lead(self, shaft: Shaft, to_rad: float, now_s: float, within_s: float) -> None:
        """To an angle, and hold it there."""
        ends = ((now_s, shaft.angle_rad), (now_s + within_s, to_rad))
        self._ways[id(shaft)] = _Way(shaft, ends)

    def sweep(self, shafts: Sequence[Shaft], now_s: float, each_s: float) -> float:
        """Each from stop to stop and back to where it was, one after the other: when it is over."""
        for shaft in shafts:
            was, at_s, points = shaft.angle_rad, now_s, [(now_s, shaft.angle_rad)]
            for stop in shaft.stops_rad:
                at_s += each_s / 3.0
                points += [(at_s, stop), (at_s + AT_STOP_S, stop)]
                at_s += AT_STOP_S
            now_s = at_s + each_s / 3.0
            self._ways[id(shaft)] = _Way(shaft, (*points, (now_s, was)))
        return now_s

    def let_go(self, shaft: Shaft) -> None:
        self._ways.pop(id(shaft), None)
        shaft.led_rad = None

    def step(self, now_s: float) -> None:
        """Where the hand has each joint now."""
        for way in self._ways.values():
            way.shaft.led_rad = way.angle_rad(now_s)
