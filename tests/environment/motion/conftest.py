from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from ideal_cell import IdealCell, yam_cell

from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.motion.kinematics import Kinematics
from drivers.types import ArmSpec


@pytest.fixture(scope="session")
def arm() -> ArmSpec:
    return yam_cell().arms[0]


@pytest.fixture(scope="session")
def kinematics(arm: ArmSpec) -> Kinematics:
    return Kinematics(arm)


@pytest.fixture
def cell(kinematics: Kinematics) -> IdealCell:
    return IdealCell(kinematics)


@pytest.fixture
def bench(cell: IdealCell, kinematics: Kinematics) -> Workbench:
    return Workbench(
        cell=cell,
        arm=cell.info.arms[0],
        kinematics=kinematics,
        task_language="test",
        rng=np.random.default_rng(0),
    )
