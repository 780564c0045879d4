"""Pictures agree with geometry."""

from __future__ import annotations

import msgspec
import mujoco
import numpy as np
import pytest
from scripted import Kinematics, Operator, cube, scene, yam

from drivers.sim.camera_source import open_source
from drivers.sim.cell import SimCell
from drivers.sim.hosted import open_world
from drivers.sim.lens import intrinsics
from drivers.sim.noise import NoiseSpec
from drivers.sim.scene import SceneObject
from drivers.sim.world import World
from drivers.types import Frame


@pytest.fixture(scope="module")
def ideal() -> SimCell:
    return SimCell(yam(), noise=False)


def base_from_camera(frame: Frame) -> np.ndarray:
    """Camera pose in the base frame, from what a client knows."""
    if frame.mount == "base":
        return frame.T_mount_cam
    return Kinematics().tool(np.array(frame.q_rad)) @ frame.T_mount_cam


def points(frame: Frame) -> np.ndarray:
    """Every depth pixel in the base frame, shape (H, W, 3)."""
    z = frame.depth_m()
    v, u = np.indices(z.shape)
    rays = np.stack([u, v, np.ones_like(u)], axis=-1) @ np.linalg.inv(frame.K).T
    T = base_from_camera(frame)
    return (rays * z[..., None]) @ T[:3, :3].T + T[:3, 3]


def seen(cell: SimCell, camera: str, name: str) -> np.ndarray:
    """Mask of the pixels that show a thing, by truth."""
    world = cell._world
    return world.picture(camera).geom == world.model.geom(name).id


@pytest.mark.parametrize("camera", ["scene", "wrist"])
def test_depth_pixels_lie_on_the_faces_of_a_box(ideal: SimCell, camera: str) -> None:
    ideal.stand_in.reset_scene(scene(cube(x_m=0.34, y_m=0.02)))
    mask = seen(ideal, camera, "red cube")
    assert mask.sum() > 150
    truth = np.array(ideal.stand_in.truth().objects["red cube"].xyz_m)
    local = np.abs(points(ideal.frame(camera))[mask] - truth)
    on_a_face = np.abs(local.max(axis=1) - 0.02)
    assert on_a_face.max() < 0.0005


def test_table_pixels_lie_on_the_table(ideal: SimCell) -> None:
    ideal.stand_in.reset_scene(scene())
    z = points(ideal.frame("scene"))[seen(ideal, "scene", "table")][:, 2]
    assert np.abs(z).max() < 0.0003


def test_colour_is_that_of_the_thing(ideal: SimCell) -> None:
    ideal.stand_in.reset_scene(scene(cube()))
    rgb = ideal.frame("scene").rgb[seen(ideal, "scene", "red cube")].astype(float)
    red, green, blue = rgb.mean(axis=0)
    assert red > 2 * green and red > 2 * blue


def test_where_a_ray_meets_nothing_there_is_no_depth(ideal: SimCell) -> None:
    ideal.stand_in.reset_scene(scene())
    picture = ideal._world.picture("scene")
    frame = ideal.frame("scene")
    assert frame.depth is not None
    assert np.array_equal(frame.depth == 0, picture.geom < 0)


def test_light_hue_and_table_change_with_the_seed_but_not_the_geometry(ideal: SimCell) -> None:
    frames = []
    for seed in (1, 2):
        ideal.stand_in.reset_scene(scene(cube(), seed=seed))
        frames.append(ideal.frame("scene"))
    a, b = frames
    assert np.abs(a.rgb.astype(int) - b.rgb.astype(int)).mean() > 4
    assert np.array_equal(a.depth, b.depth)


def test_noise_moves_what_is_seen_by_millimetres_not_centimetres() -> None:
    cell = SimCell(yam())
    errors = []
    for seed in range(8):
        cell.stand_in.reset_scene(scene(cube(x_m=0.34, y_m=0.02), seed=seed))
        truth = np.array(cell.stand_in.truth().objects["red cube"].xyz_m)
        for camera in ("scene", "wrist"):
            frame = cell.frame(camera)
            mask = seen(cell, camera, "red cube") & (frame.depth_m() > 0)
            top = points(frame)[mask]
            errors.append(np.linalg.norm(np.median(top, axis=0) - truth - [0, 0, 0.01]))
            holes = (frame.depth_m() == 0).mean()
            assert 0.001 < holes < 0.2
    assert 0.002 < np.median(errors) < 0.015


def test_an_unknown_camera_is_a_key_error(ideal: SimCell) -> None:
    with pytest.raises(KeyError):
        ideal.frame("nose")


