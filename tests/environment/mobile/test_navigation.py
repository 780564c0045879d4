"""A base that drives, with an arm: the R1Pro's names against the stand-in."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from aspire_tui.environment.bench import Workbench
from drivers.sim.cell import SimCell

from .conftest import RADIO, Call

ANGLES = (180, -90, 90, -45, 45)


def round_the_radio(at: np.ndarray, angle: float) -> list[float]:
    x, y = at[:2] + 0.7 * np.array((np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))))
    return [x, y, float(np.arctan2(at[1] - y, at[0] - x))]


def test_the_published_example_straight_is_refused_and_an_angle_arrives(
    sim: SimCell, call: Call
) -> None:
    radio_pos = call("get_object_pose", object_name="orange radio").value[0]
    assert np.hypot(*(radio_pos[:2] - RADIO.xyz_m[:2])) < 0.06
    before = sim.status().base
    straight = call("navigate_to_pose", pose_2d=[*radio_pos[:2], 0.0])
    assert straight.status == "PLANNING_ERROR"
    assert not straight.value
    assert sim.status().base.q_cmd_rad == before.q_cmd_rad  # type: ignore[union-attr]
    tried = []
    for angle in ANGLES:
        there = call(
            "safe_navigate", pose_2d=round_the_radio(radio_pos, angle), name=f"ang_{angle}"
        )
        tried.append((angle, there.status))
        if there.value and call("dist_to", xy=radio_pos[:2]).value < 0.8:
            break
    assert tried == [(180, "OK")]
    pregrasps, grasps = call("sample_grasp_pose", object_name="orange radio").value
    held = call(
        "grasp_object",
        pregrasp_pose=pregrasps[0],
        grasp_pose=grasps[0],
        object_name="orange radio",
    )
    assert held.status == "OK", held.summary
    assert call("check_object_in_hand").value is True
    assert call("lift_arm").status == "OK"
    away = call("navigate_to_pose", pose_2d=[-0.7, -0.2, 1.0])
    assert away.status == "OK", away.summary
    truth = sim.stand_in.truth()
    assert truth.fingers_of["arm"] == ("orange radio",)
    assert truth.objects["orange radio"].xyz_m[0] < 0.2


def test_from_the_far_edge_only_other_angles_are_outside_the_buffers(call: Call) -> None:
    far = np.array((1.05, 0.42, 0.55))
    ends = [call("safe_navigate", pose_2d=round_the_radio(far, a)).status for a in ANGLES[:3]]
    assert ends == ["PLANNING_ERROR", "PLANNING_ERROR", "OK"]


def test_hold_stops_the_base_and_resume_goes_on(sim: SimCell, call: Call) -> None:
    began = sim.now_s()
    seen = []

    def on_tick(now_s: float) -> None:
        base = sim.status().base
        assert base is not None
        if now_s - began > 1.0 and not seen:
            seen.append(base.q_rad)
            sim.hold("test", "test")
            threading.Timer(0.3, lambda: sim.resume("test")).start()

    sim.on_tick = on_tick
    try:
        moved = call("navigate_to_pose", pose_2d=[-0.75, 0.8, 0.0])
    finally:
        sim.on_tick = None
    assert moved.status == "OK"
    assert seen
    assert seen[0][1] < 0.7
    assert sim.status().base.q_rad[1] == pytest.approx(0.8, abs=0.01)  # type: ignore[union-attr]


def test_what_was_seen_before_a_drive_is_seen_anew_and_stays_in_the_room(
    bench: Workbench, call: Call
) -> None:
    first = call("get_object_pose", object_name="orange radio").value[0]
    assert call("navigate_to_pose", pose_2d=[0.2, -0.1, 0.3]).status == "OK"
    assert bench.obstacles is None
    second = call("get_object_pose", object_name="orange radio").value[0]
    assert np.linalg.norm(first - second) < 0.06


def test_poses_of_the_hand_agree_in_both_frames(bench: Workbench, call: Call) -> None:
    own, _ = call("get_robot_relative_eef_pose").value
    room, _ = call("get_current_eef_pose").value
    position, _, yaw = call("get_robot_position").value
    turned = np.array(
        (
            own[0] * np.cos(yaw) - own[1] * np.sin(yaw),
            own[0] * np.sin(yaw) + own[1] * np.cos(yaw),
            own[2],
        )
    )
    assert np.allclose(position + turned, room, atol=1e-9)


def test_a_thing_behind_is_found_by_turning(sim: SimCell, bench: Workbench, call: Call) -> None:
    assert call("navigate_to_pose", pose_2d=[-0.2, -0.2, np.pi]).status == "OK"
    none = call("get_object_pose", object_name="orange radio")
    assert none.status == "NOT_FOUND"
    assert none.value == (None,) * 5
    found = call("find_object_base_rotate", object_name="orange radio")
    assert found.value is True, found.summary


@pytest.mark.parametrize(
    ("name", "arguments", "status"),
    [
        ("navigate_to_pose", {"pose_2d": [np.nan, 0.0, 0.0]}, "INVALID"),
        ("navigate_to_pose", {"pose_2d": [0.0, 0.0]}, "INVALID"),
        ("safe_navigate", {"pose_2d": [50.0, 0.0, 0.0]}, "LIMIT"),
        ("dist_to", {"xy": [np.inf, 0.0]}, "INVALID"),
        ("move_hand", {"target_pose": ([0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0])}, "INVALID"),
        ("move_hand", {"target_pose": ([9.0, 0.0, 0.6], [0.0, 1.0, 0.0, 0.0])}, "LIMIT"),
        ("sample_grasp_pose", {"object_name": "green banana"}, "NOT_FOUND"),
    ],
)
def test_bad_input_ends_in_a_status_and_nothing_moves(
    sim: SimCell, call: Call, name: str, arguments: dict[str, object], status: str
) -> None:
    before = sim.status()
    assert call(name, **arguments).status == status
    after = sim.status()
    assert after.base is not None
    assert before.base is not None
    assert np.allclose(after.base.q_cmd_rad, before.base.q_cmd_rad)
    assert np.allclose(after.arms[0].q_cmd_rad, before.arms[0].q_cmd_rad)
