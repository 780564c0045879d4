"""Where a servo wants its shaft to be, from moment to moment: speed- and acceleration-limited."""

from __future__ import annotations

import math
from typing import Final

NOTHING: Final = 1e-3
"""Ticks that are no way to go."""


class Profile:
    """A set-point that travels to a goal without overshoot. Units are ticks and seconds.

    Attributes:
        at: Where the set-point is.
        speed: How fast it moves, signed.
    """

    def __init__(self) -> None:
        self.at = 0.0
        self.speed = 0.0

    def rest_at(self, ticks: float) -> None:
        """Stand still there."""
        self.at, self.speed = ticks, 0.0

    def run(self, speed: float, top_acceleration: float, dt_s: float) -> None:
        """Travel on at a speed, without an end."""
        self.speed += _within(speed - self.speed, top_acceleration * dt_s)
        self.at += self.speed * dt_s

    def step(self, goal: float, top_speed: float, top_acceleration: float, dt_s: float) -> None:
        """Travel for a moment towards a goal that may have changed since the last step."""
        left = goal - self.at
        change = top_acceleration * dt_s
        if abs(left) < NOTHING and abs(self.speed) <= change:
            self.rest_at(goal)
            return
        # The fastest from which whole steps of braking still end in time.
        braked = (
            math.sqrt(change * change / 4.0 + 2.0 * top_acceleration * abs(left)) - change / 2.0
        )
        wanted = math.copysign(min(top_speed, braked), left) if left else 0.0
        self.speed += _within(wanted - self.speed, change)
        after = self.at + self.speed * dt_s
        crossed = left * (goal - after) <= 0.0
        if crossed and abs(self.speed) <= max(2.0 * change, abs(left) / dt_s):
            self.rest_at(goal)
        else:
            self.at = after


def _within(value: float, most: float) -> float:
    return max(-most, min(most, value))
