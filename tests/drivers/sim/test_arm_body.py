"""Where arms would touch, and small shifts of the tool, from the arms' own models."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from scripted import ARM, Kinematics, quintic, yam

import drivers
from drivers.body import TOUCH_MARGIN_M
from drivers.cellfile import load_cell
from drivers.errors import CellRefused
from drivers.sim.arm_body import ArmsBody
from drivers.sim.cell import SimCell

CELLS = Path(drivers.__file__).parent / "cells"
INTO_ITSELF = (0.0, 2.32, 0.76, -1.44, 0.0, 0.0)
"""The YAM bent over so far that a finger is in its column."""


@pytest.mark.parametrize("name", ["yam", "so101"])
def test_an_arm_at_home_touches_nothing(name: str) -> None:
    info = load_cell(CELLS / f"{name}.toml").info
    body = ArmsBody(info)
    assert body.touching({info.arms[0].name: info.arms[0].home_rad}) is None


def test_an_arm_folded_into_itself_is_told_and_not_driven_there() -> None:
    cell = SimCell(yam(), noise=False)
    touch = ArmsBody(cell.info).touching({ARM: INTO_ITSELF})
    assert touch is not None and touch.clearance_m < TOUCH_MARGIN_M and " and " in touch.parts
    wide = msgspec.structs.replace(cell.info.workspace, lo_m=(-1, -1, -1), hi_m=(1, 1, 1))
    cell = SimCell(msgspec.structs.replace(yam().info, workspace=wide), noise=False)
    report = cell.execute(ARM, quintic(cell, np.array(INTO_ITSELF)))
    assert report.status == "LIMIT" and "of each other" in report.detail
    with pytest.raises(CellRefused):
        cell._core.manual.setpoint(ARM, 1, INTO_ITSELF, None, None, 0.5, "test")


def test_two_arms_are_kept_apart() -> None:
    info = yam().info
    left = info.arms[0]
    right = msgspec.structs.replace(left, name="right", base_xyz_m=(0.1, 0.0, 0.0))
    body = ArmsBody(msgspec.structs.replace(info, arms=(left, right), cameras=()))
    touch = body.touching({left.name: left.home_rad, "right": left.home_rad})
    assert touch is not None and "right" in touch.parts


@pytest.mark.parametrize("by_m", [(0.02, 0, 0), (0, -0.03, 0), (0, 0, 0.03)])
def test_a_shift_moves_the_tool_there_and_does_not_turn_it(by_m: tuple[float, ...]) -> None:
    info = yam().info
    start = info.arms[0].home_rad
    q = ArmsBody(info).shifted(ARM, start, by_m)
    assert q is not None
    arm = Kinematics()
    before, after = arm.tool(np.array(start)), arm.tool(np.array(q))
    assert after[:3, 3] - before[:3, 3] == pytest.approx(by_m, abs=1e-3)
    assert after[:3, :3] == pytest.approx(before[:3, :3], abs=0.02)
    assert ArmsBody(info).shifted(ARM, start, (5.0, 0.0, 0.0)) is None
