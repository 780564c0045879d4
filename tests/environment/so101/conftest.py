from __future__ import annotations

from pathlib import Path

import pytest

import drivers
from aspire_tui.environment.motion.kinematics import Kinematics
from drivers.cellfile import CellFile, load_cell
from drivers.sim.cell import SimCell
from drivers.types import ArmSpec

CELLS = Path(drivers.__file__).parent / "cells"


@pytest.fixture(scope="package")
def so101() -> CellFile:
    return load_cell(CELLS / "so101.toml")


@pytest.fixture(scope="package")
def arm(so101: CellFile) -> ArmSpec:
    return so101.info.arms[0]


@pytest.fixture(scope="package")
def kinematics(arm: ArmSpec) -> Kinematics:
    return Kinematics(arm)


@pytest.fixture(scope="package")
def sim(so101: CellFile) -> SimCell:
    return SimCell(so101)
