"""What each servo was told, and whether it took it: SYNC_WRITE is never acknowledged.

A goal that stays is read back once, and all of them from time to time. A servo that missed an
answer may have restarted with its torque off; a goal would switch it on with a jump, so it gets
none until it is known to hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from drivers.feetech import registers as r
from drivers.feetech.bus import Bus

CONFIRM_EVERY: Final = 25
"""Cycles between two confirmations while goals go on changing."""
STAYS_AFTER: Final = 2
NOT_TAKEN_AFTER: Final = 3
BEHIND_TICKS: Final = 40
"""What a servo that got no goals for a moment makes up for in one step: two cycles
at full speed."""
TOLD: Final = r.Block(r.TORQUE.address, 10)
"""Torque, acceleration, goals and torque limit."""


class KeptBack(OSError):
    """A servo missed an answer, and whether it still holds torque could not be asked yet."""

    def __init__(self, servos: Sequence[int]) -> None:
        ids = ", ".join(map(str, sorted(servos)))
        super().__init__(f"servo {ids} missed an answer; all wait until it is known to hold")


class Setpoints:
    """Goals and torque limits of the servos of one bus.

    Attributes:
        goals: Last goal of each servo, ticks.
        torque_lost: Servos found without torque although they were given goals.
        rewritten: How often something had to be written again.
    """

    def __init__(self, servos: Sequence[int]) -> None:
        self._servos = tuple(servos)
        self.goals: dict[int, int] = {}
        self._written: dict[int, int] = {}
        self.torque_lost: set[int] = set()
        self.rewritten = 0
        self._limits: dict[int, int] = {}
        self._doubted: set[int] = set()
        self._not_taken: dict[int, int] = {}
        self._same_for = 0
        self._since_confirmed = 0
        self._confirmed = True

    def adopt(self, goals: Mapping[int, int], limits: Mapping[int, int]) -> None:
        """Take what the servos have as told; nothing is written."""
        self.goals, self._limits = dict(goals), dict(limits)
        self._written = dict(goals)
        self.torque_lost.clear()
        self._doubted.clear()
        self._not_taken.clear()
        self._confirmed = True

    def doubt(self, servos: Iterable[int]) -> None:
        """These did not answer: no goal for them until they are known to hold torque."""
        self._doubted.update(servos)

    @property
    def not_taken(self) -> set[int]:
        """Servos that did not take their goal several times running."""
        return {servo for servo, times in self._not_taken.items() if times >= NOT_TAKEN_AFTER}

    def write(self, bus: Bus, goals: Mapping[int, int], limits: Mapping[int, int]) -> None:
        """Tell the servos; torque limits only when they change.

        Raises:
            KeptBack: A servo in doubt would fall too far behind the others: all wait for it.
            OSError: The port is gone.
        """
        waiting = [
            s
            for s in self._doubted - self.torque_lost
            if s in goals and abs(goals[s] - self._written.get(s, goals[s])) > BEHIND_TICKS
        ]
        if waiting:
            raise KeptBack(waiting)
        kept_back = self._doubted | self.torque_lost
        told = {s: goal for s, goal in goals.items() if s not in kept_back}
        self._write_limits(bus, limits)
        if told:
            rows = {s: r.GOAL_POSITION.encode(goal) for s, goal in told.items()}
            bus.sync_write(r.GOAL_POSITION.address, rows)
            self._written.update(told)
        changed = any(self.goals.get(s) != goal for s, goal in goals.items())
        self.goals.update(goals)
        self._since_confirmed += 1
        self._same_for = 0 if changed else self._same_for + 1
        if changed:
            self._confirmed = False

    def _write_limits(self, bus: Bus, limits: Mapping[int, int]) -> None:
        new = {s: limit for s, limit in limits.items() if self._limits.get(s) != limit}
        if not new:
            return
        rows = {s: r.TORQUE_LIMIT.encode(limit) for s, limit in new.items()}
        bus.sync_write(r.TORQUE_LIMIT.address, rows)
        self._limits.update(new)
        self._confirmed = False
        self._same_for = 0

    @property
    def in_doubt(self) -> bool:
        """Whether a servo gets no goals until it was read back."""
        return bool(self._doubted - self.torque_lost)

    @property
    def due(self) -> bool:
        """Whether it is time to read back what the servos have."""
        if self._doubted:
            return True
        stays = self._same_for >= STAYS_AFTER and not self._confirmed
        return stays or self._since_confirmed >= CONFIRM_EVERY

    def confirm(self, bus: Bus, until_s: float) -> None:
        """Read back, and write again what is not there. Raises OSError when the port is gone."""
        found = bus.sync_read(TOLD, self._servos, until_s)
        self._since_confirmed = 0
        wrong: dict[int, int] = {}
        for servo, block in found.items():
            if r.TORQUE.of(block, TOLD.first) == 0:
                self.torque_lost.add(servo)
                continue
            self._doubted.discard(servo)
            goal = self.goals.get(servo)
            limit = self._limits.get(servo)
            if limit is not None and r.TORQUE_LIMIT.of(block, TOLD.first) != limit:
                rows = {servo: r.TORQUE_LIMIT.encode(limit)}
                bus.sync_write(r.TORQUE_LIMIT.address, rows)
                self.rewritten += 1
            if goal is not None and r.GOAL_POSITION.of(block, TOLD.first) != goal:
                wrong[servo] = goal
                self._not_taken[servo] = self._not_taken.get(servo, 0) + 1
            else:
                self._not_taken.pop(servo, None)
        if wrong:
            rows = {s: r.GOAL_POSITION.encode(goal) for s, goal in wrong.items()}
            bus.sync_write(r.GOAL_POSITION.address, rows)
            self._written.update(wrong)
            self.rewritten += len(wrong)
        self._confirmed = not wrong and len(found) == len(self._servos)
