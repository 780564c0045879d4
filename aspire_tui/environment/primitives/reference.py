"""The reference of the program API, from the declarations: what ``aspire-tui primitives`` shows.

Everything in it is read off the primitives themselves; the examples are run by a test.
"""

from __future__ import annotations

from typing import Final

from aspire_tui.environment.primitives import ALL
from aspire_tui.environment.primitives.registry import (
    EVERY_BODY,
    Embodiment,
    Primitive,
    catalogue,
)

PROFILES: Final = ("capx", "libero", "robosuite", "r1pro", "yam")
TIERS: Final = ("", "S1", "S2", "S3", "S4")
IN_THE_BASE_FRAME: Final = ("perception", "grasping", "motion")
OTHER_FRAMES: Final = {
    "plan_grasp": "camera",
    "plan_grasp_from_point_clouds": "that of the clouds",
    "get_oriented_bounding_box_from_3d_points": "that of the points",
    "segment_text_prompt": "pixels",
    "segment_point_prompt": "pixels",
    "point_prompt": "pixels",
    "task_language": "",
    "wait": "",
}

EXAMPLES: Final[dict[str, str]] = {
    "get_observation": "obs = get_observation()",
    "segment_text_prompt": 'segment_text_prompt(obs["CAMERA"]["images"]["rgb"], "red cube")',
    "segment_point_prompt": 'segment_point_prompt(obs["CAMERA"]["images"]["rgb"], pixel)',
    "point_prompt": 'point_prompt(obs["CAMERA"]["images"]["rgb"], "red cube")',
    "get_object_pose": 'get_object_pose("red cube")',
    "look_at_object": 'look_at_object("red cube", "CAMERA")',
    "task_language": "task_language()",
    "sample_grasp_pose": 'sample_grasp_pose("red cube")',
    "plan_grasp": (
        'plan_grasp(obs["CAMERA"]["images"]["depth"], obs["CAMERA"]["intrinsics"], '
        'segment_text_prompt(obs["CAMERA"]["images"]["rgb"], "red cube")[0]["mask"])'
    ),
    "plan_grasp_from_point_clouds": "plan_grasp_from_point_clouds(cloud, segment)",
    "select_top_down_grasp": "select_top_down_grasp(grasps, scores, np.eye(4))",
    "solve_ik": "solve_ik(above, down)",
    "move_to_joints": "move_to_joints(solve_ik(above, down))",
    "goto_pose": "goto_pose(above, down)",
    "move_linear": "move_linear(above)",
    "move_until_contact": "move_until_contact([0.0, 0.0, -1.0], 0.02)",
    "preview_move": "preview_move(above, down)",
    "execute_preview": "execute_preview(preview_move(above, down))",
    "home_pose": "home_pose()",
    "wait": "wait(0.1)",
    "dist_to": "dist_to(above)",
    "open_gripper": "open_gripper()",
    "close_gripper": "close_gripper()",
    "set_gripper": "set_gripper(0.05)",
    "rotation_matrix_to_quaternion": "rotation_matrix_to_quaternion(np.eye(3))",
    "decompose_transform": "decompose_transform(np.eye(4))",
    "depth_to_point_cloud": (
        'depth_to_point_cloud(obs["CAMERA"]["images"]["depth"], obs["CAMERA"]["intrinsics"])'
    ),
    "mask_to_world_points": "mask_to_world_points(mask, depth, intrinsics, pose_mat)",
    "pixel_to_world_point": "pixel_to_world_point(160, 120, 0.7, intrinsics, pose_mat)",
    "transform_points": "transform_points(np.zeros((4, 3)), np.eye(4))",
    "interpolate_segment": "interpolate_segment([0.3, 0.0, 0.1], [0.3, 0.1, 0.1])",
    "normalize_vector": "normalize_vector([0.0, 3.0, 4.0])",
    "get_oriented_bounding_box_from_3d_points": (
        "get_oriented_bounding_box_from_3d_points(segment)"
    ),
    "subsample_point_cloud": "subsample_point_cloud(cloud, 1000)",
    "filter_noise": "filter_noise(segment)",
    "find_outline": 'find_outline("red cube", [[0.0, 0.0, 0.05, 0.05]], 0.05)',
    "ask_operator": 'ask_operator("Is the cube upright?")',
    "goto_pose_both": "goto_pose_both(above0, down, above1, down)",
    "move_to_joints_both": "move_to_joints_both(joints0, joints1)",
    "get_env_observation": "rgb, depth = get_env_observation()",
    "get_sam3_mask": 'get_sam3_mask("red cube")',
    "save_current_observation": 'save_current_observation("before")',
    "write_video": 'write_video("pick")',
    "get_current_eef_pose": "get_current_eef_pose()",
    "get_robot_relative_eef_pose": "get_robot_relative_eef_pose()",
    "get_current_joint_positions": "get_current_joint_positions()",
    "move_hand": "move_hand(get_current_eef_pose())",
    "move_to_joint_positions": "move_to_joint_positions(get_current_joint_positions())",
    "lift_arm": "lift_arm()",
    "grasp_object": 'grasp_object(get_current_eef_pose(), get_current_eef_pose(), "red cube")',
    "check_object_in_hand": "check_object_in_hand()",
    "get_arm0_gripper_pose": "get_arm0_gripper_pose()",
    "get_arm1_gripper_pose": "get_arm1_gripper_pose()",
}
"""By name; CAMERA is the cell's fixed one. Names with _arm0 and _arm1 use those of one arm."""


def example_of(p: Primitive) -> str:
    """One line of a program that calls it; empty when nobody wrote one."""
    if p.example:
        return p.example
    if p.name in EXAMPLES:
        return EXAMPLES[p.name]
    for number in (0, 1):
        plain = p.name.removesuffix(f"_arm{number}")
        if plain != p.name and plain in EXAMPLES:
            text = EXAMPLES[plain].replace("above", f"above{number}")
            for name in ("solve_ik(", f"{plain}("):
                suffixed = f"{name[:-1]}_arm{number}("
                if suffixed not in text:
                    text = text.replace(name, suffixed)
            return text
    return ""


def frame_of(p: Primitive) -> str:
    """The frame of the places it takes and gives."""
    plain = p.name.removesuffix("_arm0").removesuffix("_arm1")
    if plain in OTHER_FRAMES:
        return OTHER_FRAMES[plain]
    return p.frame or ("base" if p.group in IN_THE_BASE_FRAME else "")


def entries(profile: str, tier: str = "", body: Embodiment = "arm") -> list[dict[str, object]]:
    """The reference of one profile and tier on a kind of cell, by group and name."""
    names = catalogue(ALL, profile, tier, body)
    return [
        {
            "name": name,
            "alias_of": "" if name == p.name else p.name,
            "signature": p.signature().replace(p.name, name, 1),
            "group": p.group,
            "arguments": [
                {"name": a.name, "required": a.required, "default": a.default, "unit": a.unit}
                for a in p.arguments
            ],
            "frame": frame_of(p),
            "statuses": list(dict.fromkeys((*p.statuses, "INVALID", "FAULT"))),
            "returns": p.returns,
            "moves": p.moves,
            "privileged": p.privileged,
            "tiers": list(p.tiers),
            "profiles": list(p.profiles),
            "cells": list(p.fits),
            "example": example_of(p).replace(f"{p.name}(", f"{name}("),
            "doc": p.doc,
        }
        for name, p in sorted(names.items(), key=lambda item: (item[1].group, item[0]))
    ]


__all__ = ["EVERY_BODY", "EXAMPLES", "PROFILES", "TIERS", "entries", "example_of", "frame_of"]
