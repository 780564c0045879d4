"""Letting a person move the arm by hand: its strength fades, so that it sinks and does not drop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from drivers.feetech import registers as r
from drivers.feetech.bus import Bus
from drivers.feetech.energise import energise

BEGIN_SHARE: Final = 0.4
FADE_S: Final = 1.5
STEP_S: Final = 0.1


class Guiding:
    """The servos of the joints that a person guides; the gripper is not among them."""

    def __init__(self, servos: Sequence[int], limits: Mapping[int, int], now_s: float) -> None:
        """``limits``: the torque limit each has when it holds, ‰."""
        self._servos = tuple(servos)
        self._limits = {n: limits[n] for n in servos}
        self._began_s = self._next_s = now_s
        self._off = False

    def step(self, bus: Bus, now_s: float) -> None:
        """Go on fading; call every cycle. Raises OSError when the port is gone."""
        if self._off or now_s < self._next_s:
            return
        self._next_s = now_s + STEP_S
        left = 1.0 - (now_s - self._began_s) / FADE_S
        if left > 0.0:
            share = BEGIN_SHARE * left
            self._write(bus, {n: round(share * limit) for n, limit in self._limits.items()})
            return
        bus.sync_write_sure(r.TORQUE.address, dict.fromkeys(self._servos, b"\0"))
        self._write(bus, self._limits)
        self._off = True

    def end(
        self,
        bus: Bus,
        present: Mapping[int, int],
        speeds: Mapping[int, int],
        pause: Callable[[float], None],
    ) -> None:
        """Hold again, where each joint is measured to be. Raises OSError."""
        goals = {n: r.GOAL_POSITION.encode(present[n]) for n in self._servos}
        torque = bus.sync_read(r.Block(r.TORQUE.address, 1), self._servos)
        fading = {n: goals[n] for n in self._servos if torque.get(n, b"\0") != b"\0"}
        if fading:
            bus.sync_write_sure(r.GOAL_POSITION.address, fading)
            self._write(bus, {n: self._limits[n] for n in fading})
        energise(bus, self._servos, self._limits, speeds, pause)

    def _write(self, bus: Bus, limits: Mapping[int, int]) -> None:
        rows = {n: r.TORQUE_LIMIT.encode(limit) for n, limit in limits.items()}
        bus.sync_write(r.TORQUE_LIMIT.address, rows)
