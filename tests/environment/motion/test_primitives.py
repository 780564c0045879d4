from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ideal_cell import Block, IdealCell

from aspire_tui.environment.bench import Holding, Workbench
from aspire_tui.environment.motion.kinematics import Kinematics
from aspire_tui.environment.outcome import PrimitiveOutcome
from aspire_tui.environment.primitives import gripper, motion
from aspire_tui.environment.primitives.registry import catalogue

ALL = motion.PRIMITIVES + gripper.PRIMITIVES
DOWN = (0.0, 0.0, 1.0, 0.0)
SPOT = (0.32, 0.1, 0.02)


class Caller:
    """Calls primitives by name, as a program of one profile would."""

    def __init__(self, bench: Workbench, profile: str = "capx") -> None:
        self.bench = bench
        self.names = catalogue(ALL, profile, "")

    def __call__(self, name: str, *args: Any, **kwargs: Any) -> PrimitiveOutcome:
        p = self.names[name]
        given = dict(zip((a.name for a in p.arguments), args, strict=False)) | kwargs
        outcome = p.invoke(self.bench, given)
        assert outcome.status in {*p.statuses, "INVALID", "FAULT"}
        assert outcome.summary
        return outcome


@pytest.fixture
def call(bench: Workbench) -> Caller:
    return Caller(bench)


def tool(bench: Workbench) -> np.ndarray:
    return bench.kinematics.tool_pose(bench.joints())


def test_goto_pose_arrives_and_says_how_well(
    call: Caller, cell: IdealCell, bench: Workbench
) -> None:
    done = call("goto_pose", SPOT, DOWN, z_approach=0.1)
    assert done.status == "OK"
    result = done.value
    assert result
    assert result.target_xyz_m == pytest.approx(SPOT)
    assert result.reached_xyz_m == pytest.approx(SPOT, abs=0.006)
    assert result.reached_xyz_m == pytest.approx(tuple(tool(bench)[:3, 3]))
    expected = np.linalg.norm(tool(bench)[:3, 3] - SPOT)
    assert done.error_m == result.error_m == pytest.approx(float(expected), abs=1e-6)
    assert 0.3 < result.duration_s < 5
    path = done.evidence.path
    assert path is not None
    assert 2 <= len(path.q_rad) == len(path.tool_xyz_m) <= 40
    assert path.tool_xyz_m[-1] == pytest.approx(SPOT, abs=0.001)
    assert path.planner.endswith("line")


def test_the_approach_is_straight_along_the_tool(
    call: Caller, cell: IdealCell, bench: Workbench
) -> None:
    tilt = 0.4
    tilted = (np.sin(tilt / 2), 0.0, np.cos(tilt / 2), 0.0)
    done = call("goto_pose", (0.34, 0.0, 0.06), tilted, z_approach=0.08)
    assert done.status == "OK", done.summary
    assert _approach_direction(done, (0.34, 0.0, 0.06)) == pytest.approx(
        tuple(-_z(tilted)), abs=0.02
    )


def test_the_libero_profile_approaches_from_above(cell: IdealCell, bench: Workbench) -> None:
    tilt = 0.4
    tilted = (np.sin(tilt / 2), 0.0, np.cos(tilt / 2), 0.0)
    done = Caller(bench, "libero")("goto_pose", (0.34, 0.0, 0.06), tilted, z_approach=0.08)
    assert done.status == "OK", done.summary
    assert _approach_direction(done, (0.34, 0.0, 0.06)) == pytest.approx((0, 0, 1), abs=0.02)


def _z(wxyz: tuple[float, ...]) -> np.ndarray:
    w, x, y, z = wxyz
    return np.array((2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)))


def _approach_direction(done: PrimitiveOutcome, target: tuple[float, float, float]) -> tuple:
    assert done.evidence.path is not None
    tools = np.array(done.evidence.path.tool_xyz_m)
    away = np.linalg.norm(tools - target, axis=1)
    last = tools[np.flatnonzero((away > 0.03) & (away < 0.07))[-1]] - target
    return tuple(last / np.linalg.norm(last))


