from __future__ import annotations

from pathlib import Path

import pytest

import drivers
from aspire_tui.environment.perception.objects import NotFound, ObjectEstimate, locate
from aspire_tui.environment.perception.whereabouts import Where, where
from aspire_tui.environment.task_file import find_task
from aspire_tui.rollout.journal import MemoryJournal
from aspire_tui.rollout.station import Station
from drivers.cellfile import load_cell
from drivers.sim.cell import SimCell
from drivers.sim.scene import SceneObject, SceneSpec


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("red cube", None),
        ("small red cube", None),
        ("red cube left of the green box", Where("red cube", "left of", "green box")),
        ("can to the right of a blue cube", Where("can", "right of", "blue cube")),
        ("green can in the blue drawer", Where("green can", "in", "blue drawer")),
        ("red cube in front of green box", Where("red cube", "in front of", "green box")),
    ],
)
def test_words_of_place(text: str, means: Where | None) -> None:
    assert where(text) == means


def test_of_two_alike_the_one_that_stands_so_is_found() -> None:
    def cube(name: str, rgb: tuple[float, float, float], y: float) -> SceneObject:
        return SceneObject(name, "box", (0.05, 0.05, 0.05), rgb, 0.08, (0.34, y, 0.025))

    cell = SimCell(load_cell(Path(drivers.__path__[0]) / "cells" / "yam.toml"), noise=False)
    red = (0.78, 0.12, 0.10)
    things = (cube("a", red, 0.12), cube("b", red, -0.12), cube("g", (0.1, 0.58, 0.18), 0.0))
    cell.stand_in.reset_scene(SceneSpec(objects=things))
    station = Station.on(cell, cell.stand_in)
    bench = station.workbench(find_task("cube_lift"), 0, MemoryJournal())
    view = bench.look("scene")

    def y_of(prompt: str) -> float:
        found = locate([view], prompt, table_z_m=0.0)
        assert isinstance(found, ObjectEstimate), found
        return float(found.position[1])

    assert y_of("red cube left of the green cube") == pytest.approx(0.12, abs=0.01)
    assert y_of("red cube to the right of the green cube") == pytest.approx(-0.12, abs=0.01)
    nothing = locate([view], "red cube behind the green cube", table_z_m=0.0)
    assert isinstance(nothing, NotFound) and "behind" in nothing.reason
    nobody = locate([view], "red cube left of the blue cube", table_z_m=0.0)
    assert isinstance(nobody, NotFound) and "blue cube" in nobody.reason
