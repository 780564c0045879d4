"""Every goal that reached a servo: the newest in full, all of them in counts and extremes."""

from __future__ import annotations

from collections import deque
from typing import Final

import msgspec

from drivers.emu.servo import GoalWrite

KEPT: Final = 20_000


class GoalRecord(msgspec.Struct, frozen=True, array_like=True):
    """One goal write. ``outside``: it asked for more than the servo's allowed range."""

    t_s: float
    servo_id: int
    asked: int
    taken: int
    energised: bool
    outside: bool


class GoalCount(msgspec.Struct):
    """All goals one servo ever got; ``lowest`` and ``highest`` are of what was asked."""

    goals: int = 0
    outside: int = 0
    lowest: int = 32767
    highest: int = -32767


class GoalLog:
    """A bounded log. Nothing that was outside is forgotten: the counts never are.

    Attributes:
        allowed: Servo id to the lowest and highest goal in ticks that may be asked of it.
        now_s: Time of what is being logged.
    """

    def __init__(self) -> None:
        self.allowed: dict[int, tuple[int, int]] = {}
        self.now_s = 0.0
        self.counts: dict[int, GoalCount] = {}
        self._records: deque[GoalRecord] = deque(maxlen=KEPT)

    def add(self, write: GoalWrite) -> None:
        """Keep one goal."""
        low, high = self.allowed.get(write.servo_id, (-32767, 32767))
        outside = not low <= write.asked <= high
        count = self.counts.setdefault(write.servo_id, GoalCount())
        count.goals += 1
        count.outside += outside
        count.lowest = min(count.lowest, write.asked)
        count.highest = max(count.highest, write.asked)
        record = GoalRecord(
            self.now_s, write.servo_id, write.asked, write.taken, write.energised, outside
        )
        self._records.append(record)

    def newest(self, count: int) -> list[GoalRecord]:
        """The last goals, oldest first."""
        return list(self._records)[-count:]

    def clear(self) -> None:
        """Start counting anew."""
        self.counts.clear()
        self._records.clear()