def test_every_trajectory_passes_the_drivers_check(call: Caller, cell: IdealCell) -> None:
    cell.blocks = [Block(0.32, 0.1, (0.04, 0.04, 0.04)), Block(0.36, -0.05, (0.04, 0.04, 0.12))]
    statuses = [
        call("goto_pose", SPOT, DOWN, z_approach=0.1).status,
        call("close_gripper").status,
        call("goto_pose", (0.32, 0.1, 0.15), DOWN).status,
        call("goto_pose", (0.36, -0.15, 0.05), DOWN, z_approach=0.08).status,
        call("home_pose").status,
        call("move_linear", (0.3, 0.05, 0.2)).status,
        call("move_to_joints", call("solve_ik", (0.3, -0.1, 0.1), DOWN).value).status,
    ]
    assert statuses == ["OK", "EMPTY_GRASP", *["OK"] * 5]


@pytest.mark.parametrize(
    ("name", "args", "status"),
    [
        ("goto_pose", ((0.9, 0.0, 0.1), DOWN), "LIMIT"),
        ("goto_pose", ((0.58, 0.3, 0.3), DOWN), "IK_FAILED"),
        ("goto_pose", ((0.3, 0.0, 0.1), (1.0, 0.0, 0.0, 0.0)), "IK_FAILED"),
        ("move_linear", ((0.58, 0.3, 0.3),), "IK_FAILED"),
        ("move_linear", ((0.9, 0.0, 0.1),), "LIMIT"),
        ("move_to_joints", ([9.0, 0, 0, 0, 0, 0],), "LIMIT"),
        ("goto_pose", ((0.3, float("nan"), 0.1), DOWN), "INVALID"),
        ("goto_pose", ((0.3, 0.1), DOWN), "INVALID"),
        ("goto_pose", ((0.3, 0.0, 0.1), (0.0, 0.0, 0.0, 0.0)), "INVALID"),
        ("move_to_joints", ([0.1, 0.2],), "INVALID"),
        ("move_until_contact", ((0, 0, 0), 0.1), "INVALID"),
        ("move_until_contact", ((0, 0, -1), -0.1), "INVALID"),
        ("set_gripper", (0.2,), "LIMIT"),
        ("set_gripper", (0.02, 150.0), "LIMIT"),
        ("execute_preview", ("move-1-deadbeef",), "STALE"),
    ],
)
def test_what_cannot_be_done_is_typed_and_moves_nothing(
    call: Caller, cell: IdealCell, bench: Workbench, name: str, args: tuple, status: str
) -> None:
    before = bench.joints()
    done = call(name, *args)
    assert done.status == status, done.summary
    assert not done.value
    assert cell.executed == []
    assert np.array_equal(bench.joints(), before)


def test_solve_ik_raises_where_upstream_raised(call: Caller, kinematics: Kinematics) -> None:
    good = call("solve_ik", (0.3, 0.1, 0.1), DOWN)
    assert good.status == "OK"
    assert kinematics.tool_pose(good.value)[:3, 3] == pytest.approx((0.3, 0.1, 0.1), abs=0.001)
    bad = call("solve_ik", (1.2, 0.0, 0.1), DOWN)
    assert (bad.status, bad.raises, bad.value) == ("IK_FAILED", True, None)
    # Motion calls answer, they do not raise.
    assert not call("goto_pose", (0.58, 0.3, 0.3), DOWN).raises


def test_a_target_inside_what_was_seen_is_a_collision(call: Caller, cell: IdealCell) -> None:
    # The camera on the hand would be in the post, further off than what may be touched.
    cell.blocks = [Block(0.42, 0.1, (0.04, 0.04, 0.3))]
    done = call("goto_pose", (0.32, 0.1, 0.03), DOWN)
    assert done.status == "COLLISION"
    assert "object seen" in done.summary
    assert cell.executed == []


