from __future__ import annotations

import numpy as np
import pytest

from aspire_tui.environment.motion import connect as connect_module
from aspire_tui.environment.motion.collision import Box, HeldBox
from aspire_tui.environment.motion.kinematics import Kinematics
from aspire_tui.environment.motion.obstacles import GROW_M
from aspire_tui.environment.motion.planner import Plan, Planner
from aspire_tui.environment.motion.pose import pose_matrix
from drivers.types import Workspace

DOWN = np.array((0.0, 0.0, 1.0, 0.0))
SPACE = Workspace((0.05, -0.45, 0.0), (0.6, 0.45, 0.55), 0.0)
WALL = Box((0.35, 0.0, 0.1), (0.08, 0.01, 0.1))


def above(kinematics: Kinematics, x: float, y: float, z: float) -> np.ndarray:
    home = np.array(kinematics.arm.home_rad)
    T = pose_matrix(np.array((x, y, z)), DOWN)
    q = kinematics.solve(T, home, rng=np.random.default_rng(0)).q
    assert q is not None
    return q


def planner(kinematics: Kinematics, *boxes: Box, seed: int = 0, **world: object) -> Planner:
    scene = kinematics.shape.among(boxes, table_z_m=0.0, **world)  # type: ignore[arg-type]
    return Planner(kinematics, scene, SPACE, np.random.default_rng(seed))


def fine_contacts(kinematics: Kinematics, plan: Plan, box: Box, **world: object) -> list[str]:
    """What touches anywhere along a plan, looked at four times as closely as it was planned.

    The box is taken as big as what was seen, without the margin that boxes are grown by.
    """
    half = tuple(h - GROW_M for h in box.half_m)
    bare = planner(kinematics, Box(box.centre_m, half), **world).world  # type: ignore[arg-type]
    found = []
    for leg in plan.legs:
        for q in leg.samples(0.005):
            trouble = bare.touching(q)
            if trouble:
                found.append(trouble)
    return found


def test_a_free_way_is_straight(kinematics: Kinematics) -> None:
    a, b = above(kinematics, 0.33, 0.15, 0.15), above(kinematics, 0.33, -0.15, 0.15)
    plan = planner(kinematics).plan(a, b)
    assert (plan.status, plan.planner) == ("OK", "straight")
    assert np.array_equal(plan.path[0], a)
    assert np.allclose(plan.path[-1], b)


@pytest.mark.parametrize("seed", range(4))
def test_a_wall_is_avoided_edges_included(kinematics: Kinematics, seed: int) -> None:
    a, b = above(kinematics, 0.33, 0.15, 0.05), above(kinematics, 0.33, -0.15, 0.05)
    scene = planner(kinematics, WALL, seed=seed)
    straight = [scene.world.touching(a + s * (b - a)) for s in np.linspace(0, 1, 100)]
    assert any("object seen" in x for x in straight)
    plan = scene.plan(a, b)
    assert plan.status == "OK"
    assert "RRTConnect" in plan.planner
    assert fine_contacts(kinematics, plan, WALL) == []
    assert np.allclose(plan.path[-1], b)


def test_one_seed_gives_one_path(kinematics: Kinematics, capfd: pytest.CaptureFixture) -> None:
    a, b = above(kinematics, 0.33, 0.15, 0.05), above(kinematics, 0.33, -0.15, 0.05)
    paths = [planner(kinematics, WALL, seed=s).plan(a, b).path for s in (7, 7, 8)]
    assert np.array_equal(paths[0], paths[1])
    assert paths[0].shape != paths[2].shape or not np.allclose(paths[0], paths[2])
    # Whatever OMPL has to say would end up in the middle of JSON.
    out, err = capfd.readouterr()
    assert out == ""
    assert err == ""


def test_a_target_inside_something_is_a_collision(kinematics: Kinematics) -> None:
    a, b = above(kinematics, 0.33, 0.15, 0.15), above(kinematics, 0.33, -0.15, 0.05)
    box = Box((0.33, -0.15, 0.05), (0.05, 0.05, 0.05))
    plan = planner(kinematics, box).plan(a, b)
    assert plan.status == "COLLISION"
    assert "object seen at (0.33, -0.15, 0.05)" in plan.detail
    assert plan.legs == ()


def test_into_the_table_is_a_collision_even_where_contact_is_meant(kinematics: Kinematics) -> None:
    a, b = above(kinematics, 0.33, 0.0, 0.15), above(kinematics, 0.33, 0.0, -0.01)
    near = Box((0.33, 0.0, 0.02), (0.02, 0.02, 0.02), near=True)
    plan = planner(kinematics, near).plan(a, b)
    assert plan.status == "COLLISION"
    assert "table" in plan.detail