def test_ray_pictures_match_an_independent_renderer_of_a_sphere(ideal: SimCell) -> None:
    ball = SceneObject(
        "ball", "sphere", (0.06, 0.06, 0.06), (0.1, 0.2, 0.8), 0.1, (0.36, 0.0, 0.03)
    )
    ideal.stand_in.reset_scene(scene(ball))
    frame = ideal.frame("scene")
    T = base_from_camera(frame)
    centre = np.array(ideal.stand_in.truth().objects["ball"].xyz_m)
    v, u = np.indices(frame.depth_m().shape)
    rays = np.stack([u, v, np.ones_like(u)], axis=-1) @ np.linalg.inv(frame.K).T @ T[:3, :3].T
    b = rays @ (T[:3, 3] - centre)
    a = (rays**2).sum(axis=-1)
    under_root = b**2 - a * (np.sum((T[:3, 3] - centre) ** 2) - 0.03**2)
    expected = (-b - np.sqrt(np.maximum(under_root, 0))) / a
    inside = under_root > 1e-4
    assert inside.sum() > 300
    assert np.abs(frame.depth_m()[inside] - expected[inside]).max() < 0.0002


def test_a_camera_process_shows_the_hosted_world_it_is_told_about() -> None:
    hosted = open_world(yam())
    source = open_source(hosted.camera_config)
    assert [c.name for c in source.specs()] == ["scene", "wrist"]
    hosted.control.reset_scene(scene(cube(), seed=12))
    source.update(hosted.world_state())
    here, there = hosted._world.frame("wrist"), source.frame("wrist")
    assert np.array_equal(here.rgb, there.rgb)
    assert np.array_equal(here.depth, there.depth)
    assert (here.t_s, here.q_rad) == (there.t_s, there.q_rad)
    source.update(hosted.world_state())
    second = source.frame("wrist")
    assert (second.seq - there.seq, np.array_equal(second.depth, there.depth)) == (1, False)
    hosted.control.reset_scene(scene(cube(), seed=12))
    source.update(hosted.world_state())
    again = source.frame("wrist")
    assert (again.seq, np.array_equal(again.depth, there.depth)) == (there.seq, True)


def test_a_picture_for_people_does_not_change_what_a_program_sees_later() -> None:
    pictures = []
    for watched in (False, True):
        cell = SimCell(yam())
        cell.stand_in.reset_scene(scene(cube(), seed=2))
        if watched:
            cell.frame("scene")
        cell.wait(0.25)
        pictures.append(cell.frame("scene"))
    assert np.array_equal(pictures[0].rgb, pictures[1].rgb)
    assert np.array_equal(pictures[0].depth, pictures[1].depth)


def test_looking_changes_nothing(ideal: SimCell) -> None:
    ideal.stand_in.reset_scene(scene(cube()))
    Operator(ideal).go(0.35, 0.05, 0.1)
    world = ideal._world
    before = world._state()
    world.picture("scene")
    ideal.stand_in.truth()
    assert np.array_equal(world._state(), before)
    assert mujoco.mj_stateSize(world.model, mujoco.mjtState.mjSTATE_INTEGRATION) == before.size


@pytest.mark.parametrize("size", [(320, 240), (161, 121), (64, 48)])
def test_every_pixel_is_what_a_ray_of_its_own_would_have_met(size: tuple[int, int]) -> None:
    info = yam().info
    cameras = tuple(msgspec.structs.replace(c, width=size[0], height=size[1]) for c in info.cameras)
    world = World(msgspec.structs.replace(info, cameras=cameras), NoiseSpec.off())
    ball = SceneObject(
        "ball", "sphere", (0.05, 0.05, 0.05), (0.1, 0.2, 0.8), 0.1, (0.3, -0.1, 0.025)
    )
    world.reset(scene(cube(yaw_rad=0.5), ball))
    model, data = world.model, world.data
    rng = np.random.default_rng(1)
    for _ in range(4):
        data.qpos[:6] = np.array(info.arms[0].home_rad) + rng.uniform(-0.35, 0.35, 6)
        for camera in ("scene", "wrist"):
            picture = world.picture(camera)
            cam = model.camera(camera)
            K = intrinsics(*size, float(model.cam_fovy[cam.id]))
            v, u = np.indices((size[1], size[0]))
            rays = np.stack([u, v, np.ones_like(u)], axis=-1).reshape(-1, 3) @ np.linalg.inv(K).T
            length = np.linalg.norm(rays, axis=1)
            rays = rays * [1, -1, -1] @ data.cam_xmat[cam.id].reshape(3, 3).T / length[:, None]
            n = len(rays)
            geom, distance = np.full(n, -1, dtype=np.int32), np.zeros(n)
            mujoco.mj_multiRay(
                model, data, data.cam_xpos[cam.id], rays.ravel(), None, 1, -1, geom, distance,
                None, n, 6.0,
            )  # fmt: skip
            same = geom == picture.geom.ravel()
            assert same.mean() > 0.999
            seen = same & (geom >= 0)
            assert np.abs(distance / length - picture.depth_m.ravel())[seen].max() < 1e-5
            assert not picture.depth_m.ravel()[same & (geom < 0)].any()
