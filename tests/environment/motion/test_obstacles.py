from __future__ import annotations

import numpy as np
import pytest
from ideal_cell import Block, IdealCell

from aspire_tui.environment.bench import View, Workbench
from aspire_tui.environment.motion.collision import Box, HeldBox
from aspire_tui.environment.motion.kinematics import Kinematics
from aspire_tui.environment.motion.obstacles import GROW_M, ObstacleMap, Region
from aspire_tui.environment.motion.pose import invert, pose_matrix
from aspire_tui.environment.motion.silhouette import Silhouette

CUBE = Block(0.32, 0.1, (0.04, 0.04, 0.04))
POST = Block(0.4, -0.1, (0.03, 0.03, 0.12))


@pytest.fixture
def empty(cell: IdealCell, kinematics: Kinematics) -> ObstacleMap:
    return ObstacleMap(cell.info.workspace, Silhouette(kinematics.arm))


def look(bench: Workbench) -> View:
    return bench.look("scene")


def with_depth(view: View, depth_m: np.ndarray) -> View:
    return View(view.frame, view.T_base_cam, depth_m.astype(np.float32), view.q_rad)


def points_of(view: View) -> np.ndarray:
    """Every pixel's point in the base frame, shape (H, W, 3)."""
    h, w = view.depth_m.shape
    u, v = np.meshgrid(np.arange(w), np.arange(h))
    rays = np.stack(
        ((u - view.K[0, 2]) / view.K[0, 0], (v - view.K[1, 2]) / view.K[1, 1], np.ones((h, w))), -1
    )
    p = rays * view.depth_m[..., None]
    return p @ view.T_base_cam[:3, :3].T + view.T_base_cam[:3, 3]


def test_heights_are_where_things_stand(
    cell: IdealCell, bench: Workbench, empty: ObstacleMap
) -> None:
    cell.blocks = [CUBE, POST]
    view = look(bench)
    empty.add(view, view.q_rad)
    assert empty.height_m(0.32, 0.1) == pytest.approx(0.04, abs=0.002)
    assert empty.height_m(0.4, -0.1) == pytest.approx(0.12, abs=0.003)
    assert empty.height_m(0.3, 0.0) == 0.0
    box = empty.extent(0.32, 0.1, 0.06)
    assert box is not None
    assert np.allclose(box.centre_m, (0.32, 0.1, 0.02), atol=0.008)
    assert np.allclose(box.half_m, (0.02, 0.02, 0.02), atol=0.008)
    assert empty.extent(0.2, -0.2, 0.06) is None


def test_boxes_cover_what_was_seen_and_little_else(
    cell: IdealCell, bench: Workbench, empty: ObstacleMap
) -> None:
    cell.blocks = [CUBE, POST]
    view = look(bench)
    empty.add(view, view.q_rad)
    boxes = empty.boxes(near=(Region(0.32, 0.1, 0.05),))
    assert 1 <= len(boxes) < 40

    def covered(x: float, y: float, z: float) -> bool:
        return any(
            all(abs(p - c) <= h for p, c, h in zip((x, y, z), b.centre_m, b.half_m, strict=True))
            for b in boxes
        )

    for block in cell.blocks:
        for sx in (-0.9, 0.0, 0.9):
            x, y = block.x_m + sx * block.size_m[0] / 2, block.y_m + sx * block.size_m[1] / 2
            assert covered(x, y, block.size_m[2] - 0.003)
            assert not covered(x, y, block.size_m[2] + GROW_M + 0.01)
    assert not covered(0.3, 0.0, 0.02)
    near = {b.near for b in boxes if abs(b.centre_m[1] - 0.1) < 0.05}
    far = {b.near for b in boxes if abs(b.centre_m[1] + 0.1) < 0.05}
    assert (near, far) == ({True}, {False})


