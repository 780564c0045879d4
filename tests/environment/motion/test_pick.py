"""A hand-written program against the simulated cell: only primitives, real contacts, real noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import drivers
from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.motion.kinematics import Kinematics
from aspire_tui.environment.motion.survey import survey
from aspire_tui.environment.outcome import PrimitiveOutcome
from aspire_tui.environment.primitives import gripper, motion
from aspire_tui.environment.primitives.registry import catalogue
from drivers.cellfile import load_cell
from drivers.sim.cell import SimCell
from drivers.sim.scene import SceneObject, SceneSpec

NAMES = catalogue(motion.PRIMITIVES + gripper.PRIMITIVES, "capx", "")
CUBE = (0.04, 0.04, 0.04)


@pytest.fixture(scope="module")
def sim() -> SimCell:
    return SimCell(load_cell(Path(drivers.__file__).parent / "cells" / "yam.toml"))


def cube(name: str, x: float, y: float, yaw: float = 0.0, height: float = 0.04) -> SceneObject:
    size = (*CUBE[:2], height)
    return SceneObject(name, "box", size, (0.8, 0.1, 0.1), 0.06, (x, y, height / 2), yaw)


def bench_with(sim: SimCell, *things: SceneObject, seed: int = 0) -> Workbench:
    sim.stand_in.reset_scene(SceneSpec(objects=things, noise_seed=seed))
    arm = sim.info.arms[0]
    return Workbench(sim, arm, Kinematics(arm), "test", np.random.default_rng(seed))


def run(bench: Workbench, name: str, **arguments: object) -> PrimitiveOutcome:
    return NAMES[name].invoke(bench, arguments)


def down(yaw: float) -> np.ndarray:
    return np.array((0.0, -np.sin(yaw / 2), np.cos(yaw / 2), 0.0))


@pytest.mark.parametrize("seed", range(4))
def test_pick_and_stack(sim: SimCell, seed: int) -> None:
    rng = np.random.default_rng(seed)
    yaw = float(rng.uniform(-0.7, 0.7))
    x, y = float(rng.uniform(0.27, 0.36)), float(rng.uniform(0.05, 0.14))
    bench = bench_with(
        sim, cube("top", x, y, yaw), cube("base", 0.33, -0.08), cube("other", 0.4, 0.0), seed=seed
    )
    calls = [
        run(bench, "open_gripper"),
        run(bench, "goto_pose", position=(x, y, 0.02), quaternion_wxyz=down(yaw), z_approach=0.1),
        run(bench, "close_gripper"),
        run(bench, "goto_pose", position=(x, y, 0.17), quaternion_wxyz=down(yaw)),
    ]
    assert [c.status for c in calls] == ["OK"] * 4, [c.summary for c in calls]
    assert sim.stand_in.truth().objects["top"].xyz_m[2] > 0.15
    assert bench.holding is not None
    calls = [
        run(
            bench,
            "goto_pose",
            position=(0.33, -0.08, 0.063),
            quaternion_wxyz=down(0.0),
            z_approach=0.08,
        ),
        run(bench, "open_gripper"),
        run(bench, "goto_pose", position=(0.33, -0.08, 0.15), quaternion_wxyz=down(0.0)),
        run(bench, "home_pose"),
        run(bench, "wait", s=1.0),
    ]
    assert [c.status for c in calls] == ["OK"] * 5, [c.summary for c in calls]
    top = sim.stand_in.truth().objects["top"].xyz_m
    assert top == pytest.approx((0.33, -0.08, 0.06), abs=0.012)
    other = sim.stand_in.truth().objects["other"].xyz_m
    assert other == pytest.approx((0.4, 0.0, 0.02), abs=0.002)
    # What was put down is seen once the hand is out of the way, and nothing where it came from.
    seen = survey(bench)
    assert seen.height_m(top[0], top[1]) == pytest.approx(0.08, abs=0.01)
    assert seen.height_m(x, y) == 0.0


def test_touching_the_table_is_felt(sim: SimCell) -> None:
    bench = bench_with(sim)
    assert run(bench, "goto_pose", position=(0.32, 0.0, 0.08), quaternion_wxyz=down(0.0)).value
    met = run(bench, "move_until_contact", direction=(0, 0, -1), distance_m=0.075)
    assert met.status == "OK", met.summary
    assert met.value.contact_direction[2] > 0.9
    # The pads reach 12 mm beyond the tool point.
    assert met.value.reached_xyz_m[2] < 0.03
    pressing = np.abs(bench.joints() - bench.joints_commanded())
    assert np.max(pressing) < 0.012
    assert run(bench, "goto_pose", position=(0.32, 0.0, 0.1), quaternion_wxyz=down(0.0)).value


def test_closing_beside_it_is_an_empty_grasp(sim: SimCell) -> None:
    bench = bench_with(sim, cube("cube", 0.3, 0.1))
    position = (0.3, 0.0, 0.03)
    assert run(bench, "goto_pose", position=position, quaternion_wxyz=down(0.0)).value
    assert run(bench, "close_gripper").status == "EMPTY_GRASP"
    assert bench.holding is None


def test_one_seed_repeats_to_the_bit(sim: SimCell) -> None:
    ends = []
    for _ in range(2):
        bench = bench_with(sim, cube("cube", 0.3, 0.1), cube("wall", 0.36, 0.0, 0.0, 0.13), seed=5)
        run(bench, "goto_pose", position=(0.3, 0.1, 0.02), quaternion_wxyz=down(0), z_approach=0.1)
        run(bench, "close_gripper")
        done = run(bench, "goto_pose", position=(0.36, -0.12, 0.05), quaternion_wxyz=down(0.0))
        ends.append((done.status, done.value.reached_xyz_m, sim.stand_in.truth().objects))
    assert ends[0] == ends[1]
