"""LeRobot's calibration file, read and written as LeRobot does, and ours beside it.

LeRobot's has raw ticks: homing offset and the range that was swept by hand. Where the model's zero
is, which way a joint turns and how exactly it arrives is not in it: that is in ``NAME.aspire.json``
beside it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from drivers.feetech.registers import HOMING_OFFSET, LARGEST_TICK, MAX_POSITION, MIN_POSITION

LARGEST_OFFSET = 2047


class CalibrationError(ValueError):
    """A calibration file that cannot be used: one line with file, place and what is wrong."""


class ServoCalibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One joint as LeRobot keeps it. Ranges are ticks after the homing offset."""

    id: int
    drive_mode: int
    homing_offset: int
    range_min: int
    range_max: int

    @property
    def middle_ticks(self) -> float:
        """LeRobot's 0°."""
        return (self.range_min + self.range_max) / 2.0

    def registers(self) -> dict[str, int]:
        """What the servo's EEPROM holds when it is calibrated, by register name."""
        return {
            HOMING_OFFSET.name: self.homing_offset,
            MIN_POSITION.name: self.range_min,
            MAX_POSITION.name: self.range_max,
        }


Calibration = dict[str, ServoCalibration]
"""By joint name, in the order of the file."""


class JointZero(msgspec.Struct, frozen=True):
    """Where the model's zero of one joint is: ``q = sign · (angle from the middle) + offset``."""

    zero_offset_rad: float = 0.0
    sign: int = 1


class JointMeasured(msgspec.Struct, frozen=True):
    """How well one joint followed small moves."""

    arrival_rad: float
    """Largest distance from the goal after it stood still."""
    backlash_rad: float
    """Between arriving from one side and from the other."""
    lag_s: float
    """How far behind a moving goal it was, as time."""
    sag_rad_per_Nm: float | None = None
    """How far it stayed behind per torque it held; None where too little weighed on it."""


class Beside(msgspec.Struct, frozen=True):
    """What we know of an arm that LeRobot's file has no place for."""

    joints: dict[str, JointZero] = {}
    measured: dict[str, JointMeasured] = {}
    arrival_tolerance_rad: float | None = None
    when: str = ""
    who: str = ""


def beside(path: Path) -> Path:
    """Our file next to LeRobot's."""
    return path.with_suffix(".aspire.json")


def load_calibration(path: Path) -> Calibration:
    """LeRobot's file. Raises CalibrationError."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise CalibrationError(f"{path}: {error.strerror or error}") from None
    try:
        found = msgspec.json.decode(text, type=dict[str, ServoCalibration])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CalibrationError(f"{path}: not LeRobot's calibration: {error}") from None
    for joint, servo in found.items():
        _check(path, joint, servo)
    return found


def calibrations_beside(path: Path) -> dict[str, Calibration]:
    """The other calibration files of a folder, by name; what is no calibration is passed over."""
    found: dict[str, Calibration] = {}
    for file in sorted(path.parent.glob("*.json")):
        if file == path or file.name.endswith(".aspire.json"):
            continue
        try:
            found[file.name] = load_calibration(file)
        except CalibrationError:
            continue
    return found


def calibration_text(calibration: Mapping[str, ServoCalibration]) -> str:
    """The file's text, byte for byte as LeRobot writes it."""
    return json.dumps({name: msgspec.to_builtins(s) for name, s in calibration.items()}, indent=4)


def save_calibration(path: Path, calibration: Mapping[str, ServoCalibration]) -> None:
    """Write LeRobot's file at once or not at all."""
    for joint, servo in calibration.items():
        _check(path, joint, servo)
    _write(path, calibration_text(calibration).encode())


def load_beside(path: Path) -> Beside | None:
    """Our file beside a calibration; None when there is none. Raises CalibrationError."""
    ours = beside(path)
    try:
        return msgspec.json.decode(ours.read_bytes(), type=Beside)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CalibrationError(f"{ours}: {error}") from None


def save_beside(path: Path, known: Beside) -> None:
    _write(beside(path), msgspec.json.format(msgspec.json.encode(known), indent=2))


def lerobot_files(name: str, home: Path) -> list[Path]:
    """Where LeRobot may have put the calibration of an arm, the present place first."""
    robots = home / ".cache/huggingface/lerobot/calibration/robots"
    kinds = ("so_follower", "so101_follower", "so100_follower")
    return [robots / kind / f"{name}.json" for kind in kinds]


def _check(path: Path, joint: str, servo: ServoCalibration) -> None:
    def require(good: bool, problem: str) -> None:
        if not good:
            raise CalibrationError(f"{path}: {joint}: {problem}")

    require(
        abs(servo.homing_offset) <= LARGEST_OFFSET,
        f"homing_offset {servo.homing_offset} is beyond ±{LARGEST_OFFSET}: the arm was not in its "
        "middle, or the servo counts several turns (phase bit 4)",
    )
    require(
        0 <= servo.range_min < servo.range_max <= LARGEST_TICK,
        f"range {servo.range_min} to {servo.range_max} is not within 0 to {LARGEST_TICK}",
    )
    require(0 <= servo.id <= 253, f"id {servo.id} is not 0 to 253")
    require(servo.drive_mode in (0, 1), f"drive_mode {servo.drive_mode} is not 0 or 1")


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(path.suffix + ".new")
    with new.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    new.replace(path)