def test_the_arm_is_not_an_obstacle_to_itself(
    bench: Workbench, empty: ObstacleMap, kinematics: Kinematics
) -> None:
    view = look(bench)
    tool = pose_matrix(np.array((0.32, 0.0, 0.1)), np.array((0, 0, 1.0, 0)))
    q = kinematics.solve(tool, view.q_rad, rng=np.random.default_rng(0)).q
    assert q is not None
    # Paint the hand into the picture: a disc of pixels at the hand's own distance.
    hand = tool[:3, 3] - 0.09 * tool[:3, 2]
    cam = invert(view.T_base_cam) @ np.append(hand, 1)
    u, v = (view.K @ cam[:3])[:2] / cam[2]
    h, w = view.depth_m.shape
    uu, vv = np.meshgrid(np.arange(w), np.arange(h))
    disc = np.hypot(uu - u, vv - v) < 3
    assert np.count_nonzero(disc) > 20
    painted = with_depth(view, np.where(disc, cam[2], view.depth_m))
    empty.add(painted, q)
    assert empty.boxes() == []
    away = q + np.array((1.5, 0, 0, 0, 0, 0))
    empty.add(painted, away)
    assert len(empty.boxes()) > 0


def test_pixels_at_the_arms_outline_are_not_believed(
    bench: Workbench, empty: ObstacleMap, kinematics: Kinematics
) -> None:
    view = look(bench)
    tool = pose_matrix(np.array((0.32, 0.0, 0.1)), np.array((0, 0, 1.0, 0)))
    q = kinematics.solve(tool, view.q_rad, rng=np.random.default_rng(0)).q
    assert q is not None
    hand = tool[:3, 3] - 0.09 * tool[:3, 2]
    cam = invert(view.T_base_cam) @ np.append(hand, 1)
    u, v = (view.K @ cam[:3])[:2] / cam[2]
    h, w = view.depth_m.shape
    uu, vv = np.meshgrid(np.arange(w), np.arange(h))
    away = np.hypot(uu - u, vv - v)
    depth = np.where(away < 6, cam[2], view.depth_m)
    # Round it a seam of distances half-way to the table, as depth cameras give them.
    seam = (away >= 6) & (away < 7.4)
    depth[seam] = (cam[2] + view.depth_m[seam]) / 2
    empty.add(with_depth(view, depth), q)
    assert empty.boxes() == []


def test_what_the_arm_hides_is_remembered(
    cell: IdealCell, bench: Workbench, empty: ObstacleMap
) -> None:
    cell.blocks = [CUBE]
    view = look(bench)
    empty.add(view, view.q_rad)
    # The cube is gone, but those pixels now say nothing.
    cell.blocks = []
    blank = look(bench)
    p = points_of(view)
    hidden = np.hypot(p[..., 0] - 0.32, p[..., 1] - 0.1) < 0.1
    empty.add(with_depth(blank, np.where(hidden, 0, blank.depth_m)), blank.q_rad)
    assert empty.height_m(0.32, 0.1) > 0.03
    # Seen empty, it is empty.
    empty.add(blank, blank.q_rad)
    assert empty.height_m(0.32, 0.1) == 0.0


def test_single_ghosts_are_not_believed(bench: Workbench, empty: ObstacleMap) -> None:
    view = look(bench)
    rng = np.random.default_rng(0)
    depth = view.depth_m.copy()
    for v, u in rng.integers((10, 10), (110, 150), (40, 2)):
        depth[v, u] *= rng.uniform(0.6, 0.95)
    empty.add(with_depth(view, depth), view.q_rad)
    assert empty.boxes() == []


def test_mixed_pixels_at_edges_are_not_believed(
    cell: IdealCell, bench: Workbench, empty: ObstacleMap
) -> None:
    cell.blocks = [POST]
    view = look(bench)
    depth = view.depth_m.copy()
    # At its outline the camera reports distances between the post and the table behind.
    edge = np.abs(np.diff(depth, axis=1, append=depth[:, -1:])) > 0.04
    depth[edge] = (depth + np.roll(depth, -1, axis=1))[edge] / 2
    assert np.count_nonzero(edge) > 10
    empty.add(with_depth(view, depth), view.q_rad)
    box = empty.extent(0.4, -0.1, 0.08)
    assert box is not None
    assert max(box.half_m[:2]) < 0.03


