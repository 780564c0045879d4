"""Every task that ships, reset with the stand-in's socket shut: by a person, proved by cameras."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import drivers
from aspire_tui.domain import ResetVerdict
from aspire_tui.environment import reset
from aspire_tui.environment.draw import draw
from aspire_tui.environment.people import Heard
from aspire_tui.environment.task import TaskDef
from aspire_tui.environment.task_file import find_task, task_names
from aspire_tui.rollout.journal import MemoryJournal
from aspire_tui.rollout.station import Station
from drivers.cellfile import load_cell
from drivers.sim.cell import SimCell
from drivers.sim.scene import SceneSpec

CELLS = Path(drivers.__path__[0]) / "cells"
SEED = 11


class Shut:
    def reset_scene(self, spec: object) -> str:
        raise AssertionError("the scene was set by the simulator")


class Person:
    def __init__(self, act: Callable[[], object]) -> None:
        self.act, self.heard = act, ""

    def ask(self, text: str) -> Heard:
        self.heard = text
        self.act()
        return Heard("OK", "clear")


@cache
def station(cell: str) -> Station:
    made = SimCell(load_cell(CELLS / f"{cell}.toml"), noise=False)
    return Station.on(made, made.stand_in)


def undone(task: TaskDef, spec: SceneSpec) -> SceneSpec:
    """As a trial may have left it: what lies free elsewhere, drawers open, the spill wiped."""
    free = {o.name for o in task.objects if o.hold == "free" and o.rail is None}
    at = {o.name: np.array(o.xyz_m) for o in spec.objects}

    def room(shift: tuple[float, float]) -> float:
        moved = [at[name][:2] + shift for name in free]
        fast = [p[:2] for name, p in at.items() if name not in free]
        return min((float(np.hypot(*(a - b))) for a in moved for b in fast), default=1.0)

    shift = max([(0.0, 0.09), (0.0, -0.09), (0.09, 0.0), (-0.09, 0.0)], key=room)
    things = []
    for o in spec.objects:
        if o.name in free:
            x, y, z = o.xyz_m
            o = msgspec.structs.replace(o, xyz_m=(x + shift[0], y + shift[1], z))
        elif o.slide is not None:
            opened = msgspec.structs.replace(o.slide, at_m=0.8 * o.slide.reach_m)
            o = msgspec.structs.replace(o, slide=opened)
        things.append(o)
    film = spec.film
    if film is not None:
        film = msgspec.structs.replace(film, gone=tuple(range(film.cells)))
    return msgspec.structs.replace(spec, objects=tuple(things), film=film)


def by_a_person(name: str, comes: bool) -> tuple[ResetVerdict, str]:
    task = find_task(f"{name}+reset-operator")
    there = station(task.cells[0] if task.cells else "yam")
    bench = there.workbench(task, SEED, MemoryJournal())
    spec = draw(task, SEED, 1, bench.table_z_m)[1]
    there.stand_in.reset_scene(undone(task, spec))
    for attempt in range(1, (task.start.attempts if comes else 1) + 1):
        wanted = draw(task, SEED, attempt, bench.table_z_m)[1]
        person = Person(lambda w=wanted: there.stand_in.reset_scene(w) if comes else None)
        bench.operator = person
        bench.forget()
        verdict, _ = reset.reset(task, SEED, bench, Shut(), attempt)
        if verdict.outcome == "ok":
            break
    return verdict, person.heard


@pytest.mark.parametrize("name", task_names())
def test_a_person_sets_it_and_the_cameras_prove_it(name: str) -> None:
    verdict, heard = by_a_person(name, comes=True)
    assert verdict.outcome == "ok", verdict.reason
    assert verdict.keyframes and heard


@pytest.mark.parametrize("name", task_names())
def test_saying_that_it_is_set_does_not_make_it_so(name: str) -> None:
    verdict, _ = by_a_person(name, comes=False)
    assert verdict.outcome in ("failed", "unsure"), verdict.reason


class Real:
    """A stand-in that says it is hardware: there is nobody to set a scene but arm and person."""

    def __init__(self, cell: SimCell) -> None:
        self._cell = cell
        self.info = msgspec.structs.replace(cell.info, kind="hardware")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cell, name)


def test_a_real_cell_is_set_by_its_arm_and_by_a_person_when_that_cannot() -> None:
    task = find_task("cube_lift")
    made = SimCell(load_cell(CELLS / "yam.toml"), noise=False)
    there = Station.on(Real(made), made.stand_in)  # type: ignore[arg-type]
    placed, spec = draw(task, SEED, 1, 0.0)
    made.stand_in.reset_scene(undone(task, spec))
    bench = there.workbench(task, SEED, MemoryJournal())
    verdict, _ = reset.reset(task, SEED, bench, Shut(), 1)
    assert verdict.outcome == "ok", verdict.reason
    cube = made.stand_in.truth().objects["red cube"].xyz_m
    assert np.hypot(cube[0] - placed[0].xyz_m[0], cube[1] - placed[0].xyz_m[1]) < 0.03
    # An empty table: nothing an arm could do.
    things = tuple(o for o in spec.objects if o.name != "red cube")
    made.stand_in.reset_scene(msgspec.structs.replace(spec, objects=things))
    bench.forget()
    alone, _ = reset.reset(task, SEED, bench, Shut(), 1)
    assert alone.outcome == "failed" and "red cube" in alone.reason
    person = Person(lambda: made.stand_in.reset_scene(spec))
    bench.operator = person
    mended, _ = reset.reset(task, SEED, bench, Shut(), 1)
    assert mended.outcome == "ok" and "red cube" in person.heard
