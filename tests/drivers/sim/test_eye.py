"""Another eye than rays gives the same picture, or is not used."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest
from numpy.typing import NDArray
from scripted import cube, scene, yam

from drivers.sim.glcam import GlReport, probe, report_of
from drivers.sim.noise import NoiseSpec
from drivers.sim.raycam import Picture
from drivers.sim.scene import SceneObject
from drivers.sim.surface import normals
from drivers.sim.world import World


def crowded() -> World:
    """A world that shows every kind of geometry to its cameras."""
    can = SceneObject(
        "can", "cylinder", (0.05, 0.05, 0.06), (0.1, 0.2, 0.7), 0.1, (0.3, -0.1, 0.03)
    )
    ball = SceneObject(
        "ball", "sphere", (0.05, 0.05, 0.05), (0.1, 0.6, 0.2), 0.1, (0.4, 0.0, 0.025)
    )
    world = World(yam().info, NoiseSpec.off())
    world.reset(scene(cube(yaw_rad=0.3), can, ball))
    return world


class Remembered:
    """Tells what a ray picture already found out."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture

    def see(
        self, data: mujoco.MjData, camera: str
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        return self._picture.geom, self._picture.depth_m


def test_normals_are_those_the_rays_met() -> None:
    world = crowded()
    model, data = world.model, world.data
    rng = np.random.default_rng(0)
    rays = rng.normal(size=(4000, 3)) - [0, 0, 1.0]
    rays /= np.linalg.norm(rays, axis=1)[:, None]
    origin = np.array([0.3, 0.05, 0.45])
    geom, distance = np.full(4000, -1, dtype=np.int32), np.zeros(4000)
    expected = np.zeros(12000)
    mujoco.mj_multiRay(
        model, data, origin, rays.ravel(), None, 1, -1, geom, distance, expected, 4000, 5.0
    )
    met = geom >= 0
    kinds = {int(model.geom_type[g]) for g in np.unique(geom[met])}
    assert len(kinds) == 4
    found = normals(model, data, geom[met], origin + rays[met] * distance[met][:, None])
    alike = np.einsum("ij,ij->i", found, expected.reshape(-1, 3)[met])
    assert np.mean(alike > 0.999) > 0.998  # an edge belongs to either face


@pytest.mark.parametrize("camera", ["scene", "wrist"])
def test_the_same_visibility_gives_the_same_picture(camera: str) -> None:
    world = crowded()
    by_rays = world.picture(camera)
    world.use_eye(lambda model: Remembered(by_rays))
    by_eye = world.picture(camera)
    assert np.array_equal(by_eye.geom, by_rays.geom)
    assert np.array_equal(by_eye.depth_m, by_rays.depth_m)
    off = np.abs(by_eye.rgb - by_rays.rgb).max(axis=2)
    assert np.mean(off > 0.01) < 0.005


def test_gl_agrees_with_rays_where_there_is_gl() -> None:
    process = probe(yam().info)
    process.wait(60.0)
    report = report_of(process)
    if report.problem.startswith("no GL"):
        pytest.skip(report.problem)
    assert report.problem == ""
    assert report.gl_ms > 0.0


def test_gl_is_used_only_when_it_works_and_is_clearly_faster() -> None:
    assert GlReport("", gl_ms=5.0, rays_ms=10.0).faster
    assert not GlReport("", gl_ms=9.0, rays_ms=10.0).faster
    assert not GlReport("no GL: ImportError", gl_ms=0.0, rays_ms=10.0).faster


def test_a_probe_that_dies_is_a_report_and_not_a_failure() -> None:
    process = probe(yam().info)
    process.kill()
    process.wait()
    assert "ended with status" in report_of(process).problem
