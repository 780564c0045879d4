"""Things located without depth, from the table's plane and outlines; and what stays unknown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import drivers
from aspire_tui.environment import referee, verify
from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.motion.kinematics import Kinematics
from aspire_tui.environment.perception.objects import NotFound, ObjectEstimate, locate
from aspire_tui.environment.perception.picture import StillPicture
from aspire_tui.environment.perception.without_depth import ONE_VIEW, STANDS
from aspire_tui.environment.primitives import ALL
from aspire_tui.environment.primitives.registry import catalogue
from aspire_tui.environment.reset import reset
from aspire_tui.environment.task_file import find_task
from aspire_tui.environment.task_fit import fit
from drivers.cellfile import load_cell
from drivers.sim.cell import SimCell

ABOVE = {"eye": (0.24, -0.05, 0.38), "at": (0.33, 0.0, 0.0), "camera": "wrist"}
NAMES = catalogue(ALL, "capx", "")


def shot(scene: Any, **how: Any) -> StillPicture:
    """A picture of a camera that measures no depth."""
    seen = scene.render(**how)
    return replace(seen, depth_m=np.zeros_like(seen.depth_m))


@pytest.fixture
def scene(stage: Any) -> Any:
    s = stage()
    s.put("red", (0.33, 0.04), (0.05, 0.05, 0.05), yaw=0.4)
    s.put("green", (0.30, -0.12), (0.08, 0.04, 0.03), yaw=0.2)
    return s


def test_two_views_tell_place_and_size(scene: Any, yaw_off: Any) -> None:
    views = [shot(scene), shot(scene, **ABOVE)]
    red = locate(views, "red cube", table_z_m=0.0)
    assert isinstance(red, ObjectEstimate), red
    assert np.hypot(*(red.position[:2] - (0.33, 0.04))) < 0.003
    assert np.abs(red.extent - 0.05).max() < 0.004
    assert yaw_off(red.yaw_rad, 0.4) < 0.1
    assert set(red.cameras) == {"scene", "wrist"} and STANDS in red.notes
    assert {e.cameras[0]: e.mask.any() for e in red.per_camera} == {"scene": True, "wrist": True}
    green = locate(views, "green box", table_z_m=0.0)
    assert isinstance(green, ObjectEstimate), green
    assert np.abs(np.sort(green.extent) - (0.03, 0.04, 0.08)).max() < 0.008


def test_one_view_says_what_it_guesses(scene: Any) -> None:
    red = locate([shot(scene)], "red cube", table_z_m=0.0)
    assert isinstance(red, ObjectEstimate)
    assert np.hypot(*(red.position[:2] - (0.33, 0.04))) < 0.006
    assert ONE_VIEW in red.notes
    both = locate([shot(scene), shot(scene, **ABOVE)], "red cube", table_z_m=0.0)
    assert isinstance(both, ObjectEstimate) and both.sigma_m < red.sigma_m


def test_what_stands_on_another_thing_is_seen_to_end_above_the_table(stage: Any) -> None:
    scene = stage()
    scene.put("green", (0.33, 0.0), (0.05, 0.05, 0.05))
    scene.put("red", (0.33, 0.0), (0.05, 0.05, 0.05), z=0.075)
    found = locate([shot(scene), shot(scene, **ABOVE)], "red cube", table_z_m=0.0)
    # By two views it is told; by one it could only be taken for something on the table.
    assert isinstance(found, ObjectEstimate), found
    assert abs(found.bottom_z_m - 0.05) < 0.012
    assert any("above the table" in n for n in found.notes)


def test_half_a_thing_is_not_measured(stage: Any) -> None:
    scene = stage()
    scene.put("red", (0.33, 0.0), (0.05, 0.05, 0.05))
    scene.put("blue", (0.377, 0.045), (0.02, 0.06, 0.07), yaw=0.38)
    found = locate([shot(scene)], "red cube", table_z_m=0.0)
    assert isinstance(found, NotFound) and "no camera without depth can tell" in found.reason


def test_words_of_place(scene: Any) -> None:
    scene.put("red", (0.30, -0.20), (0.05, 0.05, 0.05))
    views = [shot(scene), shot(scene, **ABOVE)]
    found = locate(views, "red cube right of the green box", table_z_m=0.0)
    assert isinstance(found, ObjectEstimate), found
    assert abs(found.position[1] + 0.20) < 0.01


def test_a_table_of_nearly_the_same_colour(stage: Any) -> None:
    scene = stage(table_rgb=(0.55, 0.40, 0.36))
    scene.put("red", (0.33, 0.04), (0.05, 0.05, 0.05))
    found = locate([shot(scene)], "red cube", table_z_m=0.0)
    assert isinstance(found, ObjectEstimate), found
    assert np.hypot(*(found.position[:2] - (0.33, 0.04))) < 0.01


@pytest.fixture(scope="module")
def webcams() -> SimCell:
    return SimCell(load_cell(Path(drivers.__file__).parent / "cells" / "so101-webcams.toml"))


def test_the_plain_program_lifts_by_two_webcams_and_nobody_claims_to_have_seen_how_high(
    webcams: SimCell,
) -> None:
    info = webcams.info
    task = fit(find_task("cube_lift"), info.task_area, [c.name for c in info.cameras])
    arm = info.arms[0]
    bench = Workbench(webcams, arm, Kinematics(arm), task.instruction, np.random.default_rng(2))
    ready, _ = reset(task, 2, bench, webcams.stand_in, 1)
    assert ready.outcome == "ok", ready.reason
    statuses = []

    def call(name: str, **given: Any) -> Any:
        outcome = NAMES[name].invoke(bench, given)
        statuses.append((name, outcome.status, outcome.summary))
        return outcome

    view = call("get_observation").value["scene"]
    blind = call(
        "plan_grasp",
        depth=view["images"]["depth"],
        intrinsics=view["intrinsics"],
        segmentation=np.ones(view["images"]["depth"].shape, bool),
    )
    assert blind.status == "NOT_FOUND" and "no depth" in blind.summary
    position, turn = call("sample_grasp_pose", object_name="red cube").value
    assert bench.obstacles is not None  # what was located is known to the planner
    assert bench.obstacles.height_m(position[0], position[1]) > 0.02
    call("open_gripper")
    moved = call("goto_pose", position=position, quaternion_wxyz=turn, z_approach=0.1)
    assert any("measures depth" in note for note in moved.evidence.notes)
    call("close_gripper")
    call("goto_pose", position=position + np.array((0, 0, 0.12)), quaternion_wxyz=turn)
    assert {s for _, s, _ in statuses[2:]} == {"OK"}, statuses
    verdict = verify.verify(task, bench)
    assert verdict.outcome == "UNSURE" and "no camera here measures depth" in verdict.reason
    assert referee.judge(task, webcams.stand_in, bench.table_z_m)[0] == "PASS"
