"""What was measured of an arm is what its cell uses, with who and when."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from sts_process import hardware_cell, so101

from drivers.cellfile import load_cell
from drivers.feetech.calibration import (
    Beside,
    JointMeasured,
    ServoCalibration,
    beside,
    save_beside,
    save_calibration,
)
from drivers.feetech.measured import provenance
from drivers.feetech.measuring import sag_rad_per_Nm

NOW = datetime.datetime(2026, 3, 2, tzinfo=datetime.UTC)


def measured(folder: Path, tolerance_rad: float, sag: float | None) -> Path:
    cell = hardware_cell(folder, "/dev/null")
    names = [*(joint.name for joint in so101().joints), "gripper"]
    rows = {name: ServoCalibration(n, 0, 0, 0, 4095) for n, name in enumerate(names, 1)}
    save_calibration(folder / "arm.json", rows)
    one = {"shoulder_lift": JointMeasured(0.02, 0.01, 0.05, sag)}
    save_beside(
        folder / "arm.json", Beside({}, one, tolerance_rad, "2026-03-01T00:00:00+00:00", "ann")
    )
    return cell


def test_a_cell_takes_what_was_measured_and_keeps_the_rest_of_its_file(tmp_path: Path) -> None:
    filed = so101()
    arm = load_cell(measured(tmp_path, 0.4, 0.031)).info.arms[0]
    assert arm.arrival_tolerance_rad == 0.4
    assert arm.sag_rad_per_Nm[1] == 0.031
    assert arm.sag_rad_per_Nm[2:] == filed.sag_rad_per_Nm[2:]
    narrower = load_cell(measured(tmp_path, 0.0001, None)).info.arms[0]
    assert narrower.arrival_tolerance_rad == filed.arrival_tolerance_rad
    assert narrower.sag_rad_per_Nm == filed.sag_rad_per_Nm
    beside(tmp_path / "arm.json").write_text("no JSON")
    assert load_cell(tmp_path / "bench-so101.toml").info.arms[0] == filed


def test_who_measured_and_how_long_ago_is_told_and_old_is_a_warning() -> None:
    one = {"shoulder_lift": JointMeasured(0.02, 0.01, 0.05)}
    fresh = provenance("arm", "c", Beside({}, one, 0.03, "2026-03-01T00:00:00+00:00", "ann"), NOW)
    assert fresh is not None and (fresh.code, fresh.severity) == ("arrival_measured", "info")
    assert "by ann on 2026-03-01, 1 days ago" in fresh.seen and "0.03 rad" in fresh.seen
    old = provenance("arm", "c", Beside({}, one, 0.03, "2025-03-01T00:00:00+00:00", "ann"), NOW)
    assert old is not None and old.severity == "warn"
    assert provenance("arm", "c", Beside(), NOW) is None


def test_sag_is_told_only_where_weight_outdoes_stiction() -> None:
    assert sag_rad_per_Nm([(0.0167, 1.0), (0.0334, 2.0)]) == pytest.approx(0.0167)
    assert sag_rad_per_Nm([(0.01, 0.1), (0.02, 1.0)]) is None
    assert sag_rad_per_Nm([]) is None
