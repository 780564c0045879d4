"""A camera that was knocked and a lamp that went out are found by the canary, and named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from aspire_tui.rollout.bulk import WorkerSpec
from aspire_tui.rollout.canary import (
    SEEDS,
    SMALL,
    CanaryReport,
    compare,
    identity_of,
    in_words,
    run_canary,
    shift_px,
)
from drivers.sim.noise import CellNoise, PoseError

CELL = Path(__file__).parents[2] / "drivers" / "cells" / "yam.toml"
SPEC = WorkerSpec(str(CELL), True, ("A", "A-", "B", "D"), "", "none")


@pytest.fixture(scope="module")
def good() -> CanaryReport:
    return run_canary(SPEC, SEEDS[0])


def failing(now: CanaryReport, good: CanaryReport) -> list[str]:
    return [c.name for c in compare(now, good) if not c.holds]


def test_an_unchanged_world_holds(good: CanaryReport) -> None:
    assert good.outcome == "PASS"
    assert not failing(good, good) and in_words(compare(good, good), good) == ""


def test_a_knocked_camera_is_named(good: CanaryReport, monkeypatch: pytest.MonkeyPatch) -> None:
    calibrated = CellNoise.camera_error

    def knocked(self: CellNoise, camera: str, on_arm: bool) -> PoseError:
        error = calibrated(self, camera, on_arm)
        turned = error.rotvec_rad + np.array([0.0, np.deg2rad(1.0), 0.0])
        return PoseError(error.xyz_m + np.array([0.006, 0.0, 0.0]), turned)

    monkeypatch.setattr(CellNoise, "camera_error", knocked)
    now = run_canary(SPEC, SEEDS[0])
    assert "camera moved" in failing(now, good)
    assert "camera moved" in in_words(compare(now, good), now)


def test_a_dimmed_lamp_is_named(good: CanaryReport, monkeypatch: pytest.MonkeyPatch) -> None:
    gain = CellNoise.colour_gain
    monkeypatch.setattr(CellNoise, "colour_gain", lambda self, camera: 0.7 * gain(self, camera))
    now = run_canary(SPEC, SEEDS[0])
    assert failing(now, good)[-1:] == ["light"] or "light" in failing(now, good)
    assert "camera moved" not in failing(now, good)


def test_a_program_that_no_longer_holds_says_what_failed(good: CanaryReport) -> None:
    worse = CanaryReport("FAIL", "close_gripper EMPTY_GRASP: met", good.seen, "", SEEDS[0], 1.0)
    told = in_words(compare(worse, good), worse)
    assert told == "the known-good program ended FAIL: close_gripper EMPTY_GRASP: met"


def test_a_thing_that_moved_is_no_camera_that_moved() -> None:
    rng = np.random.default_rng(3)
    picture = rng.integers(0, 255, (SMALL[1], SMALL[0]), dtype=np.uint8)
    other = picture.copy()
    other[10:40, 10:40] = picture[20:50, 14:44]
    assert shift_px(picture.tobytes(), other.tobytes()) < 0.5
    assert shift_px(picture.tobytes(), np.roll(picture, 3, axis=1).tobytes()) == pytest.approx(
        3, abs=0.05
    )


def test_another_cell_file_is_another_reference() -> None:
    assert identity_of(b"a", True) != identity_of(b"b", True) != identity_of(b"b", False)


def test_a_cell_that_drives_has_a_canary_of_its_own() -> None:
    cell = str(CELL.with_name("mobile.toml"))
    report = run_canary(WorkerSpec(cell, True, ("A", "A-", "B", "D"), "", "none"), SEEDS[0])
    assert (report.outcome, report.failed) == ("PASS", "")
    assert report.seen is not None and report.seen.camera == "head"
