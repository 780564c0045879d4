"""``[device.feetech]`` of a cell file: which servo is which joint, and how ticks become angles."""

from __future__ import annotations

from typing import Literal

import msgspec

from drivers.errors import CellFileError
from drivers.types import ArmSpec

Baud = Literal[1_000_000, 500_000, 250_000, 128_000, 115_200]

GRIPPER = "gripper"
"""Name of the last servo, in the cell file and in LeRobot's calibration."""
LARGEST_ID = 253


class ServoSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One joint's servo; ``joint`` is a joint of the arm, or ``gripper``.

    ``sign`` and ``zero_offset_rad`` say where the model's zero is, seen from the middle of the
    calibrated range; what a calibration measured goes before what is written here.
    """

    joint: str
    id: int
    sign: Literal[1, -1] = 1
    zero_offset_rad: float = 0.0


class FeetechSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An arm of STS servos on one bus, its gripper a hinged jaw (``[arms.gripper.jaw]``)."""

    servos: tuple[ServoSection, ...] = ()
    """One per joint of the arm and one for the gripper; left out: ids 1, 2, 3 … in that order."""
    baud: Baud = 1_000_000
    calibration: str = ""
    """LeRobot's calibration JSON, relative to the cell file; ours is kept beside it."""
    model: int = 777
    stall_torque_Nm: float = 2.94
    """What a servo gives at 100 % load."""
    no_load_rad_s: float = 4.7
    """How fast a servo turns without load."""
    torque_limit: float = 1.0
    """The largest share of it that is ever allowed."""
    gripper_torque_limit: float = 0.5
    supply_V: float = 0.0
    """Nominal motor supply; 0: as the servos' own limits let expect."""


def servos_of(section: FeetechSection, spec: ArmSpec) -> tuple[ServoSection, ...]:
    """One servo per joint, in the joints' order, and the gripper's. Raises CellFileError."""

    def require(good: bool, problem: str) -> None:
        if not good:
            raise CellFileError(f"arm {spec.name}: [device.feetech] {problem}")

    wanted = [*(joint.name for joint in spec.joints), GRIPPER]
    given = section.servos or tuple(ServoSection(name, n) for n, name in enumerate(wanted, 1))
    by_joint = {servo.joint: servo for servo in given}
    names = [servo.joint for servo in given]
    require(sorted(names) == sorted(wanted), f"servos must name each once: {', '.join(wanted)}")
    ids = [servo.id for servo in given]
    require(all(0 <= n <= LARGEST_ID for n in ids), f"ids are 0 to {LARGEST_ID}: {ids}")
    require(len(set(ids)) == len(ids), f"two servos share one id: {ids}")
    require(spec.gripper.jaw is not None, "needs [arms.gripper.jaw]: how the jaw opens")
    require(section.stall_torque_Nm > 0.0, "stall_torque_Nm must be positive")
    require(section.no_load_rad_s > 0.0, "no_load_rad_s must be positive")
    require(0.05 <= section.torque_limit <= 1.0, "torque_limit must be 0.05 to 1")
    require(0.05 <= section.gripper_torque_limit <= 1.0, "gripper_torque_limit must be 0.05 to 1")
    return tuple(by_joint[name] for name in wanted)
