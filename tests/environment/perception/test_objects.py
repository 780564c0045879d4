"""Where things are: within millimetres and degrees, or a reason why not."""

import numpy as np
import pytest

from aspire_tui.environment.perception.cloud import TableCloud
from aspire_tui.environment.perception.objects import NotFound, ObjectEstimate, locate

WRIST = {"fovy_deg": 58, "camera": "wrist"}


def tilt(rx_deg=0.0, ry_deg=0.0, rz_deg=0.0, xyz=(0.0, 0.0, 0.0)):
    """A small wrong turn and shift of a camera, in its own frame."""
    a, b, c = np.deg2rad([rx_deg, ry_deg, rz_deg])
    T = np.eye(4)
    T[:3, :3] = np.array([[1, -c, b], [c, 1, -a], [-b, a, 1]])
    u, _, v = np.linalg.svd(T[:3, :3])
    T[:3, :3] = u @ v
    T[:3, 3] = xyz
    return T


@pytest.mark.parametrize("seed", range(12))
def test_a_cube_is_measured_to_4_mm_and_5_degrees_without_noise(stage, yaw_off, seed):
    rng = np.random.default_rng(seed)
    scene = stage()
    xy, yaw = rng.uniform((0.25, -0.16), (0.42, 0.16)), rng.uniform(-3, 3)
    side = float(rng.uniform(0.03, 0.06))
    scene.put("red", xy, (side, side, side), yaw)
    found = locate([scene.render()], "red cube", table_z_m=0.0)
    assert isinstance(found, ObjectEstimate)
    assert np.linalg.norm(found.position - (*xy, side / 2)) < 0.004
    assert np.abs(found.extent - side).max() < 0.005
    assert yaw_off(found.yaw_rad, yaw) < np.deg2rad(5)


@pytest.mark.parametrize("seed", range(6))
def test_an_oblong_keeps_its_long_side(stage, yaw_off, seed):
    rng = np.random.default_rng(seed)
    scene = stage()
    yaw = rng.uniform(-3, 3)
    scene.put("blue", (0.33, 0.03), (0.09, 0.035, 0.03), yaw)
    found = locate([scene.render()], "blue box", table_z_m=0.0)
    long_axis = found.yaw_rad + (np.pi / 2 if found.extent[1] > found.extent[0] else 0)
    assert yaw_off(long_axis, yaw, np.pi) < np.deg2rad(3)
    assert np.abs(np.sort(found.extent[:2]) - (0.035, 0.09)).max() < 0.005


def test_depth_noise_costs_little(stage, yaw_off):
    off, turned = [], []
    for seed in range(15):
        scene = stage(depth_noise=0.003, rgb_noise=0.008, seed=seed)
        scene.put("red", (0.32, 0.02), yaw=0.2 * seed)
        found = locate([scene.render()], "red cube", table_z_m=0.0)
        off.append(np.linalg.norm(found.position - (0.32, 0.02, 0.02)))
        turned.append(yaw_off(found.yaw_rad, 0.2 * seed))
    assert np.quantile(off, 0.9) < 0.004
    assert np.quantile(turned, 0.9) < np.deg2rad(5)


def test_the_table_in_the_picture_takes_out_a_wrong_tilt_and_height(stage):
    scene = stage()
    scene.put("red", (0.32, 0.02))
    wrong = tilt(0.8, -0.6, 0.0, (0.0, 0.003, 0.004))
    picture = scene.render(calibration_error=wrong)
    found = locate([picture], "red cube", table_z_m=0.0)
    assert abs(found.position[2] - 0.02) < 0.001
    assert abs(found.bottom_z_m) < 1e-6
    assert np.linalg.norm(found.position[:2] - (0.32, 0.02)) < 0.008
    cloud = TableCloud.of(picture, 0.0)
    assert abs(float(np.median(cloud.points[cloud.valid][:, 2]))) < 0.001


def test_the_upper_of_a_stack_ends_where_the_lower_begins(stage):
    scene = stage()
    scene.put("green", (0.33, 0.0), (0.05, 0.05, 0.05))
    scene.put("red", (0.335, 0.003), (0.044, 0.044, 0.044), 0.4, z=0.072)
    red = locate([scene.render()], "red cube", table_z_m=0.0)
    assert abs(red.top_z_m - 0.094) < 0.002
    assert abs(red.bottom_z_m - 0.05) < 0.003


@pytest.mark.parametrize("yaw", [0.0, 0.35, 0.8, 1.3])
def test_the_lower_of_a_stack_is_measured_by_its_sides(stage, yaw_off, yaw):
    scene = stage()
    scene.put("red", (0.33, 0.0), (0.044, 0.044, 0.044), yaw)
    scene.put("green", (0.33, 0.0), (0.05, 0.05, 0.05), 0.9, z=0.069)
    red = locate([scene.render()], "red cube", table_z_m=0.0)
    assert isinstance(red, ObjectEstimate), red
    assert np.linalg.norm(red.position[:2] - (0.33, 0.0)) < 0.005
    assert yaw_off(red.yaw_rad, yaw) < np.deg2rad(4)
    assert 0.038 < red.top_z_m < 0.046  # the overhang of the upper one hides the last millimetres
    assert any("stands on it" in n for n in red.notes)


