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

CELL = Path(drivers.__file__).parent / "cells" / "yam-bimanual.toml"
RED, GREEN = (0.78, 0.12, 0.1), (0.1, 0.58, 0.18)

Call = Callable[..., PrimitiveOutcome]


def cube(name: str, rgb: tuple[float, float, float], x_m: float, y_m: float) -> SceneObject:
    return SceneObject(name, "box", (0.05, 0.05, 0.05), rgb, 0.08, (x_m, y_m, 0.025))


@pytest.fixture(scope="module")
def sim() -> SimCell:
    return SimCell(load_cell(CELL))


@pytest.fixture(scope="module")
def kinematics(sim: SimCell) -> list[Kinematics]:
    return [Kinematics(arm) for arm in sim.info.arms]


@pytest.fixture
def bench(sim: SimCell, kinematics: list[Kinematics]) -> Workbench:
    """Both arms' benches over two cubes, one before each arm."""
    things = (cube("red cube", RED, 0.34, 0.2), cube("green cube", GREEN, 0.34, -0.2))
    sim.stand_in.reset_scene(SceneSpec(things, noise_seed=1))
    rng = np.random.default_rng(0)
    return Workbench.joined([Workbench(sim, k.arm, k, "test", rng) for k in kinematics])


@pytest.fixture
def call(bench: Workbench, sim: SimCell) -> Call:
    names = catalogue(ALL, "capx", "", embodiment_of(sim.info))

    def invoke(name: str, /, **arguments: object) -> PrimitiveOutcome:
        return names[name].invoke(bench, arguments)

    return invoke
