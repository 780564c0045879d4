"""A scripted operator for the stand-in: plain IK and smooth paths, steered by truth."""

from __future__ import annotations

from pathlib import Path

import mujoco
import numpy as np

import drivers
from drivers.cellfile import CellFile, load_cell
from drivers.sim.cell import SimCell
from drivers.sim.scene import MODELS, SceneObject, SceneSpec
from drivers.types import GripReport, MotionReport, Trajectory

ARM = "arm"


def yam() -> CellFile:
    return load_cell(Path(drivers.__file__).parent / "cells" / "yam.toml")


def cube(
    name: str = "red cube",
    x_m: float = 0.35,
    y_m: float = 0.05,
    z_m: float = 0.02,
    yaw_rad: float = 0.0,
    side_m: float = 0.04,
    mass_kg: float = 0.06,
) -> SceneObject:
    return SceneObject(
        name=name,
        shape="box",
        size_m=(side_m, side_m, side_m),
        rgb=(0.78, 0.12, 0.1),
        mass_kg=mass_kg,
        xyz_m=(x_m, y_m, z_m),
        yaw_rad=yaw_rad,
    )


class Kinematics:
    """The arm alone, with true joints equal to measured ones."""

    def __init__(self) -> None:
        self.model = mujoco.MjModel.from_xml_path(str(MODELS / "yam.xml"))
        self.data = mujoco.MjData(self.model)
        self._site = self.model.site("tool").id

    def tool(self, q: np.ndarray) -> np.ndarray:
        """Tool pose in the base frame, shape (4, 4)."""
        self.data.qpos[:6] = q
        mujoco.mj_kinematics(self.model, self.data)
        mujoco.mj_comPos(self.model, self.data)
        T = np.eye(4)
        T[:3, :3] = self.data.site_xmat[self._site].reshape(3, 3)
        T[:3, 3] = self.data.site_xpos[self._site]
        return T

    def down(self, xyz: np.ndarray, yaw: float) -> np.ndarray:
        """Joints with the gripper straight down over a point, by damped least squares."""
        c, s = np.cos(yaw), np.sin(yaw)
        R = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.diag([-1.0, 1.0, -1.0])
        azimuth = np.arctan2(xyz[1], xyz[0])
        q = np.array([azimuth, 1.6, 1.6, -1.5, 0.0, azimuth - yaw])
        for _ in range(200):
            T = self.tool(q)
            turn = 0.5 * sum(np.cross(T[:3, i], R[:, i]) for i in range(3))
            error = np.concatenate([xyz - T[:3, 3], turn])
            if np.abs(error).max() < 1e-7:
                return q
            J = np.zeros((6, self.model.nv))
            mujoco.mj_jacSite(self.model, self.data, J[:3], J[3:], self._site)
            J = J[:, :6]
            q = q + J.T @ np.linalg.solve(J @ J.T + 1e-6 * np.eye(6), error)
            q = np.clip(q, self.model.jnt_range[:6, 0], self.model.jnt_range[:6, 1])
        raise AssertionError(f"no joints for {xyz}, yaw {yaw}")


def quintic(cell: SimCell, q_goal: np.ndarray, share: float = 0.85) -> Trajectory:
    """Rest to rest in one smooth move, within a share of the limits."""
    joints = cell.info.arms[0].joints
    q0 = np.array(cell.status().arms[0].q_cmd_rad)
    d = q_goal - q0
    T = 0.1
    for step, joint in zip(np.abs(d), joints, strict=True):
        T = max(T, 1.875 * step / (share * joint.vmax_rad_s))
        T = max(T, float(np.sqrt(5.774 * step / (share * joint.amax_rad_s2))))
    s = np.linspace(0.0, 1.0, 60)
    f = 10 * s**3 - 15 * s**4 + 6 * s**5
    df = (30 * s**2 - 60 * s**3 + 30 * s**4) / T
    return Trajectory(s * T, q0 + np.outer(f, d), np.outer(df, d))


class Operator:
    """Moves one cell by tool poses."""

    def __init__(self, cell: SimCell) -> None:
        self.cell = cell
        self.kinematics = Kinematics()

    def go(self, x_m: float, y_m: float, z_m: float, yaw_rad: float = 0.0) -> MotionReport:
        q = self.kinematics.down(np.array([x_m, y_m, z_m]), yaw_rad)
        return self.cell.execute(ARM, quintic(self.cell, q))

    def close(self, force_N: float = 20.0) -> GripReport:
        return self.cell.grip(ARM, 0.0, force_N)

    def open(self) -> GripReport:
        return self.cell.grip(ARM, 0.075, 20.0)

    def pick(self, x_m: float, y_m: float, z_m: float, yaw_rad: float, lift_m: float) -> GripReport:
        self.go(x_m, y_m, z_m + 0.1, yaw_rad)
        self.go(x_m, y_m, z_m, yaw_rad)
        grip = self.close()
        self.go(x_m, y_m, z_m + lift_m, yaw_rad)
        return grip


def height(cell: SimCell, name: str) -> float:
    return cell.stand_in.truth().objects[name].xyz_m[2]


def scene(*things: SceneObject, seed: int = 1) -> SceneSpec:
    return SceneSpec(objects=things, appearance_seed=seed, noise_seed=seed)
