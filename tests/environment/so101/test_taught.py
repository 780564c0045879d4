"""What a person taught a cell is where a task begins, when the task names it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

import drivers
from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.motion.kinematics import Kinematics
from aspire_tui.environment.reset import reset
from aspire_tui.environment.task import TaskDef
from aspire_tui.environment.task_file import find_task
from aspire_tui.environment.task_fit import fit
from drivers.cellfile import load_cell
from drivers.sim.cell import SimCell

CELL = Path(drivers.__file__).parent / "cells" / "so101.toml"
BEGIN = (0.3, -1.3, 0.6, 1.5, 1.2)
TAUGHT = f"""
[taught.tray]
kind = "region"
arm = "arm"
at = "2026-05-01T10:00:00+00:00"
who = "ann"
points_m = [[0.20, 0.10, 0.0], [0.25, 0.02, 0.01]]

[taught.over-tray]
kind = "start"
arm = "arm"
at = "2026-05-01T10:00:00+00:00"
who = "ann"
q_rad = {list(BEGIN)}
"""


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> SimCell:
    file = tmp_path_factory.mktemp("cell") / "so101.toml"
    file.write_text(CELL.read_text() + TAUGHT)
    return SimCell(load_cell(file))


def starting(cell: SimCell, **start: str) -> TaskDef:
    what = fit(find_task("cube_lift"), cell.info.task_area)
    return msgspec.structs.replace(what, start=msgspec.structs.replace(what.start, **start))


def workbench(cell: SimCell) -> Workbench:
    arm = cell.info.arms[0]
    return Workbench(cell, arm, Kinematics(arm), "lift", np.random.default_rng(1))


def test_things_lie_in_the_taught_region_and_the_arm_begins_where_it_was_shown(
    cell: SimCell,
) -> None:
    for seed in (1, 2):
        what = starting(cell, region="tray", pose="over-tray")
        verdict, _ = reset(what, seed, workbench(cell), cell.stand_in, 1)
        assert verdict.outcome == "ok", verdict.reason
        x, y, _ = cell.stand_in.truth().objects["red cube"].xyz_m
        assert 0.198 < x < 0.252 and 0.018 < y < 0.102
        assert workbench(cell).sample().q_rad == pytest.approx(BEGIN, abs=0.03)


@pytest.mark.parametrize(
    ("start", "said"),
    [({"region": "shelf"}, "cell teach so101 region:shelf"), ({"pose": "up"}, "start 'up'")],
)
def test_what_was_not_taught_is_asked_for_and_nothing_is_set(
    cell: SimCell, start: dict[str, str], said: str
) -> None:
    verdict, scene = reset(starting(cell, **start), 1, workbench(cell), cell.stand_in, 1)
    assert verdict.outcome == "failed" and said in verdict.reason and scene == ""
