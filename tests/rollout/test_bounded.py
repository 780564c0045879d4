"""Within a grant a trajectory stays in the box, as a whole, or nothing moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
import pytest

from aspire_tui.environment.motion.kinematics import Kinematics
from aspire_tui.rollout.bounded import BoundedCell, Box
from drivers.cellfile import load_cell
from drivers.types import ArmSample, CellInfo, CellStatus, MotionReport, Trajectory

INFO = load_cell(Path(__file__).parents[2] / "drivers" / "cells" / "yam.toml").info
ARM = INFO.arms[0]
HOME = np.array(ARM.home_rad)


@pytest.fixture(scope="module")
def kinematics() -> Kinematics:
    return Kinematics(ARM)


@dataclass
class Recording:
    """A cell that only remembers what it was told to move."""

    moved: list[Trajectory] = field(default_factory=list)
    info: CellInfo = INFO

    def execute(self, arm: str, trajectory: Trajectory) -> MotionReport:
        self.moved.append(trajectory)
        q = tuple(trajectory.q_rad[-1])
        return MotionReport("OK", "", q, q, 0.0, 0.0, 1.0)

    def status(self) -> CellStatus:
        q = tuple(ARM.home_rad)
        sample = ArmSample(0.0, q, (0.0,) * len(q), q, 0.05, 0.05, 0.0)
        samples = (sample,) * len(self.info.arms)
        return CellStatus(0.0, "HOLD", None, "", "", 0.0, "released", 1.0, None, samples)


def to(*knots: np.ndarray) -> Trajectory:  # type: ignore[type-arg]
    q = np.array(knots)
    return Trajectory(np.arange(len(q), dtype=float), q, np.zeros_like(q))


def box_around(kinematics: Kinematics, reach_m: float) -> Box:
    x, y, z = kinematics.tool_pose(HOME)[:3, 3]
    return Box((x - reach_m, y - reach_m, z - reach_m), (x + reach_m, y + reach_m, z + reach_m))


def turned(rad: float) -> np.ndarray:  # type: ignore[type-arg]
    return HOME + np.array([rad, *[0.0] * (len(HOME) - 1)])


def test_without_a_grant_everything_goes_to_the_cell(kinematics: Kinematics) -> None:
    cell = Recording()
    BoundedCell(cell, kinematics).execute("arm", to(HOME, turned(1.0)))  # type: ignore[arg-type]
    assert len(cell.moved) == 1


def test_a_path_that_leaves_the_box_on_its_way_does_not_begin(kinematics: Kinematics) -> None:
    cell = Recording()
    bounded = BoundedCell(cell, kinematics)  # type: ignore[arg-type]
    bounded.box = box_around(kinematics, 0.05)
    assert bounded.execute("arm", to(HOME, turned(0.02))).status == "OK"
    # It ends where it began: only its middle is outside.
    report = bounded.execute("arm", to(HOME, turned(0.8), HOME))
    assert report.status == "LIMIT" and "outside the box" in report.detail
    assert len(cell.moved) == 1


def test_a_tool_that_stands_outside_may_only_come_in(kinematics: Kinematics) -> None:
    cell = Recording()
    bounded = BoundedCell(cell, kinematics)  # type: ignore[arg-type]
    bounded.box = box_around(kinematics, 0.05)
    assert bounded.execute("arm", to(turned(0.6), HOME)).status == "OK"
    assert bounded.execute("arm", to(turned(0.6), turned(0.9))).status == "LIMIT"


def test_the_box_bounds_every_arm_by_its_own_geometry(kinematics: Kinematics) -> None:
    """The second arm stands 0.5 m beside the first: the same joints, another place."""
    beside = msgspec.structs.replace(ARM, name="other", base_xyz_m=(0.0, 0.5, 0.0))
    cell = Recording(info=msgspec.structs.replace(INFO, arms=(ARM, beside)))
    other = Kinematics(beside)
    bounded = BoundedCell(cell, kinematics, other)  # type: ignore[arg-type]
    bounded.box = box_around(kinematics, 0.05)
    way_out = to(HOME, turned(0.8))
    assert bounded.execute("arm", way_out).status == "LIMIT"
    x, y, z = other.tool_pose(HOME)[:3, 3]
    bounded.box = Box((x - 0.05, y - 0.05, z - 0.05), (x + 0.05, y + 0.05, z + 0.05))
    report = bounded.execute("other", way_out)
    assert report.status == "LIMIT" and "the tool of other" in report.detail
    assert bounded.execute("other", to(HOME, turned(0.02))).status == "OK"
    assert len(cell.moved) == 1
