"""An arm behind a server that asks nothing: goes wherever it is told, at once, by whoever says so.

The two servers of this kind that are met in practice are played by ``arm_server_gello`` and
``arm_server_portal``. Their bytes are written here from the published descriptions and shared with
nothing in ``drivers/compat``.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

SERVO_TIME_CONSTANT_S: Final = 0.03


class DumbArm:
    """Joints and a gripper's number that follow their goals like first-order servos.

    Attributes:
        goals: Every goal that was taken, oldest first: the register log of this arm.
        trouble: ``""``, or what it does wrong: ``silent``, ``slow``, ``nan``, ``short``, ``error``,
            ``garbage``, ``evil`` (GELLO), ``cut`` (portal). Read by the server at every request.
        floor: What the gripper's number cannot pass downward, for something held; or None.
    """

    def __init__(self, start: Sequence[float], clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._at = list(start)
        self._goal = list(start)
        self._then_s = clock()
        self.goals: list[tuple[float, ...]] = []
        self.trouble = ""
        self.floor: float | None = None

    def positions(self) -> list[float]:
        """Where it is now."""
        with self._lock:
            now_s = self._clock()
            share = 1.0 - math.exp(-(now_s - self._then_s) / SERVO_TIME_CONSTANT_S)
            self._then_s = now_s
            self._at = [a + share * (g - a) for a, g in zip(self._at, self._goal, strict=True)]
            if self.floor is not None:
                self._at[-1] = max(self._at[-1], self.floor)
            return list(self._at)

    def go(self, goal: Sequence[float]) -> None:
        """Take a goal. Nothing is checked; that is the point."""
        self.positions()
        with self._lock:
            self._goal = [float(v) for v in goal]
            self.goals.append(tuple(self._goal))
