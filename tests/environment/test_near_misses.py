"""Ends that verifiers are checked on: of every kind, on both sides of a limit, of two arms too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import drivers
from aspire_tui.environment.draw import draw
from aspire_tui.environment.near_end import NEAR_M
from aspire_tui.environment.near_misses import KINDS, MAKERS, end_of
from aspire_tui.environment.reset import verify_reset
from aspire_tui.environment.task_file import find_task, task_names
from aspire_tui.environment.verify import verify
from aspire_tui.rollout.journal import MemoryJournal
from aspire_tui.rollout.station import Station
from drivers.cellfile import load_cell
from drivers.sim.cell import SimCell

CELL = Path(drivers.__path__[0]) / "cells" / "yam.toml"

WITHOUT = {"carried", "operator_says"}
"""Relations whose ends nobody can set yet."""


@pytest.mark.parametrize("name", task_names())
def test_every_task_has_ends_of_every_kind(name: str) -> None:
    task = find_task(name)
    if any(r.relation in WITHOUT for r in task.goal):
        return
    assert all(r.relation in MAKERS for r in task.goal)
    for seed, kind in enumerate(KINDS):
        placed, spec = draw(task, seed, 1, 0.0)
        end = end_of(task, placed, spec, kind, np.random.default_rng(seed))
        assert {o.name for o in end.spec.objects} == {o.name for o in spec.objects}


def test_two_hands_one_hand_and_the_wrong_hand() -> None:
    for name, right in (("two_arm_lift", (0, 1)), ("two_arm_handover", (1,))):
        task = find_task(name)
        placed, spec = draw(task, 1, 1, 0.0)
        least = task.goal[0].value_m
        assert least is not None
        for seed in range(40):
            rng = np.random.default_rng(seed)
            good = end_of(task, placed, spec, "good", rng)
            assert good.arms == right and good.height_m > least + NEAR_M
            near = end_of(task, placed, spec, "near", rng)
            assert near.arms == right and abs(near.height_m - least) <= NEAR_M
        bad = [end_of(task, placed, spec, "bad", np.random.default_rng(k)) for k in range(40)]
        assert any(e.held and e.arms == (0,) and e.height_m > least for e in bad)
        assert any(e.arms == right and 0 < e.height_m < least - NEAR_M for e in bad)
        assert any(not e.held for e in bad)


def test_a_can_in_a_drawer_that_stands_across_the_table_is_seen_inside() -> None:
    cell = SimCell(load_cell(CELL), noise=False)
    station = Station.on(cell, cell.stand_in)
    task = find_task("tidy")
    bench = station.workbench(task, 7, MemoryJournal())
    placed, spec = draw(task, 7, 1, 0.0)
    station.stand_in.reset_scene(spec)
    bench.forget()
    assert verify_reset(task, placed, bench, 1).outcome == "ok"
    marks = bench.marks
    end = end_of(task, placed, spec, "good", np.random.default_rng(7))
    station.stand_in.reset_scene(end.spec)
    bench.forget()
    bench.marks = marks
    verdict = verify(task, bench)
    assert verdict.outcome == "PASS", verdict.reason
