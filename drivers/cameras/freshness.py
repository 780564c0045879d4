"""Whether a stream of pictures is alive: stale and frozen are errors, not old pictures. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from drivers.cameras.base import CameraTrouble

FROZEN_AFTER: Final = 8
"""So many pictures that are the same to the bit, and ..."""
FROZEN_FOR_S: Final = 0.4
"""... for so long: a sensor's noise never repeats itself."""


@dataclass(frozen=True)
class StreamStats:
    """What a stream has done so far."""

    pictures: int
    repeated: int
    """Pictures that were the same as the one before."""
    fps: float
    age_s: float
    """Of the newest; infinite before the first."""


class Freshness:
    """Watches one stream. The caller gives times of one clock, in seconds."""

    def __init__(self, stale_s: float) -> None:
        self._stale_s = stale_s
        self._pictures = 0
        self._repeated = 0
        self._first_s = self._newest_s = 0.0
        self._digest = b""
        self._same = 0
        self._same_since_s = 0.0

    def note(self, t_s: float, picture: bytes) -> None:
        """A picture was taken; ``picture`` is its raw data."""
        digest = hashlib.blake2b(picture, digest_size=16).digest()
        if not self._pictures:
            self._first_s = t_s
        self._pictures += 1
        self._newest_s = t_s
        if digest == self._digest:
            self._same += 1
            self._repeated += 1
        else:
            self._digest, self._same, self._same_since_s = digest, 0, t_s

    def problem(self, now_s: float) -> str:
        """Why the newest picture must not be used; empty when it may."""
        if not self._pictures:
            return "no picture yet"
        age_s = now_s - self._newest_s
        if age_s > self._stale_s:
            return f"stale: its newest picture is {age_s:.1f} s old"
        for_s = self._newest_s - self._same_since_s
        if self._same >= FROZEN_AFTER and for_s >= FROZEN_FOR_S:
            return (
                f"frozen: {self._same + 1} identical pictures in {for_s:.1f} s; two cameras on one "
                "USB 2 hub do this: give each a port of its own, or use MJPG"
            )
        return ""

    def trouble(self, now_s: float) -> CameraTrouble | None:
        """As :meth:`problem`, to be raised."""
        problem = self.problem(now_s)
        if not problem:
            return None
        return CameraTrouble("frozen" if problem.startswith("frozen") else "stale", problem)

    def stats(self, now_s: float) -> StreamStats:
        span_s = self._newest_s - self._first_s
        fps = (self._pictures - 1) / span_s if span_s > 0.0 else 0.0
        age_s = now_s - self._newest_s if self._pictures else float("inf")
        return StreamStats(self._pictures, self._repeated, fps, age_s)
