"""The start of a recorded trial, asked for again with guidance, its residual recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aspire_tui.environment import reset
from aspire_tui.environment.draw import draw
from aspire_tui.environment.people import Heard
from aspire_tui.environment.task_file import find_task
from aspire_tui.rollout.journal import MemoryJournal
from aspire_tui.rollout.station import Station
from drivers.cellfile import find_cell, load_cell
from drivers.sim.cell import SimCell
from tests.e2e.conftest import Bench

CELLS = Path(__file__).parents[2] / "drivers" / "cells"


class Shut:
    def reset_scene(self, spec: object) -> str:
        raise AssertionError("the simulator was used")


class Person:
    """Does what is asked the second time only."""

    def __init__(self, act) -> None:  # type: ignore[no-untyped-def]
        self.act, self.heard = act, []

    def ask(self, text: str) -> Heard:
        self.heard.append(text)
        if len(self.heard) > 1:
            self.act()
        return Heard("OK", "clear")


@pytest.mark.long
def test_a_start_is_recalled_and_what_is_left_of_it_is_recorded(bench: Bench) -> None:
    ran = bench.run(
        *("exec", bench.program("wait(0.1)\n"), "--task", "cube_stack", "--seed", "4"),
        *("--noise-off", "--json"),
    )
    session = ran.json["session"]
    made = bench.run("tasks", "recall", session, "1", "again", "--json")
    assert made.code == 0, made.err
    places = {r["name"]: r for r in json.loads(made.out)["recalled"]}
    placed, spec = draw(find_task("cube_stack"), 4, 1, 0.0)
    for p in placed:
        x, y, _ = places[p.thing.name]["xyz_m"]
        assert abs(x - p.xyz_m[0]) < 0.004 and abs(y - p.xyz_m[1]) < 0.004
    assert bench.run("tasks", "check", "again").code == 0
    twice = bench.run("tasks", "recall", session, "1", "again")
    assert twice.code == 2 and "already" in twice.err
    assert bench.run("tasks", "recall", session, "9", "other").code == 2

    # Another scene stands on the bench: a person is told what to move and by how much.
    task = find_task("again", [bench.home / "tasks"])
    cell = SimCell(load_cell(find_cell("yam", [CELLS])), noise=False)
    station = Station.on(cell, cell.stand_in)
    station.stand_in.reset_scene(draw(find_task("cube_stack"), 9, 1, 0.0)[1])
    work = station.workbench(task, 0, MemoryJournal())
    person = Person(lambda: station.stand_in.reset_scene(spec))
    work.operator = person
    first, _ = reset.reset(task, 0, work, Shut(), 1)
    assert first.outcome == "failed"
    assert "red cube:" in person.heard[0] and " mm " in person.heard[0]
    left = {c.name: c for c in first.checks if c.name.endswith("residual")}
    assert left["red cube residual"].value > 0.03 and " mm " in left["red cube residual"].why
    second, _ = reset.reset(task, 0, work, Shut(), 2)
    assert second.outcome == "ok", second.reason
    left = {c.name: c for c in second.checks if c.name.endswith("residual")}
    assert set(left) == {"red cube residual", "green cube residual"}
    assert all(c.value < 0.005 for c in left.values())
