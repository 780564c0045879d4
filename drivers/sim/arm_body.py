"""The bodies of a cell's arms, from their own models: self-collision and small shifts of the tool.

Parts that touch in much of an arm's range are how the arm is built, and are not asked about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from drivers.body import TOUCH_MARGIN_M, Touch
from drivers.sim.scene import arm_model_path, arm_prefix
from drivers.types import CellInfo

BUILT_SHARE = 0.3
SAMPLES = 150
GROUPS_AT_MOST = 31

SHIFT_STEPS = 20
SHIFT_TOLERANCE_M = 5e-4
DAMPING_M2 = 1e-6
DAMPING = 1e-2
SHIFT_AT_MOST_RAD = 0.5


class ArmsBody:
    """Implements :class:`drivers.body.CellBody`. Used by one thread."""

    def __init__(self, info: CellInfo) -> None:
        spec = mujoco.MjSpec()
        for arm in info.arms:
            child = mujoco.MjSpec.from_file(str(arm_model_path(arm)))
            child.option = spec.option
            frame = spec.worldbody.add_frame(pos=arm.base_xyz_m, quat=arm.base_wxyz)
            spec.attach(child, prefix=arm_prefix(arm.name), frame=frame)
        self._model: Any = spec.compile()
        self._data: Any = mujoco.MjData(self._model)
        model = self._model
        self._qpos: dict[str, NDArray[np.intp]] = {}
        self._dofs: dict[str, NDArray[np.intp]] = {}
        self._sites: dict[str, int] = {}
        for arm in info.arms:
            joints = [model.joint(arm_prefix(arm.name) + j.name) for j in arm.joints]
            self._qpos[arm.name] = np.array([int(j.qposadr[0]) for j in joints])
            self._dofs[arm.name] = np.array([int(j.dofadr[0]) for j in joints])
            self._sites[arm.name] = int(model.site(arm_prefix(arm.name) + arm.tool_site).id)
        model.geom_margin[:] = TOUCH_MARGIN_M
        self._group = _groups(model, info)
        self._leave_out_what_is_built_so(info)

    def touching(self, q_rad: Mapping[str, Sequence[float]]) -> Touch | None:
        data = self._data
        for arm, columns in self._qpos.items():
            if arm in q_rad:
                data.qpos[columns] = q_rad[arm]
        mujoco.mj_kinematics(self._model, data)
        mujoco.mj_collision(self._model, data)
        if not data.ncon:
            return None
        distances = data.contact.dist
        worst = int(distances.argmin())
        if distances[worst] >= TOUCH_MARGIN_M:
            return None
        names = sorted(self._model.geom(int(g)).name for g in data.contact.geom[worst])
        return Touch(float(distances[worst]), " and ".join(names))

    def shifted(
        self, arm: str, q_rad: Sequence[float], by_m: Sequence[float]
    ) -> tuple[float, ...] | None:
        model, data = self._model, self._data
        adr, dofs, site = self._qpos[arm], self._dofs[arm], self._sites[arm]
        q = np.array(q_rad, np.float64)
        jacobian_p, jacobian_r = np.zeros((3, model.nv)), np.zeros((3, model.nv))
        goal, upright = np.zeros(3), np.zeros(9)
        for step in range(SHIFT_STEPS):
            data.qpos[adr] = q
            mujoco.mj_kinematics(model, data)
            mujoco.mj_comPos(model, data)
            if step == 0:
                goal = data.site_xpos[site] + np.asarray(by_m)
                upright = data.site_xmat[site].copy()
            error = goal - data.site_xpos[site]
            if step and float(np.linalg.norm(error)) < SHIFT_TOLERANCE_M:
                break
            mujoco.mj_jacSite(model, data, jacobian_p, jacobian_r, site)
            turn = _turn(upright.reshape(3, 3) @ data.site_xmat[site].reshape(3, 3).T)
            q += _step(jacobian_p[:, dofs], jacobian_r[:, dofs], error, turn)
        reached = float(np.linalg.norm(goal - data.site_xpos[site])) < 4 * SHIFT_TOLERANCE_M
        close = float(np.abs(q - np.asarray(q_rad)).max()) < SHIFT_AT_MOST_RAD
        return tuple(q.tolist()) if reached and close else None

    def _leave_out_what_is_built_so(self, info: CellInfo) -> None:
        """Mask groups that are neighbours, or that touch in much of the range of the arm."""
        model, data = self._model, self._data
        group = self._group
        count = int(group.max()) + 1
        if count > GROUPS_AT_MOST:
            raise ValueError(f"{count} rigid groups in one cell; at most {GROUPS_AT_MOST}")
        asked = _pairs_to_ask(model, group, count)
        _mask(model, group, asked)
        rng = np.random.default_rng(0)
        seen = np.zeros((count, count), int)
        for _ in range(SAMPLES):
            for arm in info.arms:
                lo, hi = ([j.lo_rad for j in arm.joints], [j.hi_rad for j in arm.joints])
                data.qpos[self._qpos[arm.name]] = rng.uniform(lo, hi)
            mujoco.mj_kinematics(model, data)
            mujoco.mj_collision(model, data)
            pairs = {tuple(sorted(group[list(g)].tolist())) for g in data.contact.geom}
            for a, b in pairs:
                seen[a, b] += 1
        built = seen > BUILT_SHARE * SAMPLES
        _mask(model, group, asked & ~(built | built.T))


def _groups(model: Any, info: CellInfo) -> NDArray[np.intp]:
    """Per geom, the number of the rigid group it belongs to: what one arm's joint carries."""
    joints = {arm_prefix(a.name) + j.name for a in info.arms for j in a.joints}
    number: dict[int, int] = {}
    of_body: dict[int, int] = {}
    for body in range(model.nbody):
        parent = int(model.body_parentid[body])
        first, n = int(model.body_jntadr[body]), int(model.body_jntnum[body])
        moved = any(model.joint(first + k).name in joints for k in range(n))
        foot = parent == 0 and body != 0
        if body == 0 or (not moved and not foot):
            of_body[body] = of_body.get(parent, 0)
        else:
            of_body[body] = number[body] = len(number) + 1
    return np.array([of_body[int(b)] for b in model.geom_bodyid])