def test_what_is_meant_is_approached_along_the_hand_only(kinematics: Kinematics) -> None:
    # The cube fills the fingers: only contact with it is possible, and only from straight above.
    cube = Box((0.33, -0.15, 0.02), (0.04, 0.04, 0.02), near=True)
    a, b = above(kinematics, 0.33, 0.15, 0.05), above(kinematics, 0.33, -0.15, 0.02)
    scene = planner(kinematics, cube)
    assert scene.world.touching(b)
    plan = scene.plan(a, b)
    assert plan.status == "OK", plan.detail
    assert plan.planner.endswith("+ line")
    touching = [q for leg in plan.legs for q in leg.samples(0.01) if scene.world.touching(q)]
    assert touching
    for q in touching:
        tool = kinematics.tool_pose(q)
        assert np.hypot(tool[0, 3] - 0.33, tool[1, 3] + 0.15) < 0.002
        assert tool[2, 2] < -0.999


def test_what_is_meant_is_not_swept_aside_on_the_way(kinematics: Kinematics) -> None:
    # Near either end or not, between the two straight lines nothing seen may be touched.
    a, b = above(kinematics, 0.33, 0.15, 0.05), above(kinematics, 0.33, -0.15, 0.02)
    wall = Box(WALL.centre_m, WALL.half_m, near=True)
    cube = Box((0.33, -0.15, 0.02), (0.04, 0.04, 0.02), near=True)
    plan = planner(kinematics, wall, cube).plan(a, b)
    assert plan.status == "OK"
    assert "RRTConnect" in plan.planner
    assert fine_contacts(kinematics, plan, WALL) == []


def test_leaving_backs_off_first(kinematics: Kinematics) -> None:
    cube = Box((0.33, -0.15, 0.02), (0.04, 0.04, 0.02), near=True)
    a, b = above(kinematics, 0.33, -0.15, 0.02), above(kinematics, 0.33, 0.15, 0.1)
    plan = planner(kinematics, cube).plan(a, b)
    assert plan.status == "OK"
    assert plan.planner.startswith("line +")


def test_what_is_held_is_carried_round_things(kinematics: Kinematics) -> None:
    a, b = above(kinematics, 0.33, 0.13, 0.2), above(kinematics, 0.33, -0.13, 0.2)
    post = Box((0.33, 0.0, 0.07), (0.05, 0.02, 0.07))
    held = HeldBox(np.eye(4), (0.02, 0.02, 0.1))
    assert planner(kinematics, post).plan(a, b).planner == "straight"
    loaded = planner(kinematics, post, held=held)
    plan = loaded.plan(a, b)
    assert plan.planner != "straight"
    assert plan.status == "OK"
    assert fine_contacts(kinematics, plan, post, held=held) == []


def test_no_way_is_a_planning_error(
    kinematics: Kinematics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect_module, "MOST_CHECKS", 800)
    a, b = above(kinematics, 0.33, 0.15, 0.05), above(kinematics, 0.33, -0.15, 0.05)
    wall = Box((0.3, 0.0, 0.35), (0.25, 0.01, 0.35))
    plan = planner(kinematics, wall).plan(a, b)
    assert plan.status == "PLANNING_ERROR"
    assert "no way" in plan.detail
    assert plan.legs == ()


def test_paths_stay_in_the_workspace(kinematics: Kinematics) -> None:
    a, b = above(kinematics, 0.33, 0.15, 0.05), above(kinematics, 0.33, -0.15, 0.05)
    space = Workspace((0.05, -0.45, 0.0), (0.5, 0.45, 0.3), 0.0)
    scene = planner(kinematics, WALL)
    low = Planner(kinematics, scene.world, space, np.random.default_rng(0))
    plan = low.plan(a, b)
    assert plan.status == "OK"
    for leg in plan.legs:
        for q in leg.samples(0.02):
            assert kinematics.tool_pose(q)[2, 3] < 0.3 + 0.005


def test_an_arm_that_touches_can_still_leave(kinematics: Kinematics) -> None:
    # Something that cannot be there, e.g. a ghost in the map round the forearm.
    a, b = above(kinematics, 0.33, 0.0, 0.15), above(kinematics, 0.33, -0.15, 0.15)
    ghost = Box((0.1, 0.0, 0.3), (0.05, 0.05, 0.05))
    scene = planner(kinematics, ghost)
    assert scene.world.touching(a)
    assert scene.plan(a, b).status == "OK"


def test_a_line_through_something_says_where(kinematics: Kinematics) -> None:
    a = above(kinematics, 0.33, 0.15, 0.05)
    T = pose_matrix(np.array((0.33, -0.15, 0.05)), DOWN)
    plan = planner(kinematics, WALL).line(a, T)
    assert plan.status == "COLLISION"
    assert "with the tool at (0.33, 0.0" in plan.detail
    # Meeting things may be the purpose.
    assert planner(kinematics, WALL).line(a, T, touch=True).status == "OK"
