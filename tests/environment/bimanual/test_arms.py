"""Two arms in one frame: each does its own, both move as one, and neither runs into the other."""

from __future__ import annotations

import numpy as np
import pytest

from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.motion.survey import survey
from drivers.sim.cell import SimCell

from .conftest import Call

DOWN = np.array((0.0, 0.0, 1.0, 0.0))


def pick(call: Call, number: int, name: str) -> tuple[np.ndarray, np.ndarray]:
    position, wxyz = call("sample_grasp_pose", object_name=name).value
    assert call(f"open_gripper_arm{number}").status == "OK"
    goto = f"goto_pose_arm{number}"
    moved = call(goto, position=position, quaternion_wxyz=wxyz, z_approach=0.1)
    assert moved.status == "OK", moved.summary
    assert call(f"close_gripper_arm{number}").value.holding == "held"
    return position, wxyz


def test_each_arm_lifts_its_cube_and_both_carry_on_together(sim: SimCell, call: Call) -> None:
    (p0, q0), (p1, q1) = pick(call, 0, "red cube"), pick(call, 1, "green cube")
    up = np.array((0.0, 0.0, 0.12))
    moved = call(
        "goto_pose_both",
        position0=p0 + up,
        quaternion_wxyz0=q0,
        position1=p1 + up,
        quaternion_wxyz1=q1,
    )
    assert moved.status == "OK", moved.summary
    truth = sim.stand_in.truth()
    assert truth.fingers_of == {"left": ("red cube",), "right": ("green cube",)}
    assert all(each.xyz_m[2] > 0.12 for each in truth.objects.values())


def test_straight_ways_of_both_keep_their_distance(bench: Workbench, call: Call) -> None:
    left, right = bench.benches
    at = [b.kinematics.tool_pose(b.joints()) for b in bench.benches]
    since_s = bench.cell.now_s()
    shift = np.array((0.06, 0.0, -0.08))
    moved = call(
        "goto_pose_both",
        position0=at[0][:3, 3] + shift,
        quaternion_wxyz0=DOWN,
        position1=at[1][:3, 3] + shift,
        quaternion_wxyz1=DOWN,
    )
    assert moved.status == "OK", moved.summary
    logs = [bench.cell.samples(b.arm.name, since_s) for b in bench.benches]
    ways = [
        np.array([b.kinematics.tool_pose(q)[:3, 3] for q in log.q_cmd_rad])
        for b, log in zip((left, right), logs, strict=True)
    ]
    apart = np.linalg.norm(ways[0] - ways[1], axis=1)
    assert np.ptp(apart) < 0.002


def test_an_arm_keeps_clear_of_the_other_where_it_stands(bench: Workbench, call: Call) -> None:
    meeting = np.array((0.4, 0.0, 0.2))
    first = call("goto_pose_arm0", position=meeting, quaternion_wxyz=DOWN)
    assert first.status == "OK", first.summary
    second = call("goto_pose_arm1", position=meeting, quaternion_wxyz=DOWN)
    assert second.status == "COLLISION"
    assert "left" in second.summary
    both = call(
        "goto_pose_both",
        position0=meeting,
        quaternion_wxyz0=DOWN,
        position1=meeting,
        quaternion_wxyz1=DOWN,
    )
    assert both.status == "COLLISION"


def test_the_map_has_the_cubes_and_neither_arm(bench: Workbench) -> None:
    for each in bench.benches:
        tall = [box for box in survey(each).patches() if box.half_m[2] > 0.035]
        assert tall == []
        assert len(survey(each).patches()) == 2


@pytest.mark.parametrize("number", [0, 1])
def test_what_an_arm_holds_goes_with_its_own_bench(
    bench: Workbench, call: Call, number: int
) -> None:
    pick(call, number, ("red cube", "green cube")[number])
    mine, other = bench.benches[number], bench.benches[1 - number]
    assert mine.holding is not None
    assert other.holding is None
    assert bench.holder() is mine


def test_unsuffixed_hands_are_not_offered_on_two_arms(call: Call) -> None:
    for name in ("goto_pose", "open_gripper", "close_gripper", "solve_ik", "move_to_joints"):
        with pytest.raises(KeyError):
            call(name)


def test_bad_targets_for_both_end_in_a_status_and_nothing_moves(
    bench: Workbench, call: Call
) -> None:
    before = [b.joints() for b in bench.benches]
    here = np.array((0.35, 0.2, 0.2))
    far = call(
        "goto_pose_both",
        position0=here,
        quaternion_wxyz0=DOWN,
        position1=np.array((3.0, 0.0, 0.2)),
        quaternion_wxyz1=DOWN,
    )
    assert far.status == "LIMIT"
    assert "right" in far.summary
    nan = call(
        "goto_pose_both",
        position0=here,
        quaternion_wxyz0=DOWN,
        position1=np.full(3, np.nan),
        quaternion_wxyz1=DOWN,
    )
    assert nan.status == "INVALID"
    for b, q in zip(bench.benches, before, strict=True):
        assert np.abs(b.joints() - q).max() < 0.002