def test_a_seen_cube_can_be_grasped_from_above(call: Caller, cell: IdealCell) -> None:
    cell.blocks = [Block(SPOT[0], SPOT[1], (0.06, 0.06, 0.04))]
    assert call("goto_pose", SPOT, DOWN, z_approach=0.1).status == "OK"
    assert call("goto_pose", (0.32, 0.1, 0.2), DOWN).status == "OK"


def test_a_wall_between_is_gone_round(call: Caller, cell: IdealCell, bench: Workbench) -> None:
    cell.blocks = [Block(0.36, 0.0, (0.16, 0.02, 0.14))]
    assert call("goto_pose", (0.34, 0.15, 0.05), DOWN).status == "OK"
    over = call("goto_pose", (0.34, -0.15, 0.05), DOWN)
    assert over.status == "OK"
    assert over.evidence.path is not None
    for x, y, z in over.evidence.path.tool_xyz_m:
        inside = 0.28 < x < 0.44 and abs(y) < 0.01 and z < 0.14
        assert not inside


def test_a_blocked_motion_names_the_way_it_was_pushed(
    call: Caller, cell: IdealCell, bench: Workbench
) -> None:
    call("goto_pose", (0.34, 0.0, 0.15), DOWN)
    cell.arm.walls[0] = 0.15
    done = call("move_linear", (0.32, 0.12, 0.15))
    assert done.status == "BLOCKED"
    assert not done.value
    direction = done.value.contact_direction
    assert direction is not None
    # The arm wanted to go to +y and was kept from it.
    assert direction[1] < -0.9
    assert "joint1" in done.summary
    assert done.value.error_m > 0.03
    del cell.arm.walls[0]
    assert call("goto_pose", (0.34, 0.0, 0.15), DOWN).status == "OK"


def test_move_until_contact_wants_contact(call: Caller, cell: IdealCell, bench: Workbench) -> None:
    call("goto_pose", (0.34, 0.0, 0.15), DOWN)
    free = call("move_until_contact", (0, 1, 0), 0.03, speed=0.1)
    assert free.status == "NOT_FOUND"
    cell.arm.walls[0] = float(bench.joints()[0]) + 0.1
    met = call("move_until_contact", (0, 1, 0), 0.2, speed=0.1)
    assert met.status == "OK"
    assert met.value
    assert met.value.contact_direction[1] < -0.9
    assert "contact" in met.summary


def test_move_until_contact_keeps_to_its_speed(
    call: Caller, cell: IdealCell, bench: Workbench
) -> None:
    call("goto_pose", (0.34, 0.0, 0.15), DOWN)
    call("move_until_contact", (0, 0, -1), 0.05, speed=0.02)
    assert cell.executed[-1].duration_s >= 0.05 / 0.02


def test_stopped_by_an_operator(call: Caller, cell: IdealCell) -> None:
    def abort() -> None:
        if cell.status().state == "RUN" and cell.executed:
            cell.during = lambda: None
            cell.hold("test", "operator")
            cell.abort("operator")

    cell.during = abort
    assert call("goto_pose", (0.34, 0.0, 0.15), DOWN).status == "STOPPED"


def test_closing_on_something_and_on_nothing(
    call: Caller, cell: IdealCell, bench: Workbench
) -> None:
    cell.blocks = [Block(SPOT[0], SPOT[1], (0.04, 0.04, 0.04))]
    call("goto_pose", SPOT, DOWN, z_approach=0.1)
    cell.arm.object_width_m = 0.04
    held = call("close_gripper")
    assert held.status == "OK"
    assert held.value
    assert (held.value.holding, held.value.stalled) == ("held", True)
    assert held.value.width_m == pytest.approx(0.04)
    assert held.value.opening == pytest.approx(0.04 / 0.075)
    assert bench.holding is not None
    assert bench.holding.box is not None
    assert bench.holding.box.half_m == pytest.approx((0.02, 0.02, 0.02), abs=0.012)
    cell.arm.object_width_m = None
    opened = call("open_gripper")
    assert (opened.status, opened.value.holding) == ("OK", "empty")
    assert bench.holding is None
    empty = call("close_gripper")
    assert (empty.status, empty.value.holding) == ("EMPTY_GRASP", "empty")
    assert not empty.value
    assert bench.holding is None


