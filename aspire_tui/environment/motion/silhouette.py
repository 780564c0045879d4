"""Which points of a depth picture are the arm itself, from its model at the measured joints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from aspire_tui.environment.motion.armmodel import compile_model, finger_joints, load_spec
from aspire_tui.environment.motion.pose import FloatArray, invert, pose_matrix
from drivers.jaw import jaw_angle_rad
from drivers.types import ArmSpec

SLIDE_REACH_M = 0.02
"""Fingers are put half open; this much more covers them at any opening."""

JAW_POSES = 4
"""A hinged jaw sweeps further: it is put at so many openings, each with the same allowance."""


class Outline(Protocol):
    """Tells which points are the robot's own."""

    def covers(self, points_m: FloatArray, q: FloatArray, margin_m: float) -> NDArray[np.bool_]: ...


class TeamOutline:
    """Several arms at once; ``q`` is all their joints, one arm after the other."""

    def __init__(self, arms: Sequence[ArmSpec]) -> None:
        self._each = [(Silhouette(arm), len(arm.joints)) for arm in arms]

    def covers(self, points_m: FloatArray, q: FloatArray, margin_m: float) -> NDArray[np.bool_]:
        out = np.zeros(len(points_m), bool)
        before = 0
        for silhouette, n in self._each:
            out |= silhouette.covers(points_m, q[before : before + n], margin_m)
            before += n
        return out


class Silhouette:
    """The arm's shapes as signed distances. Not thread-safe."""

    def __init__(self, arm: ArmSpec) -> None:
        import mujoco

        self._mj = mujoco
        spec = load_spec(arm)
        fingers = [j.name for j in finger_joints(spec, arm)]
        self._model = compile_model(spec, arm)
        self._data = mujoco.MjData(self._model)
        self._column = np.array([self._model.joint(j.name).qposadr[0] for j in arm.joints])
        self._T_model_base = invert(pose_matrix(np.array(arm.base_xyz_m), np.array(arm.base_wxyz)))
        self._slides = set()
        self._columns = []
        middle = []
        for name in fingers:
            joint = self._model.joint(name)
            self._columns.append(int(joint.qposadr[0]))
            middle.append(float(self._model.jnt_range[joint.id].mean()))
            self._slides.add(int(joint.bodyid[0]))
        self._openings = [middle]
        if (jaw := arm.gripper.jaw) is not None:
            shut = jaw_angle_rad(jaw, jaw.width_m[0])
            wide = jaw_angle_rad(jaw, arm.gripper.open_width_m)
            self._openings = [[a] for a in np.linspace(shut, wide, JAW_POSES).tolist()]

    def covers(self, points_m: FloatArray, q: FloatArray, margin_m: float) -> NDArray[np.bool_]:
        """Which points are within a margin of the arm.

        Args:
            points_m: Shape (N, 3), base frame.
            q: Shape (n,), measured joints.
        """
        local = points_m @ self._T_model_base[:3, :3].T + self._T_model_base[:3, 3]
        out = np.zeros(len(points_m), bool)
        for k, opening in enumerate(self._openings):
            self._data.qpos[self._column] = q
            self._data.qpos[self._columns] = opening
            self._mj.mj_kinematics(self._model, self._data)
            self._cover(local, margin_m, out, only_fingers=k > 0)
        return out

    def _cover(
        self, local: FloatArray, margin_m: float, out: NDArray[np.bool_], only_fingers: bool
    ) -> None:
        """Mark the points near the arm as it is placed now."""
        for geom in range(self._model.ngeom):
            margin = margin_m
            if int(self._model.geom_bodyid[geom]) in self._slides:
                margin += SLIDE_REACH_M
            elif only_fingers:
                continue
            centre = self._data.geom_xpos[geom]
            reach = float(self._model.geom_rbound[geom]) + margin
            away = local - centre
            close = np.flatnonzero((np.einsum("ij,ij->i", away, away) < reach**2) & ~out)
            if close.size:
                R = self._data.geom_xmat[geom].reshape(3, 3)
                out[close] = self._distance(geom, away[close] @ R) < margin

    def _distance(self, geom: int, p: FloatArray) -> Any:
        """Distance of points in the shape's own frame to its surface, negative inside."""
        kind = int(self._model.geom_type[geom])
        size = self._model.geom_size[geom]
        types = self._mj.mjtGeom
        if kind == types.mjGEOM_SPHERE:
            return np.linalg.norm(p, axis=1) - size[0]
        if kind == types.mjGEOM_CAPSULE:
            along = np.clip(p[:, 2], -size[1], size[1])
            return np.linalg.norm(p - np.outer(along, (0, 0, 1)), axis=1) - size[0]
        if kind == types.mjGEOM_CYLINDER:
            excess = np.stack((np.hypot(p[:, 0], p[:, 1]) - size[0], np.abs(p[:, 2]) - size[1]))
            return _outside(excess.T)
        if kind == types.mjGEOM_BOX:
            return _outside(np.abs(p) - size)
        # Meshes and the like: their bounding sphere is the honest over-estimate.
        return np.linalg.norm(p, axis=1) - float(self._model.geom_rbound[geom])


def _outside(excess: FloatArray) -> FloatArray:
    beyond: FloatArray = np.linalg.norm(np.maximum(excess, 0), axis=1)
    inside: FloatArray = np.minimum(excess.max(axis=1), 0)
    return beyond + inside