def test_a_camera_that_is_a_little_off_does_not_raise_the_table(
    cell: IdealCell, bench: Workbench, empty: ObstacleMap
) -> None:
    cell.blocks = [CUBE]
    cell.table_tilt = (0.03, -0.02)
    view = look(bench)
    empty.add(view, view.q_rad)
    boxes = empty.boxes()
    assert all(abs(b.centre_m[0] - 0.32) < 0.05 and abs(b.centre_m[1] - 0.1) < 0.05 for b in boxes)
    assert empty.height_m(0.32, 0.1) == pytest.approx(0.04 - 0.0076, abs=0.01)


def test_forget_and_without(cell: IdealCell, bench: Workbench, empty: ObstacleMap) -> None:
    cell.blocks = [CUBE, POST]
    view = look(bench)
    empty.add(view, view.q_rad)
    version = empty.version
    spared = empty.without(Region(0.32, 0.1, 0.06))
    assert spared.height_m(0.32, 0.1) == 0.0
    assert empty.height_m(0.32, 0.1) > 0.03
    assert empty.version == version
    empty.forget(Region(0.4, -0.1, 0.05))
    assert empty.height_m(0.4, -0.1) == 0.0
    assert empty.version > version


def test_version_changes_with_the_scene_only(
    cell: IdealCell, bench: Workbench, empty: ObstacleMap
) -> None:
    cell.blocks = [CUBE]
    for _ in range(2):
        view = look(bench)
        empty.add(view, view.q_rad)
    assert empty.version == 1
    cell.blocks = [POST]
    view = look(bench)
    empty.add(view, view.q_rad)
    assert empty.version == 2


def test_what_is_held_is_left_out(
    cell: IdealCell, bench: Workbench, empty: ObstacleMap, kinematics: Kinematics
) -> None:
    cell.blocks = [CUBE, POST]
    view = look(bench)
    T = pose_matrix(np.array((0.32, 0.1, 0.02)), np.array((1.0, 0, 0, 0)))
    empty.add(view, view.q_rad, hidden=[(T, np.array((0.035, 0.035, 0.035)))])
    assert empty.height_m(0.32, 0.1) == 0.0
    assert empty.height_m(0.4, -0.1) > 0.1


def test_the_silhouette_covers_the_arm_and_not_the_air(kinematics: Kinematics) -> None:
    silhouette = Silhouette(kinematics.arm)
    q = np.array(kinematics.arm.home_rad)
    T = kinematics.tool_pose(q)
    along = np.array([T[:3, 3] - s * T[:3, 2] for s in (0.02, 0.05, 0.09)])
    aside = along + 0.2 * T[:3, 1]
    assert silhouette.covers(along, q, 0.025).all()
    assert not silhouette.covers(aside, q, 0.025).any()
    assert not silhouette.covers(along, q + np.array((0.8, 0, 0, 0, 0, 0)), 0.025).any()
    # Fingers count wherever they may be between open and closed.
    fingertip = T[:3, 3] + 0.0375 * T[:3, 1] - 0.01 * T[:3, 2]
    assert silhouette.covers(fingertip[None], q, 0.0).all()


def test_a_held_box_moves_with_the_tool(kinematics: Kinematics) -> None:
    q = np.array(kinematics.arm.home_rad)
    x, y, z = kinematics.tool_pose(q)[:3, 3]
    below = Box((float(x), float(y), float(z) - 0.1), (0.02, 0.02, 0.02))
    held = HeldBox(pose_matrix(np.array((0, 0, 0.05)), np.array((1.0, 0, 0, 0))), (0.02,) * 3)
    shape = kinematics.shape
    assert shape.among([below], table_z_m=0.0).touching(q) == ""
    carrying = shape.among(
        [below], table_z_m=0.0, held=HeldBox(held.T_tool_box, (0.02, 0.02, 0.04))
    )
    assert "held" in carrying.touching(q)
