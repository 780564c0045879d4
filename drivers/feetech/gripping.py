"""How strong the jaw may be: enough to move as fast as asked, and what was asked once it presses.

A servo's torque limit also limits its speed. So the limit follows the speed that is asked for until
the jaw stands against something; from then on it is the force.
"""

from __future__ import annotations

from typing import Final

from drivers.feetech.mapping import RAD_PER_TICK, JawMap
from drivers.feetech.telemetry import Telemetry

LEAST_SHARE: Final = 0.08
"""Below this the jaw does not overcome its own gears."""
MOVING_MARGIN: Final = 1.25
CONTACT_SPEED_SHARE: Final = 0.25
CONTACT_LOAD_SHARE: Final = 0.8
CONTACT_READINGS: Final = 4
STANDS_AFTER_S: Final = 0.1
PERMILLE: Final = 1000


class Grip:
    """The jaw's goal and torque limit, from openings and forces that are asked for."""

    def __init__(self, jaw: JawMap, no_load_rad_s: float) -> None:
        self._jaw = jaw
        self._no_load_rad_s = no_load_rad_s
        self._asked_m: float | None = None
        self._asked_ticks = 0
        self._asked_s = 0.0
        self._speed_rad_s = 0.0
        self._direction = 0
        self._against = 0
        self._let_go: tuple[float, int] | None = None

    def ask(self, width_m: float, now_s: float) -> int:
        """The goal for an opening, ticks."""
        ticks = self._jaw.ticks(width_m)
        if self._asked_m is not None:
            self._follow(ticks - self._asked_ticks, now_s - self._asked_s)
        self._asked_m, self._asked_ticks, self._asked_s = width_m, ticks, now_s
        if self._let_go is not None:
            let_go_m, stays = self._let_go
            if abs(width_m - let_go_m) < 1e-4:
                return stays
            self._let_go = None
        return ticks

    def _follow(self, moved_ticks: int, passed_s: float) -> None:
        slow = passed_s <= 0.0 or passed_s > STANDS_AFTER_S
        self._speed_rad_s = 0.0 if slow else abs(moved_ticks) * RAD_PER_TICK / passed_s
        direction = (moved_ticks > 0) - (moved_ticks < 0)
        if direction and direction != self._direction:
            self._direction, self._against = direction, 0

    def limit(self, force_N: float, seen: Telemetry) -> int:
        """The torque limit that goes with the last opening asked for, ‰."""
        share = max(LEAST_SHARE, self._jaw.torque_share(force_N))
        if self._speed_rad_s > 0.0:
            self._watch(seen, share)
            if self._against < CONTACT_READINGS:
                needed = MOVING_MARGIN * self._speed_rad_s / self._no_load_rad_s
                share = max(share, LEAST_SHARE + needed)
        return min(round(PERMILLE * share), PERMILLE)

    def _watch(self, seen: Telemetry, share: float) -> None:
        """Count readings in which the jaw pushes and hardly moves."""
        if self._against >= CONTACT_READINGS:
            return
        moves = abs(seen.speed_ticks_s) * RAD_PER_TICK > CONTACT_SPEED_SHARE * self._speed_rad_s
        pushes = abs(seen.load) >= CONTACT_LOAD_SHARE * PERMILLE * share
        self._against = self._against + 1 if pushes and not moves else 0

    def let_go(self, seen: Telemetry, width_m: float) -> int:
        """Stop squeezing: stay where the jaw is until another opening is asked for; the goal."""
        here = self._jaw.joint.ticks(self._jaw.joint.rad(seen.position_ticks))
        self._let_go = (width_m, here)
        return here
