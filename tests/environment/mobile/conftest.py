from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import drivers
from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.motion.kinematics import Kinematics
from aspire_tui.environment.outcome import PrimitiveOutcome
from aspire_tui.environment.primitives import ALL
from aspire_tui.environment.primitives.registry import catalogue, embodiment_of
from drivers.cellfile import load_cell
from drivers.sim.cell import SimCell
from drivers.sim.scene import SceneObject, SceneSpec

CELL = Path(drivers.__file__).parent / "cells" / "mobile.toml"
RADIO = SceneObject(
    "orange radio", "box", (0.14, 0.055, 0.09), (0.9, 0.45, 0.08), 0.3, (0.95, 0.1, 0.545), 0.4
)

Call = Callable[..., PrimitiveOutcome]


@pytest.fixture(scope="module")
def sim() -> SimCell:
    return SimCell(load_cell(CELL))


@pytest.fixture(scope="module")
def kinematics(sim: SimCell) -> Kinematics:
    return Kinematics(sim.info.arms[0])


@pytest.fixture
def bench(sim: SimCell, kinematics: Kinematics) -> Workbench:
    sim.stand_in.reset_scene(SceneSpec((RADIO,), noise_seed=3, base_pose=(-0.75, -0.2, 0.0)))
    return Workbench(sim, kinematics.arm, kinematics, "test", np.random.default_rng(0))


@pytest.fixture
def call(bench: Workbench, sim: SimCell) -> Call:
    names = catalogue(ALL, "r1pro", "", embodiment_of(sim.info))

    def invoke(name: str, /, **arguments: object) -> PrimitiveOutcome:
        return names[name].invoke(bench, arguments)

    return invoke
