"""Masks: the right thing, only it, best first, and nothing when there is nothing."""

import numpy as np
import pytest

from aspire_tui.environment.perception.cloud import TableCloud
from aspire_tui.environment.perception.prompt import parse
from aspire_tui.environment.perception.segment import search, segment, segment_point


def find(picture, prompt):
    return segment(
        picture.rgb, prompt, picture.depth_m, picture.K, picture.T_base_cam, table_z_m=0.0
    )


def pixel_of(picture, xyz):
    local = np.linalg.inv(picture.T_base_cam) @ np.append(xyz, 1.0)
    return picture.K[:2, :2] @ (local[:2] / local[2]) + picture.K[:2, 2]


def test_the_mask_covers_the_thing_and_little_else(stage):
    scene = stage()
    with_cube, without = scene, stage()
    scene.put("red", (0.33, 0.02), yaw=0.4)
    picture, empty = with_cube.render(), without.render()
    truth = np.abs(picture.depth_m - empty.depth_m) > 1e-4
    mask = find(picture, "red cube")[0].mask
    overlap = np.count_nonzero(mask & truth) / np.count_nonzero(mask | truth)
    assert overlap > 0.85


def test_boxes_bound_their_masks_and_scores_fall(stage):
    scene = stage()
    scene.put("red", (0.30, -0.1))
    scene.put("red", (0.36, 0.1), (0.06, 0.06, 0.03))
    found = find(scene.render(), "red object")
    assert len(found) == 2
    assert found[0].score >= found[1].score
    for s in found:
        x1, y1, x2, y2 = s.box
        assert 0 <= s.score <= 1
        assert s.mask[y1:y2, x1:x2].sum() == s.mask.sum()
        assert s.mask[y1, x1:x2].any()
        assert s.mask[y1:y2, x2 - 1].any()


def test_a_red_table_is_not_a_red_thing(stage):
    scene = stage(table_rgb=(0.7, 0.12, 0.1))
    scene.put("red", (0.33, 0.0))
    with_depth = find(scene.render(), "red cube")
    assert len(with_depth) == 1
    assert with_depth[0].mask.mean() < 0.05
    picture = scene.render()
    assert all(s.mask.mean() < 0.4 for s in segment(picture.rgb, "red cube"))


@pytest.mark.parametrize("prompt", ["red cube", "object", "white block", "grey thing"])
@pytest.mark.parametrize("grey", [0.05, 0.5, 0.95])
def test_no_mask_ever_fills_the_picture(stage, prompt, grey):
    plain = np.full((120, 160, 3), int(255 * grey), np.uint8)
    assert segment(plain, prompt) == []
    picture = stage(table_rgb=(grey, grey, grey)).render()
    assert all(s.mask.mean() < 0.4 for s in find(picture, prompt))


def test_a_patch_over_most_of_the_picture_is_background():
    wall = np.full((120, 160, 3), 128, np.uint8)
    wall[10:110, 15:145] = (200, 30, 25)
    assert segment(wall, "red cube") == []
    wall[:, 60:] = 128
    assert len(segment(wall, "red cube")) == 1


def test_a_hidden_thing_is_not_found_and_the_reason_names_what_was_seen(stage):
    scene = stage()
    scene.put("green", (0.33, 0.0), (0.08, 0.08, 0.08))
    scene.put("red", (0.33, 0.0), (0.04, 0.04, 0.04))
    picture = scene.render()
    assert find(picture, "red cube") == []
    cloud = TableCloud.of(picture, 0.0)
    assert "red cube" in search(picture.rgb, parse("red cube"), cloud).reason


def test_size_words_choose_between_like_things(stage):
    scene = stage()
    scene.put("blue", (0.30, -0.08), (0.03, 0.03, 0.03))
    scene.put("blue", (0.36, 0.08), (0.05, 0.05, 0.05))
    scene.put("blue", (0.28, 0.14), (0.03, 0.03, 0.09))
    picture = scene.render()
    for prompt, xy in [
        ("small blue block", (0.30, -0.08)),
        ("large blue block", (0.36, 0.08)),
        ("tall blue block", (0.28, 0.14)),
    ]:
        best = find(picture, prompt)[0].mask
        x, y = pixel_of(picture, (*xy, 0.02))
        assert best[round(y), round(x)], prompt


def test_shape_words_choose_between_a_box_and_a_cylinder(stage):
    scene = stage()
    scene.put("green", (0.30, -0.08), (0.05, 0.05, 0.05), yaw=0.5)
    scene.put("green", (0.34, 0.08), (0.05, 0.05, 0.05), shape="cylinder")
    picture = scene.render()
    for prompt, xy in [("green cube", (0.30, -0.08)), ("green cylinder", (0.34, 0.08))]:
        x, y = pixel_of(picture, (*xy, 0.05))
        assert find(picture, prompt)[0].mask[round(y), round(x)], prompt


def test_without_colour_words_things_are_found_but_not_the_arm(stage):
    scene = stage()
    scene.put("red", (0.36, 0.05))
    scene.put("yellow", (0.30, -0.1))
    for i in range(3):  # stands there like an arm, in links of two colours
        z = 0.075 + 0.15 * i
        scene.put(("grey", "blue", "grey")[i], (0.12, 0.1), (0.07, 0.07, 0.15), z=z)
    picture = scene.render(fovy_deg=55)
    found = find(picture, "object")
    assert len(found) == 2
    heights = [TableCloud.of(picture, 0.0).height_m[s.mask].max() for s in found]
    assert max(heights) < 0.06


def test_words_it_cannot_use_lower_the_score(stage):
    scene = stage()
    scene.put("red", (0.33, 0.0))
    picture = scene.render()
    assert find(picture, "red hammer")[0].score < find(picture, "red block")[0].score


def test_colour_alone_works_without_depth(stage):
    scene = stage()
    scene.put("green", (0.33, 0.05))
    picture = scene.render()
    found = segment(picture.rgb, "green cube")
    x, y = pixel_of(picture, (0.33, 0.05, 0.04))
    assert found[0].mask[round(y), round(x)]


def test_a_point_picks_the_thing_under_it_and_not_its_neighbour(stage):
    scene = stage()
    scene.put("red", (0.33, 0.0))
    scene.put("blue", (0.33, 0.041))  # touching
    picture = scene.render()
    at = pixel_of(picture, (0.33, 0.0, 0.04))
    other = pixel_of(picture, (0.33, 0.041, 0.04))
    args = (picture.depth_m, picture.K, picture.T_base_cam, 0.0)
    mask = segment_point(picture.rgb, tuple(at), *args)[0].mask
    assert mask[round(at[1]), round(at[0])]
    assert not mask[round(other[1]), round(other[0])]


def test_a_point_on_the_table_or_outside_picks_nothing(stage):
    picture = stage().render()
    args = (picture.depth_m, picture.K, picture.T_base_cam, 0.0)
    assert segment_point(picture.rgb, (160, 120), *args) == []
    assert segment_point(picture.rgb, (-5, 9999), *args) == []
    assert segment_point(picture.rgb, (160, 120)) == []
