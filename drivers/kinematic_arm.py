"""An arm without physics: first-order servos that go where they are told, unless told of a wall.

The smallest device that exercises everything above it. Time passes only through ``advance``.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from drivers.types import ArmSample, ArmSpec, Finding

SERVO_TIME_CONSTANT_S = 0.02


class KinematicArm:
    """Implements :class:`drivers.arm.ArmDriver` and :class:`drivers.arm.CompliantArm`.

    Attributes:
        walls: Joint index to the angle (radians) it cannot pass, for blocked motions.
        object_width_m: What stands between the fingers, or None.
        silent: Answer nothing, as an unplugged device.
        written: Every joint set-point that was written, newest last.
    """

    def __init__(
        self, spec: ArmSpec, clock: Callable[[], float], energised: bool = True, keep: int = 200_000
    ) -> None:
        self.spec = spec
        self.walls: dict[int, float] = {}
        self.object_width_m: float | None = None
        self.silent = False
        self.findings: list[Finding] = []
        self.written: list[tuple[float, ...]] = []
        self.written_grip: list[tuple[float, float]] = []
        self._keep = keep
        self._clock = clock
        self._energised = energised
        self.q_rad = list(spec.home_rad)
        self.q_cmd_rad = tuple(spec.home_rad)
        self._dq = [0.0] * len(self.q_rad)
        self.width_m = spec.gripper.open_width_m
        self.width_cmd_m = self.width_m
        self._force_limit_N = 0.0
        self._force_N = 0.0
        self._by_hand = False

    def advance(self, dt_s: float) -> None:
        """Let the servos follow for a moment."""
        if not self._energised or self._by_hand:
            return
        share = 1.0 - math.exp(-dt_s / SERVO_TIME_CONSTANT_S)
        for i, wanted in enumerate(self.q_cmd_rad):
            before = self.q_rad[i]
            after = before + share * (wanted - before)
            wall = self.walls.get(i)
            if wall is not None and (before - wall) * (after - wall) <= 0.0:
                after = before
            self.q_rad[i] = after
            self._dq[i] = (after - before) / dt_s
        width = self.width_m + share * (self.width_cmd_m - self.width_m)
        floor = self.object_width_m
        touching = floor is not None and width <= floor
        self.width_m = floor if floor is not None and touching else width
        self._force_N = self._force_limit_N if touching else 0.0

    def open(self) -> ArmSpec:
        self._answer()
        return self.spec

    def check(self) -> list[Finding]:
        self._answer()
        return list(self.findings)

    def read(self, deadline_s: float) -> ArmSample:
        self._answer()
        return ArmSample(
            t_s=self._clock(),
            q_rad=tuple(self.q_rad),
            dq_rad_s=tuple(self._dq),
            q_cmd_rad=self.q_cmd_rad,
            width_m=self.width_m,
            width_cmd_m=self.width_cmd_m,
            grip_force_N=self._force_N,
        )

    def energised(self) -> bool:
        self._answer()
        return self._energised

    def energise(self) -> None:
        self._answer()
        self.q_cmd_rad = tuple(self.q_rad)
        self._energised = True

    def release(self) -> None:
        self._answer()
        self._energised = False

    def write(self, q_rad: tuple[float, ...], width_m: float, force_N: float) -> None:
        self._answer()
        self.q_cmd_rad, self.width_cmd_m, self._force_limit_N = q_rad, width_m, force_N
        if len(self.written) < self._keep:
            self.written.append(q_rad)
            self.written_grip.append((width_m, force_N))

    def comply(self, on: bool) -> None:
        self._answer()
        self._by_hand = on
        self.q_cmd_rad = tuple(self.q_rad)

    def close(self) -> None:
        """Nothing to let go of."""

    def _answer(self) -> None:
        if self.silent:
            raise OSError("the arm does not answer")
