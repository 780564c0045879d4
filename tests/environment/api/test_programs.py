"""Programs in the style of CaP-X's tiers and of ASPIRE's API run as they are written."""

from __future__ import annotations

import pytest

from aspire_tui.environment.primitives.registry import Embodiment
from drivers.sim.scene import SceneObject, SceneSpec

from .test_reference import GREEN, RED, Cellful

HIGH_LEVEL_LIFT = """
import numpy as np
open_gripper()
pos, quat = sample_grasp_pose("red cube")
goto_pose(position=pos, quaternion_wxyz=quat, z_approach=0.1)
close_gripper()
goto_pose(pos + np.array([0, 0, 0.10]), quat)
"""

HIGH_LEVEL_STACK = """
import numpy as np
_, _, red = get_object_pose("red cube", return_bbox_extent=True)
green_pos, _, green = get_object_pose("green cube", return_bbox_extent=True)
pos, quat = sample_grasp_pose("red cube")
open_gripper()
goto_pose(pos, quat, z_approach=0.1)
close_gripper()
goto_pose(pos + np.array([0, 0, 0.2]), quat)
place = green_pos.copy()
place[2] += green[2] / 2 + red[2] / 2 + 0.003
goto_pose(place, quat, z_approach=0.08)
open_gripper()
goto_pose(place + np.array([0, 0, 0.12]), quat)
"""

LOW_LEVEL_LIFT = """
import numpy as np
obs = get_observation()
cam = obs["robot0_robotview"]
rgb, depth, K, T = cam["images"]["rgb"], cam["images"]["depth"], cam["intrinsics"], cam["pose_mat"]
found = segment_sam3_text_prompt(rgb, text_prompt="red cube")
mask = max(found, key=lambda m: m["score"])["mask"]
grasps, scores = plan_grasp(depth=depth, intrinsics=K, segmentation=mask)
pose, score = select_top_down_grasp(grasps, scores, T)
pos, quat = decompose_transform(pose)
open_gripper()
for back in (0.1, 0.0):
    approach = pos - back * pose[:3, 2]
    move_to_joints(solve_ik(position=approach, quaternion_wxyz=quat))
close_gripper()
move_to_joints(solve_ik(pos + np.array([0, 0, 0.1]), quat))
"""

ASPIRE_LIFT = """
import numpy as np
obs = get_observation()
cam = obs["agentview"]
rgb, depth, K, T = cam["images"]["rgb"], cam["images"]["depth"], cam["intrinsics"], cam["pose_mat"]
points = point_prompt_molmo(rgb, "red cube")
x, y = points["red cube"]
mask = segment_sam3_point_prompt(rgb, point_coords=(x, y))[0]["mask"]
cloud = filter_noise(mask_to_world_points(mask, depth, K, T))
box = get_oriented_bounding_box_from_3d_points(cloud)
grasps, scores = plan_grasp(depth, K, mask)
pose, score = select_top_down_grasp(grasps, scores, T, vertical_threshold=0.8)
pos, quat = decompose_transform(pose)
open_gripper()
goto_pose(pos, quat, z_approach=0.1)
close_gripper()
goto_pose(np.array([pos[0], pos[1], pos[2] + 0.12]), quat)
"""


def _thing(name: str, rgb: tuple[float, float, float], x: float, y: float) -> SceneObject:
    return SceneObject(name, "box", (0.045, 0.045, 0.045), rgb, 0.06, (x, y, 0.0225))


@pytest.fixture(scope="module")
def cell() -> Cellful:
    return Cellful("arm")


@pytest.mark.parametrize(
    ("text", "profile", "tier"),
    [
        (HIGH_LEVEL_LIFT, "capx", "S1"),
        (HIGH_LEVEL_LIFT, "capx", "S2"),
        (LOW_LEVEL_LIFT, "capx", "S3"),
        (LOW_LEVEL_LIFT, "robosuite", ""),
        (ASPIRE_LIFT, "libero", ""),
        (HIGH_LEVEL_LIFT, "libero", "S2"),
        (HIGH_LEVEL_STACK, "capx", "S2"),
    ],
    ids=["capx-S1", "capx-S2", "capx-S3", "robosuite", "aspire-libero", "libero-S2", "capx-stack"],
)
def test_a_program_runs_unedited(cell: Cellful, text: str, profile: str, tier: str) -> None:
    body: Embodiment = "arm"
    things = (_thing("red cube", RED, 0.34, 0.08), _thing("green cube", GREEN, 0.34, -0.12))
    cell.sim.stand_in.reset_scene(SceneSpec(things, noise_seed=2))
    cell.bench.forget()
    exec(text, dict(cell.names(profile, tier, body)))
    red = cell.sim.stand_in.truth().objects["red cube"].xyz_m
    if "place" in text:
        assert abs(red[2] - 0.0675) < 0.006
        assert abs(red[1] + 0.12) < 0.02
    else:
        assert red[2] > 0.06, cell.statuses[-6:]
