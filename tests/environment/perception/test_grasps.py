"""Grasps: across opposed faces, narrow enough, clear of the table and of neighbours."""

import numpy as np
import pytest

from aspire_tui.environment.perception.cloud import TableCloud
from aspire_tui.environment.perception.grasps import GripperShape, sample_grasps
from aspire_tui.environment.perception.objects import locate
from aspire_tui.environment.perception.prompt import parse
from aspire_tui.environment.perception.segment import search, segment
from aspire_tui.environment.perception.topdown import grasp_on_box, most_upright

HAND = GripperShape()


def grasps_on(picture, prompt, hand=HAND):
    cloud = TableCloud.of(picture, 0.0)
    mask = search(picture.rgb, parse(prompt), cloud).segments[0].mask
    return sample_grasps(
        cloud.points[mask & cloud.valid], cloud.points[~mask & cloud.above_table()], 0.0, hand
    )


@pytest.mark.parametrize("yaw", [0.0, 0.4, 1.1])
def test_the_best_grasp_closes_on_opposed_faces(stage, yaw_off, yaw):
    scene = stage()
    scene.put("red", (0.33, 0.02), (0.044, 0.044, 0.044), yaw)
    usable, _ = grasps_on(scene.render(), "red cube")
    T = usable[0].T
    assert yaw_off(np.arctan2(T[1, 1], T[0, 1]), yaw) < np.deg2rad(6)
    assert np.linalg.norm(T[:2, 3] - (0.33, 0.02)) < 0.006
    assert np.allclose(T[:3, :3].T @ T[:3, :3], np.eye(3), atol=1e-9)
    assert np.isclose(np.linalg.det(T[:3, :3]), 1)
    assert T[2, 2] < -0.8
    assert 0.03 < usable[0].width_m < 0.055
    assert [g.score for g in usable] == sorted((g.score for g in usable), reverse=True)


def test_no_fingertip_goes_into_the_table(stage):
    scene = stage()
    for i, h in enumerate((0.02, 0.03, 0.06)):
        scene.put("red", (0.25 + 0.08 * i, 0.0), (0.03, 0.03, h))
    cloud = TableCloud.of(scene.render(), 0.0)
    for s in search(scene.render().rgb, parse("red block"), cloud).segments:
        usable, _ = sample_grasps(cloud.points[s.mask & cloud.valid], np.empty((0, 3)), 0.0, HAND)
        for g in usable:
            tip = g.T[:3, 3] + g.T[:3, 2] * HAND.tip_m
            assert tip[2] > 0.0015


def test_too_wide_a_thing_has_no_grasp_and_says_why(stage):
    scene = stage()
    scene.put("red", (0.33, 0.0), (0.1, 0.1, 0.05))
    usable, rejected = grasps_on(scene.render(), "red box")
    assert all(g.width_m < HAND.opening_m for g in usable)
    assert any("opens" in g.rejected for g in rejected)


def test_neighbours_close_off_the_directions_they_stand_in(stage, yaw_off):
    scene = stage()
    scene.put("red", (0.33, 0.0))
    scene.put("blue", (0.33, 0.052), (0.06, 0.03, 0.06))
    scene.put("blue", (0.33, -0.052), (0.06, 0.03, 0.06))
    usable, rejected = grasps_on(scene.render(eye=(0.60, 0.0, 0.6)), "red cube")
    upright = [g for g in usable if g.T[2, 2] < -0.99]
    assert upright
    for g in upright:  # across x is free, across y is not
        assert yaw_off(np.arctan2(g.T[1, 1], g.T[0, 1]), 0.0, np.pi) < np.deg2rad(40)
    assert any("touch" in g.rejected for g in rejected)


def test_the_plain_grasp_is_across_the_narrow_side_with_the_least_turn(stage, yaw_off):
    scene = stage()
    scene.put("blue", (0.33, 0.03), (0.09, 0.035, 0.03), 0.7)
    found = locate([scene.render()], "blue box", table_z_m=0.0)
    position, wxyz, width = grasp_on_box(found, 0.0, HAND)
    w, x, y, z = wxyz
    opening = np.array([2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)])
    assert yaw_off(np.arctan2(opening[1], opening[0]), 0.7 + np.pi / 2, np.pi) < np.deg2rad(3)
    assert abs(width - 0.035) < 0.004
    assert position[2] >= HAND.tip_m


def test_a_square_is_gripped_with_the_smaller_turn(stage):
    scene = stage()
    scene.put("red", (0.33, 0.0), yaw=np.deg2rad(80))
    found = locate([scene.render()], "red cube", table_z_m=0.0)
    _, wxyz, _ = grasp_on_box(found, 0.0, HAND)
    turn = 2 * np.arccos(min(1.0, abs(float(wxyz @ np.array([0.0, 0, 1, 0])))))
    assert turn < np.deg2rad(47)


def test_only_grasps_that_point_down_are_chosen():
    down = np.diag([1.0, -1.0, -1.0, 1.0])
    level = np.eye(4)[[0, 2, 1, 3]]
    grasps, scores = np.stack([level, down, down]), np.array([0.9, 0.3, 0.5])
    assert most_upright(grasps, scores, np.eye(4), 0.8) == (2, 0.5)
    assert most_upright(grasps[:1], scores[:1], np.eye(4), 0.8) == (None, -np.inf)


def test_a_tall_thing_is_offered_from_the_side_too_and_a_flat_one_is_not(stage):
    def grasps(height):
        scene = stage()
        scene.put("red", (0.33, 0.0), (0.04, 0.04, height), shape="cylinder")
        view = scene.render()
        cloud = TableCloud.of(view, 0.0)
        mask = segment(view.rgb, "red can", view.depth_m, view.K, view.T_base_cam, 0.0)[0].mask
        thing, others = cloud.points[mask & cloud.valid], cloud.points[~mask & cloud.above_table()]
        return sample_grasps(thing, others, 0.0, GripperShape())[0]

    tall = grasps(0.12)
    level = [g for g in tall if abs(g.T[2, 2]) < 0.2]
    assert level and tall[0].T[2, 2] < -0.7  # from above comes first
    for g in level:
        R = g.T[:3, :3]
        assert abs(np.linalg.det(R) - 1) < 1e-9 and np.allclose(R @ R.T, np.eye(3), atol=1e-9)
        assert g.T[2, 3] > 0.035  # the palm clears the table
        assert np.hypot(g.T[0, 3] - 0.33, g.T[1, 3]) < 0.02  # between the fingers is the thing
    assert not [g for g in grasps(0.035) if abs(g.T[2, 2]) < 0.2]
