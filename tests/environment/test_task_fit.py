"""A task that is not refused on a smaller bench can be set there; one that is, is told why."""

from __future__ import annotations

from pathlib import Path

import pytest

import drivers
from aspire_tui.commands.jobs import make_job
from aspire_tui.config import Workspace
from aspire_tui.domain import Budget, RunSpec
from aspire_tui.environment.draw import draw
from aspire_tui.environment.task_file import find_task, task_names
from aspire_tui.environment.task_fit import fit, misfit
from aspire_tui.errors import ConfigError
from drivers.cellfile import load_cell
from drivers.sim.cell import SimCell

SO101 = load_cell(Path(drivers.__path__[0]) / "cells" / "so101.toml")


@pytest.mark.parametrize("name", task_names())
def test_what_is_not_refused_can_be_set(name: str) -> None:
    area = SO101.info.task_area
    task = find_task(name)
    if misfit(task, area):
        return
    assert area is not None
    _, spec = draw(fit(task, area), 1, 1, 0.0)
    assert max(max(thing.size_m) for thing in spec.objects) <= area.longest_side_m + 1e-9
    SimCell(SO101, noise=False).stand_in.reset_scene(spec)


def test_things_that_cannot_be_smaller_are_told_before_anything_starts(tmp_path: Path) -> None:
    spec = RunSpec("run", ("push_t",), "so101", "rules", 1, False, Budget())
    with pytest.raises(ConfigError, match=r"push_t does not fit the cell so101: the blue target"):
        make_job(spec, (find_task("push_t"),), Workspace(tmp_path, "flag", tmp_path))
    assert list(tmp_path.rglob("*.db")) == []