def test_losing_it_on_the_way_is_said(call: Caller, cell: IdealCell, bench: Workbench) -> None:
    cell.blocks = [Block(SPOT[0], SPOT[1], (0.04, 0.04, 0.04))]
    call("goto_pose", SPOT, DOWN, z_approach=0.1)
    cell.arm.object_width_m = 0.04
    call("close_gripper")
    kept = call("goto_pose", (0.32, 0.1, 0.15), DOWN)
    assert kept.status == "OK"
    assert bench.holding is not None
    cell.arm.object_width_m = None
    lost = call("goto_pose", (0.32, 0.0, 0.15), DOWN)
    assert lost.status == "SLIPPED"
    assert "lost what was held" in lost.summary
    assert bench.holding is None
    assert call("goto_pose", (0.32, 0.1, 0.15), DOWN).status == "OK"


def test_set_gripper_goes_to_an_opening(call: Caller, bench: Workbench) -> None:
    done = call("set_gripper", 0.03, 10.0)
    assert done.status == "OK"
    assert bench.width_m() == pytest.approx(0.03, abs=0.002)


def test_a_preview_moves_nothing_and_can_be_made_once(
    call: Caller, cell: IdealCell, bench: Workbench
) -> None:
    preview = call("preview_move", (0.32, 0.1, 0.1), DOWN)
    assert preview.status == "OK"
    assert isinstance(preview.value, str)
    assert cell.executed == []
    made = call("execute_preview", preview.value)
    assert made.status == "OK"
    assert tool(bench)[:3, 3] == pytest.approx((0.32, 0.1, 0.1), abs=0.006)
    assert call("execute_preview", preview.value).status == "STALE"


def test_a_preview_without_a_way_raises(call: Caller) -> None:
    bad = call("preview_move", (0.58, 0.3, 0.3), DOWN)
    assert (bad.status, bad.raises) == ("IK_FAILED", True)


def test_a_preview_is_stale_once_the_arm_was_pushed(
    call: Caller, cell: IdealCell, bench: Workbench
) -> None:
    key = call("preview_move", (0.32, 0.1, 0.1), DOWN).value
    cell.nudge(1, 0.06)
    done = call("execute_preview", key)
    assert done.status == "STALE"
    assert "joint2" in done.summary
    assert cell.executed == []


def test_a_preview_is_stale_once_something_else_was_seen(
    call: Caller, cell: IdealCell, bench: Workbench
) -> None:
    key = call("preview_move", (0.32, 0.1, 0.1), DOWN).value
    cell.wait(0.1)
    cell.blocks = [Block(0.3, 0.0, (0.05, 0.05, 0.1))]
    bench.look("scene")
    done = call("execute_preview", key)
    assert done.status == "STALE"
    assert "cameras" in done.summary
    assert cell.executed == []


def test_one_picture_serves_until_something_may_have_moved(
    call: Caller, cell: IdealCell, bench: Workbench
) -> None:
    call("goto_pose", (0.32, 0.1, 0.1), DOWN)
    call("goto_pose", (0.32, 0.0, 0.1), DOWN)
    assert cell.pictures == 1
    call("close_gripper")
    call("goto_pose", (0.32, 0.1, 0.1), DOWN)
    assert cell.pictures == 2
    bench.look("scene")
    call("goto_pose", (0.32, 0.0, 0.1), DOWN)
    assert cell.pictures == 3