def _pairs_to_ask(model: Any, group: NDArray[np.intp], count: int) -> NDArray[np.bool_]:
    """All pairs of groups but a group with itself and with the one that carries it."""
    asked = ~np.eye(count, dtype=bool)
    of_body = dict(zip(model.geom_bodyid.tolist(), group.tolist(), strict=True))
    for body, mine in of_body.items():
        above = int(model.body_parentid[body])
        while above and of_body.get(above, mine) == mine:
            above = int(model.body_parentid[above])
        other = of_body.get(above)
        if other is not None:
            asked[mine, other] = asked[other, mine] = False
    return asked


def _mask(model: Any, group: NDArray[np.intp], asked: NDArray[np.bool_]) -> None:
    bits = 1 << np.arange(len(asked))
    model.geom_contype[:] = bits[group]
    model.geom_conaffinity[:] = (asked * bits).sum(axis=1)[group]


def _step(
    to_point: NDArray[np.float64],
    to_turn: NDArray[np.float64],
    error_m: NDArray[np.float64],
    turn_rad: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Joints' step: the point exactly, and the orientation with what freedom is left."""
    inverse = to_point.T @ np.linalg.inv(to_point @ to_point.T + DAMPING_M2 * np.eye(3))
    step: NDArray[np.float64] = inverse @ error_m
    free = to_turn @ (np.eye(len(step)) - inverse @ to_point)
    left = turn_rad - to_turn @ step
    step += free.T @ np.linalg.solve(free @ free.T + DAMPING * np.eye(3), left)
    return step


def _turn(R: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation vector of a small rotation."""
    quat, axis = np.zeros(4), np.zeros(3)
    mujoco.mju_mat2Quat(quat, R.ravel())
    mujoco.mju_quat2Vel(axis, quat, 1.0)
    return axis
