"""What programs ask for that cannot be: a typed status each, nothing moves, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import drivers
from aspire_tui.environment import reset
from aspire_tui.environment.draw import draw
from aspire_tui.environment.people import Heard
from aspire_tui.environment.primitives import ALL
from aspire_tui.environment.primitives.registry import catalogue
from aspire_tui.environment.task_file import find_task
from aspire_tui.rollout.journal import MemoryJournal
from aspire_tui.rollout.station import Station
from drivers.cellfile import load_cell
from drivers.sim.cell import SimCell
from drivers.types import ArmSample, CellStatus

CELL = Path(drivers.__path__[0]) / "cells" / "yam.toml"
NAMES = catalogue(ALL, "capx", "")
DOWN = (0.0, 0.0, 1.0, 0.0)


@pytest.fixture(scope="module")
def station() -> Station:
    cell = SimCell(load_cell(CELL), noise=False)
    return Station.on(cell, cell.stand_in)


@pytest.fixture
def bench(station: Station) -> Any:
    task = find_task("cube_lift")
    station.stand_in.reset_scene(draw(task, 3, 1, 0.0)[1])
    made = station.workbench(task, 3, MemoryJournal())
    made.forget()
    return made


@pytest.mark.parametrize(
    ("name", "given", "status", "words"),
    [
        ("goto_pose", {"position": (0.58, 0.38, 0.45)}, "IK_FAILED", "cannot be reached"),
        ("goto_pose", {"position": (1.4, 0.0, 0.2)}, "LIMIT", "outside the workspace"),
        # Behind the camera, which stands at x = 0.82.
        ("goto_pose", {"position": (1.2, 0.2, 0.6)}, "LIMIT", "x = 1.200"),
        ("goto_pose", {"position": (0.3, 0.0, -0.03)}, "LIMIT", "z = -0.030"),
        ("goto_pose", {"position": (0.3, 0.0, 0.001)}, "COLLISION", "table"),
        ("goto_pose", {"position": (np.nan, 0.0, 0.2)}, "INVALID", "NaN"),
        ("goto_pose", {"position": (0.3, 0.0, np.inf)}, "INVALID", "infinity"),
        ("goto_pose", {"position": "there"}, "INVALID", "not an array"),
        ("move_to_joints", {"joints": np.full(6, 9.0)}, "LIMIT", "outside"),
        ("move_to_joints", {"joints": np.full(6, np.nan)}, "INVALID", "NaN"),
        ("set_gripper", {"width_m": 0.29}, "LIMIT", "outside"),
        ("get_object_pose", {"object_name": "zeppelin"}, "NOT_FOUND", "no word"),
        ("get_object_pose", {"object_name": "orange ball"}, "NOT_FOUND", "orange ball"),
        ("get_object_pose", {"object_name": "roter Würfel"}, "NOT_FOUND", "no word"),
        ("get_object_pose", {"object_name": "红色方块"}, "NOT_FOUND", "no word"),
        ("get_object_pose", {"object_name": "   "}, "INVALID", "empty"),
        ("vlm_query", {"text": "?", "reasoning_effort": np.ones(3)}, "INVALID", "expected one of"),
        ("get_object_pose", {"object_name": "red cube", "camera": "attic"}, "INVALID", "attic"),
    ],
)
def test_what_cannot_be_is_typed_and_moves_nothing(
    bench: Any, name: str, given: dict[str, Any], status: str, words: str
) -> None:
    if name == "goto_pose":
        given = {"quaternion_wxyz": DOWN, **given}
    before = bench.sample()
    outcome = NAMES[name].invoke(bench, given)
    assert (outcome.status, words in outcome.summary) == (status, True), outcome.summary
    assert "\n" not in outcome.summary
    assert np.allclose(bench.sample().q_rad, before.q_rad, atol=1e-4)


def test_an_empty_mask_holds_no_grasp(bench: Any) -> None:
    view = bench.look("scene")
    for mask in (np.zeros(view.rgb.shape[:2], bool), np.zeros((3, 3), bool)):
        given = {"depth": view.depth_m, "intrinsics": view.K, "segmentation": mask}
        outcome = NAMES["plan_grasp"].invoke(bench, given)
        assert outcome.raises and outcome.status in ("NOT_FOUND", "INVALID"), outcome.summary


class Pressing:
    """A cell whose fingers press on something nobody put there, such as a cable."""

    def __init__(self, cell: Any) -> None:
        self._cell = cell
        self.info = cell.info
        self.moved: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name in ("execute", "grip"):
            self.moved.append(name)
        return getattr(self._cell, name)

    def status(self) -> CellStatus:
        now: CellStatus = self._cell.status()
        arm: ArmSample = now.arms[0]
        caught = msgspec.structs.replace(arm, grip_force_N=6.0, width_m=0.006)
        return msgspec.structs.replace(now, arms=(caught,))


def test_a_cable_caught_in_the_gripper_stops_the_reset_and_nothing_moves(station: Station) -> None:
    pressing = Pressing(station.cell)
    caught = Station.on(pressing, station.stand_in)  # type: ignore[arg-type]
    task = find_task("cube_lift")
    bench = caught.workbench(task, 3, MemoryJournal())
    verdict, _ = reset.reset(task, 3, bench, station.stand_in, 1)
    assert verdict.outcome == "unsafe_held_object", verdict
    assert "nothing was moved" in verdict.reason
    assert pressing.moved == []


class Person:
    def __init__(self, act: Any) -> None:
        self.act, self.heard = act, ""

    def ask(self, text: str) -> Heard:
        self.heard = text
        self.act()
        return Heard("OK", "clear")


class _Shut:
    def reset_scene(self, spec: object) -> str:
        raise AssertionError("the simulator was used")


def test_a_thing_pushed_off_the_table_is_asked_for_and_the_reset_says_when_it_cannot(
    station: Station,
) -> None:
    task = find_task("cube_stack+reset-arm")
    spec = draw(task, 4, 1, 0.0)[1]
    things = tuple(
        msgspec.structs.replace(o, xyz_m=(0.9, 1.2, -0.4)) if o.name == "red cube" else o
        for o in spec.objects
    )
    station.stand_in.reset_scene(msgspec.structs.replace(spec, objects=things))
    bench = station.workbench(task, 4, MemoryJournal())
    assert NAMES["get_object_pose"].invoke(bench, {"object_name": "red cube"}).status == "NOT_FOUND"
    alone, _ = reset.reset(task, 4, bench, _Shut(), 1)
    assert alone.outcome == "failed" and "red cube" in alone.reason, alone.reason
    person = Person(lambda: station.stand_in.reset_scene(spec))
    bench.operator = person
    mended, _ = reset.reset(task, 4, bench, _Shut(), 1)
    assert "red cube" in person.heard
    assert mended.outcome == "ok", mended.reason