def test_a_thing_in_the_air_is_where_it_is(stage):
    scene = stage()
    scene.put("red", (0.33, 0.02), yaw=0.3, z=0.15)
    found = locate([scene.render()], "red cube", table_z_m=0.0)
    assert np.linalg.norm(found.position - (0.33, 0.02, 0.15)) < 0.005
    assert abs(found.extent[2] - 0.04) < 0.005


def test_half_a_thing_at_the_edge_of_the_picture_is_refused(stage):
    scene = stage()
    scene.put("red", (0.33, 0.0))
    picture = scene.render()
    whole = locate([picture], "red cube", table_z_m=0.0)
    assert isinstance(whole, ObjectEstimate)
    x = (whole.box[0] + whole.box[2]) // 2
    half = type(picture)(
        "scene", picture.rgb[:, :x], picture.depth_m[:, :x], picture.K, picture.T_base_cam
    )
    found = locate([half], "red cube", table_z_m=0.0)
    assert isinstance(found, NotFound)
    assert "cut off" in found.reason


def test_a_missing_thing_has_a_reason_per_camera(stage):
    scene = stage()
    scene.put("blue", (0.33, 0.0))
    views = [scene.render(), scene.render(eye=(0.28, 0, 0.35), at=(0.33, 0, 0), **WRIST)]
    found = locate(views, "red cube", table_z_m=0.0)
    assert isinstance(found, NotFound)
    assert "scene" in found.reason
    assert "wrist" in found.reason


def test_a_picture_without_depth_finds_but_does_not_place(stage):
    scene = stage()
    scene.put("red", (0.33, 0.0))
    picture = scene.render()
    blind = type(picture)(
        "scene", picture.rgb, np.zeros_like(picture.depth_m), picture.K, picture.T_base_cam
    )
    found = locate([blind], "red cube")
    assert isinstance(found, NotFound)
    assert "depth" in found.reason
    # Where the table is known it can be placed on it, and says that it was taken to stand there.
    placed = locate([blind], "red cube", table_z_m=0.0)
    assert not isinstance(placed, NotFound) and any("taken for so" in n for n in placed.notes)


def test_two_cameras_that_agree_are_joined_and_surer(stage):
    scene = stage()
    scene.put("red", (0.33, 0.0))
    views = [scene.render(), scene.render(eye=(0.26, 0, 0.35), at=(0.33, 0, 0), **WRIST)]
    both = locate(views, "red cube", table_z_m=0.0)
    assert set(both.cameras) == {"scene", "wrist"}
    assert both.spread_m < 0.004
    assert both.sigma_m < min(e.sigma_m for e in both.per_camera)
    assert np.linalg.norm(both.position - (0.33, 0.0, 0.02)) < 0.004


def test_two_cameras_that_disagree_are_not_averaged(stage):
    scene = stage()
    scene.put("red", (0.33, 0.0))
    turned = tilt(rz_deg=0.0, xyz=(0.05, 0.0, 0.0))
    views = [
        scene.render(),
        scene.render(eye=(0.26, 0, 0.35), at=(0.33, 0, 0), calibration_error=turned, **WRIST),
    ]
    both = locate(views, "red cube", table_z_m=0.0)
    assert both.spread_m > 0.04
    assert any("disagree" in n for n in both.notes)
    assert any(np.allclose(both.position, e.position) for e in both.per_camera)


def test_a_second_like_thing_is_mentioned(stage):
    scene = stage()
    scene.put("red", (0.30, -0.1))
    scene.put("red", (0.36, 0.1))
    found = locate([scene.render()], "red cube", table_z_m=0.0)
    assert any("more fit" in n for n in found.notes)


def behind_a_post(stage, post_width_m):
    scene = stage()
    scene.put("red", (0.33, 0.0))
    scene.put("blue", (0.385, 0.021), (0.02, post_width_m, 0.12))
    return locate([scene.render(eye=(0.9, 0.05, 0.3))], "red cube", table_z_m=0.0)


def test_a_half_hidden_cube_is_unsure_and_says_so(stage):
    found = behind_a_post(stage, 0.03)
    assert isinstance(found, ObjectEstimate)
    assert any("hidden" in n for n in found.notes)
    assert found.fit_sd_m > 0.005


def test_a_cube_of_which_only_a_sliver_shows_is_refused(stage):
    found = behind_a_post(stage, 0.05)
    assert isinstance(found, NotFound)
    assert "hidden" in found.reason
