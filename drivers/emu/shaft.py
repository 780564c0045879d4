"""Between a servo's electronics and what hangs on its horn: a drive pushes, a shaft answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

STEP_S: Final = 1.0 / 512.0
"""One step of physics and of every servo's control law."""


@dataclass
class Drive:
    """What a servo's electronics ask of its motor now; angles in radians at the horn.

    Attributes:
        error_rad: Set-point minus encoder.
        set_speed_rad_s: How fast the set-point moves.
        stiffness_Nm_rad: Torque per error; 0 lets go of the shaft.
        damping_Nms_rad: Torque per difference of speeds.
        limit_Nm: The most torque the motor may give; 0 lets go of the shaft.
        feed_Nm: Torque asked for directly, in the mode that has no set-point.
    """

    error_rad: float = 0.0
    set_speed_rad_s: float = 0.0
    stiffness_Nm_rad: float = 0.0
    damping_Nms_rad: float = 0.0
    limit_Nm: float = 0.0
    feed_Nm: float = 0.0


@dataclass
class Shaft:
    """What a servo's sensors feel.

    Attributes:
        angle_rad: The encoder, continuous over turns. It sits on the motor's side of the play.
        speed_rad_s: Of the horn.
        torque_Nm: What the motor gives now.
        jammed: It cannot turn, whatever pushes.
        led_rad: Where a hand has it; None when nobody does.
        stops_rad: Between these it turns.
        rest_rad: Where it lies when the arm is put down.
    """

    angle_rad: float = 0.0
    speed_rad_s: float = 0.0
    torque_Nm: float = 0.0
    jammed: bool = False
    led_rad: float | None = None
    stops_rad: tuple[float, float] = (-1.6, 1.6)
    rest_rad: float = 0.0


class Plant(Protocol):
    """What all the shafts of a bus are joined to."""

    @property
    def shafts(self) -> Sequence[Shaft]: ...

    def advance(self, drives: Sequence[Drive]) -> None:
        """Let ``STEP_S`` pass; updates the shafts."""
        ...


@dataclass(frozen=True)
class Gears:
    """A gear train, at the horn.

    Attributes:
        stall_Nm: Torque at full duty and nominal voltage, standing.
        no_load_rad_s: Speed at full duty and nominal voltage, unloaded.
        play_rad: Half the free play between encoder and horn.
        stiction_Nm: Torque below which nothing turns.
    """

    stall_Nm: float = 2.94
    no_load_rad_s: float = 4.7
    play_rad: float = math.radians(0.25)
    stiction_Nm: float = 0.06

    @property
    def braking_Nms_rad(self) -> float:
        """What a turning motor loses of its torque."""
        return self.stall_Nm / self.no_load_rad_s


TAKE_UP_NM: Final = 0.05
"""Torque over which the teeth change sides."""


def through_play(error_rad: float, stiffness_Nm_rad: float, play_rad: float) -> float:
    """Torque through gears with play, for an error taken at the horn.

    Within the play teeth only lean; beyond it the error acts in full. What is missing to the
    torque of a tight train is the angle between encoder and horn.
    """
    knee = play_rad + TAKE_UP_NM / stiffness_Nm_rad
    if abs(error_rad) <= knee:
        return TAKE_UP_NM * error_rad / knee
    return stiffness_Nm_rad * (error_rad - math.copysign(play_rad, error_rad))


class FreeShafts:
    """A plant without a world: loads that swing like short pendulums, each on its own.

    Attributes:
        load_Nm: Torque of the weight on each shaft when it hangs level.
    """

    def __init__(self, count: int, gears: Gears, load_Nm: float = 0.0) -> None:
        self.shafts = [Shaft() for _ in range(count)]
        self.load_Nm = [load_Nm] * count
        self._gears = gears
        self._horn = [0.0] * count
        self._inertia = 0.03

    def advance(self, drives: Sequence[Drive]) -> None:
        for index, (shaft, drive) in enumerate(zip(self.shafts, drives, strict=True)):
            self._turn(index, shaft, drive)

    def place(self, angles_rad: Sequence[float]) -> None:
        """Put the shafts somewhere, at rest."""
        for index, angle in enumerate(angles_rad):
            self._horn[index] = self.shafts[index].angle_rad = angle
            self.shafts[index].speed_rad_s = 0.0

    def _turn(self, index: int, shaft: Shaft, drive: Drive) -> None:
        gears, horn, speed = self._gears, self._horn[index], shaft.speed_rad_s
        play = shaft.angle_rad - horn
        torque = drive.feed_Nm
        if drive.limit_Nm > 0.0 and drive.stiffness_Nm_rad > 0.0:
            error = drive.error_rad + play
            spring = through_play(error, drive.stiffness_Nm_rad, gears.play_rad)
            play = error - spring / drive.stiffness_Nm_rad
            torque += spring + drive.damping_Nms_rad * drive.set_speed_rad_s
        damping = drive.damping_Nms_rad + gears.braking_Nms_rad
        damping = damping if drive.limit_Nm > 0.0 else 0.0
        asked = torque - damping * speed
        given = max(-drive.limit_Nm, min(drive.limit_Nm, asked))
        pull = given - self.load_Nm[index] * math.cos(horn)
        rubbing = gears.stiction_Nm
        # Implicit in what brakes, so that no gain makes a light shaft ring.
        brake = damping if given == asked else 0.0
        free = speed + STEP_S * (pull + brake * speed) / self._inertia
        free /= 1.0 + STEP_S * brake / self._inertia
        drag = STEP_S * rubbing / self._inertia
        after = 0.0 if abs(free) <= drag else free - math.copysign(drag, free)
        after = 0.0 if shaft.jammed or shaft.led_rad is not None else after
        horn = horn if shaft.led_rad is None else shaft.led_rad
        self._horn[index] = horn + after * STEP_S
        shaft.angle_rad = self._horn[index] + play
        shaft.speed_rad_s, shaft.torque_Nm = after, given
