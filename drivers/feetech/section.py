"""``[device.feetech]`` of a cell file: which servo is which joint, and how ticks become angles."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import msgspec

from drivers.errors import CellFileError
from drivers.types import ArmSpec

Baud = Literal[1_000_000, 500_000, 250_000, 128_000, 115_200]

GRIPPER = "gripper"
LARGEST_ID = 253


class ServoSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One joint's servo.

    ``sign`` and ``zero_offset_rad`` say where the model's zero is, seen from the middle of the
    calibrated range; what a calibration measured goes before what is written here.
    """

    joint: str
    id: int
    sign: Literal[1, -1] = 1
    zero_offset_rad: float = 0.0


class JawSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The gripper's servo: a hinge whose opening in metres follows its angle piecewise linearly."""

    id: int
    angle_rad: tuple[float, ...]
    """Rising; at least two."""
    width_m: tuple[float, ...]
    """The opening at each angle, rising too."""
    lever_m: float
    """From the jaw's axis to where it presses: torque to force."""
    sign: Literal[1, -1] = 1
    zero_offset_rad: float = 0.0


class FeetechSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An arm of STS servos on one bus."""

    jaw: JawSection
    servos: tuple[ServoSection, ...] = ()
    """One per joint of the arm; left out: ids 1, 2, 3 … in the order of the joints."""
    baud: Baud = 1_000_000
    calibration: str = ""
    """LeRobot's calibration JSON, relative to the cell file; ours is written beside it."""
    model: int = 777
    stall_torque_Nm: float = 2.94
    """What the servo gives at 100 % load."""
    torque_limit: float = 1.0
    """The largest share of it that is ever allowed."""
    gripper_torque_limit: float = 0.5

    def joints(self, spec: ArmSpec) -> tuple[ServoSection, ...]:
        """The servos in the order of the arm's joints. Raises CellFileError."""
        if not self.servos:
            made = (ServoSection(joint.name, n) for n, joint in enumerate(spec.joints, 1))
            return self._checked(spec, tuple(made))
        by_joint = {servo.joint: servo for servo in self.servos}
        wanted = [joint.name for joint in spec.joints]
        if sorted(by_joint) != sorted(wanted) or len(by_joint) != len(self.servos):
            raise CellFileError(
                f"arm {spec.name}: [device.feetech] servos must name each joint once: "
                f"{', '.join(wanted)}"
            )
        return self._checked(spec, tuple(by_joint[name] for name in wanted))

    def _checked(self, spec: ArmSpec, servos: tuple[ServoSection, ...]) -> tuple[ServoSection, ...]:
        def require(good: bool, problem: str) -> None:
            if not good:
                raise CellFileError(f"arm {spec.name}: [device.feetech] {problem}")

        jaw = self.jaw
        ids = [servo.id for servo in servos] + [jaw.id]
        require(all(0 <= n <= LARGEST_ID for n in ids), f"ids are 0 to {LARGEST_ID}: {ids}")
        require(len(set(ids)) == len(ids), f"two servos share one id: {ids}")
        require(
            len(jaw.angle_rad) == len(jaw.width_m) >= 2,
            "jaw: angle_rad and width_m need the same number of values, at least two",
        )
        for name, row in (("angle_rad", jaw.angle_rad), ("width_m", jaw.width_m)):
            require(all(a < b for a, b in pairwise(row)), f"jaw: {name} must rise")
        require(jaw.lever_m > 0.0, "jaw: lever_m must be positive")
        require(self.stall_torque_Nm > 0.0, "stall_torque_Nm must be positive")
        require(0.05 <= self.torque_limit <= 1.0, "torque_limit must be 0.05 to 1")
        require(0.05 <= self.gripper_torque_limit <= 1.0, "gripper_torque_limit: 0.05 to 1")
        return servos