def test_a_second_look_once_the_hand_has_left(
    call: Caller, cell: IdealCell, bench: Workbench
) -> None:
    call("goto_pose", SPOT, DOWN, z_approach=0.1)
    call("set_gripper", 0.05)
    call("goto_pose", (0.32, 0.1, 0.1), DOWN)
    assert cell.pictures == 2
    call("goto_pose", (0.32, 0.1, 0.2), DOWN)
    assert cell.pictures == 2
    call("goto_pose", (0.32, 0.0, 0.2), DOWN)
    assert cell.pictures == 3
    call("goto_pose", (0.32, 0.05, 0.2), DOWN)
    assert cell.pictures == 3


def test_home_wait_and_distance(call: Caller, cell: IdealCell, bench: Workbench) -> None:
    call("goto_pose", (0.32, 0.1, 0.1), DOWN)
    assert call("goto_home_joint_position").status == "OK"
    assert bench.joints() == pytest.approx(bench.arm.home_rad, abs=0.01)
    before = cell.now_s()
    assert call("wait", 1.5).value is None
    assert cell.now_s() - before == pytest.approx(1.5, abs=0.05)
    there = tool(bench)[:3, 3] + np.array((0.03, 0.0, 0.04))
    assert call("dist_to", there).value == pytest.approx(0.05)


def test_one_seed_gives_one_motion(kinematics: Kinematics) -> None:
    runs = []
    for _ in range(2):
        cell = IdealCell(kinematics)
        cell.blocks = [Block(0.36, 0.0, (0.16, 0.02, 0.14))]
        bench = Workbench(cell, cell.info.arms[0], kinematics, "test", np.random.default_rng(3))
        call = Caller(bench)
        call("goto_pose", (0.34, 0.15, 0.05), DOWN)
        call("goto_pose", (0.34, -0.15, 0.05), DOWN)
        runs.append(cell.executed)
    for a, b in zip(*runs, strict=True):
        assert np.array_equal(a.q_rad, b.q_rad)
        assert np.array_equal(a.t_s, b.t_s)


def test_speed_slows_everything(kinematics: Kinematics) -> None:
    durations = []
    for speed in (1.0, 0.5):
        cell = IdealCell(kinematics)
        bench = Workbench(
            cell, cell.info.arms[0], kinematics, "test", np.random.default_rng(0), speed=speed
        )
        Caller(bench)("goto_pose", (0.34, 0.15, 0.05), DOWN)
        durations.append(cell.executed[0].duration_s)
    assert durations[1] > 1.35 * durations[0]


def test_names_by_profile_and_tier() -> None:
    capx, libero = catalogue(ALL, "capx", ""), catalogue(ALL, "libero", "")
    assert capx["goto_pose"] is not libero["goto_pose"]
    for names in (capx, libero):
        p = names["goto_pose"]
        assert p.signature() == "goto_pose(position, quaternion_wxyz, z_approach=0.0)"
        assert names["solve_ik"].signature() == "solve_ik(position, quaternion_wxyz)"
        assert names["move_to_joints"].signature() == "move_to_joints(joints)"
        assert names["goto_home_joint_position"] is names["home_pose"]
    low = catalogue(ALL, "capx", "S3")
    assert "goto_pose" not in low
    assert {"solve_ik", "move_to_joints", "open_gripper", "close_gripper"} <= set(low)
    assert "preview_move" not in low


def test_what_is_held_is_not_an_obstacle_to_lifting_it(
    call: Caller, cell: IdealCell, bench: Workbench
) -> None:
    cell.blocks = [Block(SPOT[0], SPOT[1], (0.05, 0.05, 0.05))]
    call("goto_pose", SPOT, DOWN, z_approach=0.1)
    cell.arm.object_width_m = 0.05
    call("close_gripper")
    assert isinstance(bench.holding, Holding)
    assert call("goto_pose", (0.32, 0.1, 0.17), DOWN).status == "OK"
    cell.blocks = [Block(0.4, -0.1, (0.05, 0.05, 0.05))]
    # On top of the other one, as high as the grasp was above the table.
    assert call("goto_pose", (0.4, -0.1, 0.072), DOWN, z_approach=0.08).status == "OK"
