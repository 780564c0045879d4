"""One plain grasp from above on a measured box, and the choice of an upright one among many."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aspire_tui.environment.perception.camera import quaternion
from aspire_tui.environment.perception.grasps import TABLE_CLEARANCE_M, GripperShape
from aspire_tui.environment.perception.objects import ObjectEstimate

FloatArray = NDArray[np.float64]

DEEPEST_BITE_M = 0.03


def down_pose(yaw_rad: float) -> FloatArray:
    """Rotation (3, 3) of a tool pointing down whose fingers open along ``yaw_rad`` in the base.

    The half turn nearer to the usual gripper-down orientation, wxyz (0, 0, 1, 0), is taken.
    """
    yaw = yaw_rad % np.pi
    y = np.array([np.cos(yaw), np.sin(yaw), 0.0])
    z = np.array([0.0, 0.0, -1.0])
    return np.stack([np.cross(y, z), y, z], axis=1)


def grasp_on_box(
    thing: ObjectEstimate, table_z_m: float, gripper: GripperShape
) -> tuple[FloatArray, FloatArray, float]:
    """Tool position, wxyz, and the width to close on: across the narrow side, at half height.

    Never deeper than the fingers are long, never with the tips in the table.
    """
    narrow = int(np.argmin(thing.extent[:2]))
    candidates = [thing.yaw_rad + np.pi / 2 * narrow]
    if thing.extent[:2].max() < 1.12 * thing.extent[:2].min():
        candidates.append(thing.yaw_rad + np.pi / 2 * (1 - narrow))
    # Of two equal sides, turn the wrist less.
    yaw = min(candidates, key=lambda a: abs(a % np.pi - np.pi / 2))
    lowest = table_z_m + gripper.tip_m + TABLE_CLEARANCE_M
    z = max(thing.position[2], thing.top_z_m - DEEPEST_BITE_M, lowest)
    position = np.array([thing.position[0], thing.position[1], z])
    return position, quaternion(down_pose(yaw)), float(thing.extent[narrow])


def most_upright(
    grasps: FloatArray, scores: FloatArray, T_base_cam: FloatArray, vertical_threshold: float
) -> tuple[int | None, float]:
    """Index and score of the best grasp whose approach points down; None and -inf without one."""
    best: int | None = None
    best_score = -np.inf
    for i, T in enumerate(grasps):
        approach = (T_base_cam @ T)[:3, 2]
        if -approach[2] > vertical_threshold and scores[i] > best_score:
            best, best_score = i, float(scores[i])
    return best, float(best_score)
