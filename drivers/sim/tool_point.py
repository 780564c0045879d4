"""Where the tool is for given joints, from an arm's own model: what a workspace check needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import mujoco
import numpy as np

from drivers.sim.scene import arm_model_path, rotation
from drivers.types import ArmSpec, CellInfo

ToolPoint = Callable[[Sequence[float]], tuple[float, float, float]]


def tool_points(info: CellInfo) -> Mapping[str, ToolPoint]:
    """One function per arm: joints in radians to the tool point in the base frame, metres."""
    return {arm.name: _tool_point(arm) for arm in info.arms}


def _tool_point(arm: ArmSpec) -> ToolPoint:
    model = mujoco.MjModel.from_xml_path(str(arm_model_path(arm)))
    data = mujoco.MjData(model)
    site = int(model.site(arm.tool_site).id)
    qpos = np.array([int(model.joint(j.name).qposadr[0]) for j in arm.joints])
    R, base = rotation(arm.base_wxyz), np.array(arm.base_xyz_m)

    def tool_xyz(q_rad: Sequence[float]) -> tuple[float, float, float]:
        data.qpos[qpos] = q_rad
        mujoco.mj_kinematics(model, data)
        x, y, z = (base + R @ data.site_xpos[site]).tolist()
        return (x, y, z)

    return tool_xyz
