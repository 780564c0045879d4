"""How well an arm arrives: small moves of each joint, there and back, measured. Moves the arm."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from drivers.arm import ArmDriver
from drivers.feetech.calibration import JointMeasured
from drivers.types import ArmSample, ArmSpec

STEP_RAD: Final = 0.06
SPEED_RAD_S: Final = 0.2
CYCLE_S: Final = 0.02
SETTLE_S: Final = 0.5
GRIP_SHARE: Final = 0.25
MARGIN: Final = 1.3
"""Arrival tolerance over the worst arrival that was measured."""
LEAST_TOLERANCE_RAD: Final = 0.005
TOO_FAR_RAD: Final = 0.2
LEAST_TORQUE_NM: Final = 0.3
"""Less than that may be stiction and not weight."""


class Hindered(Exception):
    """A joint did not follow: something is in its way. It holds where it was told last."""


class Mover:
    """Moves one joint at a time in small steps, at a walk."""

    def __init__(
        self,
        driver: ArmDriver,
        spec: ArmSpec,
        clock: Callable[[], float],
        pause: Callable[[float], None],
    ) -> None:
        """``driver`` is open and energised; ``pause`` waits for so many seconds."""
        self._driver = driver
        self._spec = spec
        self._clock = clock
        self._pause = pause
        first = driver.read(0.1)
        self._q = list(first.q_cmd_rad)
        self._width_m = first.width_cmd_m
        self._force_N = GRIP_SHARE * spec.gripper.max_force_N

    def measure(self, joint: int) -> JointMeasured:
        """One joint, three small moves and back to where it was. Raises Hindered, OSError."""
        spec, start = self._spec.joints[joint], self._q[joint]
        away = 1.0 if start < 0.5 * (spec.lo_rad + spec.hi_rad) else -1.0
        errors, lags = [], []
        held: list[tuple[float, float]] = []
        there: list[float] = []
        for steps in (1, 2, 1, 0):
            lag_rad = self._go(joint, start + away * steps * STEP_RAD)
            lags.append(lag_rad / SPEED_RAD_S)
            rest = self._settled(joint)
            reached = rest.q_rad[joint]
            if rest.load_Nm:
                held.append((self._q[joint] - reached, rest.load_Nm[joint]))
            errors.append(abs(reached - self._q[joint]))
            if steps == 1:
                there.append(reached)
        return JointMeasured(max(errors), abs(there[0] - there[1]), max(lags), sag_rad_per_Nm(held))

    def _go(self, joint: int, target_rad: float) -> float:
        """Move there at a walk; how far behind the joint was at the most."""
        worst = 0.0
        while self._q[joint] != target_rad:
            left = target_rad - self._q[joint]
            step = SPEED_RAD_S * CYCLE_S
            self._q[joint] += min(max(left, -step), step)
            sample = self._cycle()
            behind = abs(self._q[joint] - sample.q_rad[joint])
            worst = max(worst, behind)
            if behind > TOO_FAR_RAD:
                name = self._spec.joints[joint].name
                self._q[joint] = sample.q_rad[joint]
                self._cycle()
                raise Hindered(f"{name} stayed {behind:.2f} rad behind: something is in its way")
        return worst

    def _settled(self, joint: int) -> ArmSample:
        """How it comes to rest."""
        until_s = self._clock() + SETTLE_S
        sample = self._cycle()
        while self._clock() < until_s:
            sample = self._cycle()
        return sample

    def _cycle(self) -> ArmSample:
        self._driver.write(tuple(self._q), self._width_m, self._force_N)
        self._pause(CYCLE_S)
        return self._driver.read(CYCLE_S)


def sag_rad_per_Nm(held: Sequence[tuple[float, float]]) -> float | None:
    """From (behind, torque held) at rest; None where the torque is within stiction."""
    if not held or min(abs(torque) for _, torque in held) < LEAST_TORQUE_NM:
        return None
    slope = sum(behind * torque for behind, torque in held) / sum(t * t for _, t in held)
    return round(slope, 4) if slope > 0.0 else None


def tolerance_rad(measured: dict[str, JointMeasured]) -> float:
    """The arrival tolerance that suits what was measured."""
    worst = max((one.arrival_rad for one in measured.values()), default=0.0)
    return max(LEAST_TOLERANCE_RAD, round(MARGIN * worst, 4))
