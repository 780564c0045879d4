"""Resets without the simulator's powers: by the arm, or by a person who has to say clear."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import drivers
from aspire_tui.environment import reset
from aspire_tui.environment.draw import Placed, draw
from aspire_tui.environment.guidance import Residual, residuals
from aspire_tui.environment.people import Heard
from aspire_tui.environment.task_file import find_task
from aspire_tui.rollout.journal import MemoryJournal
from aspire_tui.rollout.station import Station
from drivers.cellfile import load_cell
from drivers.sim.cell import SimCell

CELL = Path(drivers.__path__[0]) / "cells" / "yam.toml"


class Closed:
    """A stand-in whose socket is shut."""

    def reset_scene(self, spec: object) -> str:
        raise AssertionError("the scene was set by the simulator")


class Person:
    def __init__(self, answer: str, act=lambda: None) -> None:  # type: ignore[no-untyped-def]
        self.answer, self.act, self.heard = answer, act, ""

    def ask(self, text: str) -> Heard:
        self.heard = text
        self.act()
        return Heard("OK", self.answer)


@pytest.fixture(scope="module")
def station() -> Station:
    cell = SimCell(load_cell(CELL), noise=False)
    return Station.on(cell, cell.stand_in)


def laid_out(station: Station, seed: int) -> None:
    spec = draw(find_task("can_lift"), seed, 1, 0.0)[1]
    station.stand_in.reset_scene(spec)


def test_the_arm_itself_brings_a_can_to_where_the_seed_wants_it(station: Station) -> None:
    laid_out(station, 1)
    task = find_task("can_lift+reset-arm")
    bench = station.workbench(task, 5, MemoryJournal())
    before = station.stand_in.truth().objects["red can"].xyz_m
    verdict, _ = reset.reset(task, 5, bench, Closed(), 1)
    after = station.stand_in.truth().objects["red can"].xyz_m
    want = next(p for p in draw(task, 5, 1, 0.0)[0]).xyz_m
    assert verdict.outcome == "ok", verdict.reason
    assert np.hypot(after[0] - want[0], after[1] - want[1]) < 0.03
    assert np.hypot(after[0] - before[0], after[1] - before[1]) > 0.03


def test_a_person_is_told_what_to_move_and_proved_by_the_cameras(station: Station) -> None:
    laid_out(station, 1)
    task = find_task("can_lift+reset-operator")
    bench = station.workbench(task, 5, MemoryJournal())
    spec = draw(task, 5, 1, 0.0)[1]
    bench.operator = Person("clear", lambda: station.stand_in.reset_scene(spec))
    verdict, _ = reset.reset(task, 5, bench, Closed(), 1)
    assert "red can" in bench.operator.heard and " mm " in bench.operator.heard
    assert verdict.outcome == "ok", verdict.reason


@pytest.mark.parametrize("answer", ["ok", "yes", ""])
def test_without_the_word_clear_nothing_moves(station: Station, answer: str) -> None:
    laid_out(station, 1)
    task = find_task("can_lift+reset-operator")
    bench = station.workbench(task, 5, MemoryJournal())
    bench.operator = Person(answer)
    before = bench.joints()
    verdict, _ = reset.reset(task, 5, bench, Closed(), 1)
    assert verdict.outcome == "failed" and "not declared clear" in verdict.reason
    assert np.allclose(bench.joints(), before, atol=1e-3)


def test_what_was_not_moved_fails_the_reset_whatever_was_said(station: Station) -> None:
    laid_out(station, 1)
    task = find_task("can_lift+reset-operator")
    bench = station.workbench(task, 5, MemoryJournal())
    bench.operator = Person("clear")
    verdict, _ = reset.reset(task, 5, bench, Closed(), 1)
    assert verdict.outcome == "failed" and "in place" in verdict.reason


def test_guidance_says_how_far_and_which_way() -> None:
    words = Residual("red cube", ahead_m=-0.002, left_m=0.012, turn_rad=-0.14).words()
    assert words == "red cube: 12 mm left, 8° clockwise"
    assert Residual("red cube", 0.001, 0.001, 0.01).words() == "red cube: in place"
    assert "not seen" in Residual("red cube").words()


def test_the_residual_of_a_scene_that_is_as_drawn_is_nothing(station: Station) -> None:
    task = find_task("cube_stack")
    placed, spec = draw(task, 3, 1, 0.0)
    station.stand_in.reset_scene(spec)
    bench = station.workbench(task, 3, MemoryJournal())
    moved = [
        Placed(p.thing, (p.xyz_m[0], p.xyz_m[1] + 0.02, p.xyz_m[2]), p.yaw_rad) for p in placed
    ]
    view = bench.look("scene")
    assert all((r.off_m or 0.0) < 0.004 for r in residuals(view, placed, 0.0))
    assert all("20 mm left" in r.words() or "19 mm" in r.words() or "21 mm" in r.words()
               for r in residuals(view, moved, 0.0))  # fmt: skip
