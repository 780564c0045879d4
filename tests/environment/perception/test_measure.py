"""What a verifier measures, per camera, with its uncertainty."""

import numpy as np

from aspire_tui.environment.perception.measure import (
    bottom_height,
    horizontal_offset,
    sightings,
    top_height,
)


def test_heights_and_offsets_per_camera(stage):
    scene = stage()
    scene.put("green", (0.33, 0.0), (0.05, 0.05, 0.05))
    scene.put("red", (0.34, 0.0), (0.044, 0.044, 0.044), z=0.072)
    blind = stage()
    views = [scene.render(), blind.render(camera="other")]
    red, green = sightings(views, "red cube", 0.0), sightings(views, "green cube", 0.0)
    top = {m.camera: m for m in top_height("red", red, 0.0)}
    assert abs(top["scene"].value_m - 0.094) < 2 * top["scene"].sigma_m
    assert top["other"].value_m is None
    assert top["other"].why
    bottom = {m.camera: m for m in bottom_height("red", red, 0.0)}
    assert abs(bottom["scene"].value_m - 0.05) < 2 * bottom["scene"].sigma_m
    apart = {m.camera: m for m in horizontal_offset("red", "green", red, green)}
    assert abs(apart["scene"].value_m - 0.01) < 0.006
    assert 0 < apart["scene"].sigma_m < 0.01
    assert apart["other"].value_m is None


def test_a_bottom_nobody_saw_is_unsure(stage):
    scene = stage()
    scene.put("red", (0.33, 0.0))
    above = [scene.render(eye=(0.33, 0.0, 0.5), at=(0.3301, 0.0, 0.0), fovy_deg=50)]
    seen = sightings(above, "red cube", 0.0)
    assert bottom_height("red", seen, 0.0)[0].sigma_m > 0.01
    assert np.isclose(top_height("red", seen, 0.0)[0].value_m, 0.04, atol=0.002)
