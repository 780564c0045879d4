"""Which servo is which joint and how its ticks become angles: cell file and calibration joined."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from drivers.errors import CellFileError
from drivers.feetech.calibration import (
    Beside,
    Calibration,
    CalibrationError,
    JointZero,
    ServoCalibration,
    beside,
    calibrations_beside,
    load_beside,
    load_calibration,
)
from drivers.feetech.mapping import JawMap, JointMap
from drivers.feetech.measured import provenance
from drivers.feetech.section import FeetechSection, ServoSection, servos_of
from drivers.findings import found
from drivers.types import ArmSpec, Finding


@dataclass(frozen=True)
class Wiring:
    """The servos of an arm: joints in their order, then the gripper.

    ``calibrated``: what LeRobot's file says of each, None for an arm without one.
    """

    names: tuple[str, ...]
    ids: tuple[int, ...]
    joints: tuple[JointMap, ...]
    jaw: JawMap
    calibrated: tuple[ServoCalibration, ...] | None = None
    others: dict[str, Calibration] = field(default_factory=dict)
    """Calibrations of other arms that lie beside this one's, by file name."""

    def name_of(self, servo: int) -> str:
        return self.names[self.ids.index(servo)]

    def id_of(self, name: str) -> int:
        return self.ids[self.names.index(name)]

    def map_of(self, servo: int) -> JointMap:
        return (*self.joints, self.jaw.joint)[self.ids.index(servo)]

    def limited(self, limits: Mapping[int, tuple[int, int]]) -> Wiring:
        """The same with the goals each servo accepts, first and last tick by id."""

        def narrowed(servo: int, joint: JointMap) -> JointMap:
            lo, hi = limits.get(servo, (joint.lo_ticks, joint.hi_ticks))
            return replace(joint, lo_ticks=lo, hi_ticks=hi)

        maps = [narrowed(n, m) for n, m in zip(self.ids, self._maps(), strict=True)]
        return replace(self, joints=tuple(maps[:-1]), jaw=replace(self.jaw, joint=maps[-1]))

    def _maps(self) -> tuple[JointMap, ...]:
        return (*self.joints, self.jaw.joint)


def wire(
    spec: ArmSpec, section: FeetechSection, folder: Path, cell: str
) -> tuple[Wiring, list[Finding]]:
    """Join what is known, and say what is missing or wrong about the calibration.

    Args:
        folder: Where the cell file is; calibration paths are relative to it.
        cell: The cell's name, for what to do.

    Raises:
        CellFileError: The section does not fit the arm.
    """
    servos = servos_of(section, spec)
    jaw = spec.gripper.jaw
    if jaw is None:
        raise CellFileError(f"arm {spec.name}: [device.feetech] needs [arms.gripper.jaw]")
    calibration, known, findings = _calibration(spec, section, folder, cell)
    rows = _rows(servos, calibration) if calibration is not None else None
    if calibration is not None and rows is None:
        wanted = ", ".join(servo.joint for servo in servos)
        cause = f"it has {', '.join(calibration)}; the arm has {wanted}"
        file = str(folder / section.calibration)
        findings.append(found("calibration_bad", file, arm=spec.name, cell=cell, cause=cause))
    maps = []
    for n, servo in enumerate(servos):
        own = JointZero(servo.zero_offset_rad, servo.sign)
        zero = known.joints.get(servo.joint, own) if known is not None else own
        joint = JointMap(-1 if zero.sign < 0 else 1, zero.zero_offset_rad)
        maps.append(joint if rows is None else replace(joint, middle_ticks=rows[n].middle_ticks))
    wiring = Wiring(
        names=tuple(servo.joint for servo in servos),
        ids=tuple(servo.id for servo in servos),
        joints=tuple(maps[:-1]),
        jaw=JawMap(maps[-1], jaw, section.stall_torque_Nm),
        calibrated=rows,
        others=calibrations_beside(folder / section.calibration) if rows else {},
    )
    return wiring, findings


def _rows(
    servos: tuple[ServoSection, ...], calibration: Calibration
) -> tuple[ServoCalibration, ...] | None:
    """The calibration of each servo, by joint name, else by id; None when one is missing."""
    by_id = {row.id: row for row in calibration.values()}
    rows = [calibration.get(servo.joint) or by_id.get(servo.id) for servo in servos]
    return tuple(row for row in rows if row is not None) if all(rows) else None


def _calibration(
    spec: ArmSpec, section: FeetechSection, folder: Path, cell: str
) -> tuple[Calibration | None, Beside | None, list[Finding]]:
    words: dict[str, Any] = {"arm": spec.name, "cell": cell}
    if not section.calibration:
        return None, None, [found("calibration_none", "none named", **words)]
    path = folder / Path(section.calibration).expanduser()
    if not path.exists():
        return None, None, [found("calibration_missing", f"no {path}", file=path, **words)]
    try:
        calibration, known = load_calibration(path), load_beside(path)
    except CalibrationError as error:
        return None, None, [found("calibration_bad", str(path), cause=str(error), **words)]
    placed = any(servo.zero_offset_rad or servo.sign < 0 for servo in section.servos)
    if known is None and not placed:
        seen = "LeRobot's file alone"
        return (
            calibration,
            None,
            [found("calibration_no_zero", seen, file=beside(path).name, **words)],
        )
    measured = (
        provenance(spec.name, cell, known, datetime.datetime.now(datetime.UTC)) if known else None
    )
    return calibration, known, [measured] if measured else []
