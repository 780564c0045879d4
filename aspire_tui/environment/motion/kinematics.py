"""Forward and inverse kinematics of one arm, from its own model file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from aspire_tui.environment.motion.armmodel import compile_model, finger_joints, load_spec
from aspire_tui.environment.motion.leaning import nearest
from aspire_tui.environment.motion.pose import (
    FloatArray,
    invert,
    pose_error,
    pose_matrix,
)
from drivers.types import ArmSpec

if TYPE_CHECKING:
    from aspire_tui.environment.motion.collision import ArmShape

LIMIT_MARGIN_RAD = 0.02
"""Solutions keep this far from joint limits, so that tracking has room."""

NEAR_SEED_RAD = 1.2
"""A solution whose joints all stay this close to the seed is taken without looking for others."""

FULL_JOINTS = 6
"""With fewer an arm cannot take every orientation at a position."""

SAME_LEAN_RAD = 0.02
"""Solutions that lean this little differently are judged by their distance alone."""

ITERATIONS = 60
NEWTON_STEPS = 8
DAMPING = 1e-10 * np.eye(6)
STEP_RAD = 0.6
"""Largest joint step of one iteration: beyond it the linearisation is worthless."""


@dataclass(frozen=True)
class IkSolution:
    """Joints for a tool pose, or how near the best try came.

    Attributes:
        q: Shape (n,), radians; None when no joints within limits reach the pose.
        position_error_m: Of ``q``, or of the best try.
        rotation_error_rad: Of ``q``, or of the best try.
        reason: Empty when solved, else one line.
    """

    q: FloatArray | None
    position_error_m: float
    rotation_error_rad: float
    reason: str = ""


class Kinematics:
    """One arm's geometry. Poses are of the tool frame in the base frame. Not thread-safe.

    The tool frame is the model's, moved along its y by :meth:`centre_on`: the middle of what a
    one-sided jaw holds is not the middle of the open gripper.
    """

    def __init__(self, arm: ArmSpec) -> None:
        import mujoco

        self.arm = arm
        spec = load_spec(arm)
        for joint in finger_joints(spec, arm):
            spec.delete(joint)
        self._mj = mujoco
        self._model = compile_model(spec, arm)
        self._data = mujoco.MjData(self._model)
        self._site = self._model.site(arm.tool_site).id
        self._site_pos = self._model.site_pos[self._site].copy()
        self.tool_shift_m = 0.0
        self._column = np.array([self._model.joint(j.name).qposadr[0] for j in arm.joints])
        self._T_base_model = pose_matrix(np.array(arm.base_xyz_m), np.array(arm.base_wxyz))
        self._T_model_base = invert(self._T_base_model)
        self._ik: _IkProblem | None = None
        self._shape: ArmShape | None = None
        self._model.opt.gravity[:] = self._T_model_base[:3, :3] @ (0.0, 0.0, -9.81)
        self.lo_rad = np.array([j.lo_rad for j in arm.joints])
        self.hi_rad = np.array([j.hi_rad for j in arm.joints])

    @property
    def n(self) -> int:
        """Number of joints."""
        return len(self.arm.joints)

    @property
    def leans(self) -> bool:
        """Whether orientations are met only as nearly as the arm's few joints allow."""
        return self.n < FULL_JOINTS

    def centre_on(self, shift_m: float) -> None:
        """Move the tool point along the tool's y, away from where the arm's model has it."""
        if shift_m == self.tool_shift_m:
            return
        self.tool_shift_m = shift_m
        R = pose_matrix(np.zeros(3), self._model.site_quat[self._site])[:3, :3]
        self._model.site_pos[self._site] = self._site_pos + R[:, 1] * shift_m

    def hand_pose(self, q: FloatArray) -> FloatArray:
        """The tool frame as the model has it, shape (4, 4): what a camera on the hand rides on."""
        T = self.tool_pose(q)
        T[:3, 3] -= self.tool_shift_m * T[:3, 1]
        return T

    def gravity_Nm(self, q: FloatArray) -> FloatArray:
        """What each joint must hold against the arm's own weight at rest, shape (n,)."""
        self._place(q)
        self._mj.mj_comPos(self._model, self._data)
        self._data.qvel[:] = 0.0
        self._mj.mj_comVel(self._model, self._data)
        out = np.zeros(self._model.nv)
        self._mj.mj_rne(self._model, self._data, 0, out)
        held: FloatArray = out[self._column]
        return held

    def tool_pose(self, q: FloatArray) -> FloatArray:
        """Tool frame in the base frame, shape (4, 4), for joints of shape (n,)."""
        self._place(q)
        T = np.eye(4)
        T[:3, :3] = self._data.site_xmat[self._site].reshape(3, 3)
        T[:3, 3] = self._data.site_xpos[self._site]
        return self._T_base_model @ T

    def jacobian(self, q: FloatArray) -> FloatArray:
        """Tool velocity (linear, then angular, base frame) per joint velocity, shape (6, n)."""
        self._place(q)
        return self._jacobian_here()

    def _pose_and_jacobian(self, q: FloatArray) -> tuple[FloatArray, FloatArray]:
        T = self.tool_pose(q)
        return T, self._jacobian_here()

    def _jacobian_here(self) -> FloatArray:
        self._mj.mj_comPos(self._model, self._data)
        J = np.zeros((6, self._model.nv))
        self._mj.mj_jacSite(self._model, self._data, J[:3], J[3:], self._site)
        R = self._T_base_model[:3, :3]
        J[:3], J[3:] = R @ J[:3], R @ J[3:]
        return J[:, self._column]

    def manipulability(self, q: FloatArray) -> float:
        """Yoshikawa's measure: 0 where a direction of tool motion is lost."""
        J = self.jacobian(q)[:3] if self.leans else self.jacobian(q)
        return float(np.sqrt(max(0.0, np.linalg.det(J @ J.T))))

    def within_limits(self, q: FloatArray, slack_rad: float = 1e-6) -> bool:
        return bool(np.all(q >= self.lo_rad - slack_rad) and np.all(q <= self.hi_rad + slack_rad))

    @property
    def shape(self) -> ArmShape:
        """The arm's collision shapes."""
        if self._shape is None:
            from aspire_tui.environment.motion.collision import ArmShape

            self._shape = ArmShape(self.arm)
        return self._shape

    def self_collision(self, q: FloatArray) -> str:
        """Which parts of the arm would touch each other, or an empty string."""
        return self.shape.alone().touching(q)

    def solve(
        self,
        T_base_tool: FloatArray,
        seed_q: FloatArray,
        *,
        rng: np.random.Generator,
        restarts: int = 8,
        position_tol_m: float = 0.001,
        rotation_tol_rad: float | None = None,
        accept: Callable[[FloatArray], bool] | None = None,
    ) -> IkSolution:
        """Find joints for a tool pose, as near to the seed as can be found.

        The target is never moved or turned to make it reachable.

        Args:
            T_base_tool: Shape (4, 4).
            seed_q: Shape (n,); where the search starts and what "near" means.
            rng: Draws the other starting points; one state gives one answer.
            restarts: Random starts tried when the seed does not lead to a near solution.
            rotation_tol_rad: How far the orientation may be off; None takes the arm's own.
            accept: A further condition on solutions, e.g. freedom from collision.
        """
        if rotation_tol_rad is None:
            rotation_tol_rad = self.arm.orientation_tolerance_rad
        lo, hi = self.lo_rad + LIMIT_MARGIN_RAD, self.hi_rad - LIMIT_MARGIN_RAD
        starts = [np.clip(seed_q, lo, hi)]
        starts += [rng.uniform(lo, hi) for _ in range(restarts)]
        found: list[FloatArray] = []
        leans: list[float] = []
        refused = 0
        nearest_miss = (np.inf, np.inf)
        for start in starts:
            q = self._descend(T_base_tool, start, position_tol_m, rotation_tol_rad)
            error = pose_error(self.tool_pose(q), T_base_tool)
            if error[0] > position_tol_m or error[1] > rotation_tol_rad:
                # Metres and radians compared at arm's length scale, only to name the best try.
                nearest_miss = min(nearest_miss, error, key=lambda e: e[0] + 0.1 * e[1])
                continue
            if accept is not None and not accept(q):
                refused += 1
                nearest_miss = min(nearest_miss, error, key=lambda e: e[0] + 0.1 * e[1])
                continue
            found.append(q)
            if self.leans:
                # With so few joints another solution is another elbow: the first upright one will
                # do, and of those that lean the second that finds no better.
                agreed = bool(leans) and error[1] > min(leans) - SAME_LEAN_RAD
                leans.append(error[1])
                if error[1] <= SAME_LEAN_RAD or agreed:
                    break
            elif np.max(np.abs(q - seed_q)) <= NEAR_SEED_RAD:
                break
        if not found:
            why = f"best try is {nearest_miss[0] * 1000:.1f} mm and {nearest_miss[1]:.3f} rad off"
            if self.leans:
                why += f"; its {self.n} joints may turn it up to {rotation_tol_rad:.2f} rad away"
            if refused:
                why = f"{refused} solutions found, none free of collision"
            return IkSolution(None, *nearest_miss, reason=why)
        q = min(found, key=lambda q: self._cost(q, T_base_tool, seed_q))
        return IkSolution(q, *pose_error(self.tool_pose(q), T_base_tool))

    def _cost(
        self, q: FloatArray, T_base_tool: FloatArray, seed_q: FloatArray
    ) -> tuple[int, float]:
        """Which of several solutions is liked best: the one that leans least, then the nearest."""
        lean = pose_error(self.tool_pose(q), T_base_tool)[1] if self.leans else 0.0
        return int(lean / SAME_LEAN_RAD), float(np.max(np.abs(q - seed_q)))

    def follow(self, T_base_tool: FloatArray, q_near: FloatArray) -> FloatArray:
        """The joints one small step of the tool away, converged as far as numbers allow.

        Returns the best joints found; the caller judges the error.
        """
        # Close to a solution plain Newton steps are exact and ten times cheaper than a QP; where
        # they run into a limit or a singular pose, the QP decides.
        q = None if self.leans else self._newton(T_base_tool, q_near)
        if q is not None:
            return q
        lo, hi = self.lo_rad + LIMIT_MARGIN_RAD / 2, self.hi_rad - LIMIT_MARGIN_RAD / 2
        start = np.clip(q_near, lo, hi)
        return self._descend(T_base_tool, start, 1e-7, 1e-6)

    def _newton(self, T_base_tool: FloatArray, q_near: FloatArray) -> FloatArray | None:
        q = q_near.copy()
        error = np.empty(6)
        margin = LIMIT_MARGIN_RAD / 2
        for _ in range(NEWTON_STEPS):
            T = self.tool_pose(q)
            R = T_base_tool[:3, :3] @ T[:3, :3].T
            # Axis times sine: what is left of it after one step is of third order.
            error[:3] = T_base_tool[:3, 3] - T[:3, 3]
            error[3:] = R[2, 1] - R[1, 2], R[0, 2] - R[2, 0], R[1, 0] - R[0, 1]
            error[3:] *= 0.5
            if R[0, 0] + R[1, 1] + R[2, 2] < 1.0:
                return None
            if np.abs(error).max() < 1e-8:
                inside = np.all(q >= self.lo_rad + margin) and np.all(q <= self.hi_rad - margin)
                return q if inside else None
            J = self._jacobian_here()
            step = J.T @ np.linalg.solve(J @ J.T + DAMPING, error)
            if np.abs(step).max() > STEP_RAD:
                return None
            q = q + step
        return None

    def _place(self, q: FloatArray) -> None:
        self._data.qpos[self._column] = q
        self._mj.mj_kinematics(self._model, self._data)

    def _descend(
        self,
        T_base_tool: FloatArray,
        start: FloatArray,
        position_tol_m: float,
        rotation_tol_rad: float,
    ) -> FloatArray:
        if self.leans:
            margin = LIMIT_MARGIN_RAD / 2
            lo, hi = self.lo_rad + margin, self.hi_rad - margin
            return nearest(self._pose_and_jacobian, T_base_tool, start, lo, hi)
        target = self._T_model_base @ T_base_tool
        if self._ik is None:
            self._ik = _IkProblem(self._model, self.arm)
        q_full = np.zeros(self._model.nq)
        q_full[self._column] = start
        out: FloatArray = self._ik.descend(
            target, q_full, 0.05 * position_tol_m, 0.05 * rotation_tol_rad
        )[self._column]
        return out


class _IkProblem:
    """One mink problem, kept so that nothing is built per call."""

    DT_S = 1.0
    """The same for solving and integrating: limits hold only when the two agree."""

    def __init__(self, model: Any, arm: ArmSpec) -> None:
        import mink
        from mink import exceptions

        self._mink = mink
        self._infeasible = exceptions.NoSolutionFound
        self._configuration = mink.Configuration(model)
        self._task = mink.FrameTask(
            arm.tool_site, "site", position_cost=10.0, orientation_cost=1.0, lm_damping=0.01
        )
        self._limits = [
            mink.ConfigurationLimit(model, gain=1.0, min_distance_from_limits=LIMIT_MARGIN_RAD / 2),
            mink.VelocityLimit(model, {j.name: STEP_RAD / self.DT_S for j in arm.joints}),
        ]

    def descend(
        self, target: FloatArray, q: FloatArray, position_tol_m: float, rotation_tol_rad: float
    ) -> FloatArray:
        configuration = self._configuration
        configuration.update(q)
        self._task.set_target(self._mink.SE3.from_matrix(target))
        best, best_error = q, np.inf
        stuck = 0
        for _ in range(ITERATIONS):
            error = self._task.compute_error(configuration)
            size = float(np.linalg.norm(error[:3]) + 0.1 * np.linalg.norm(error[3:]))
            if size < 0.999 * best_error:
                stuck = 0
            else:
                stuck += 1
            if size < best_error:
                best, best_error = configuration.q.copy(), size
            arrived = np.linalg.norm(error[:3]) <= position_tol_m
            if (arrived and np.linalg.norm(error[3:]) <= rotation_tol_rad) or stuck >= 12:
                break
            try:
                v = self._mink.solve_ik(
                    configuration, [self._task], self.DT_S, "daqp", limits=self._limits
                )
            except self._infeasible:
                break
            configuration.integrate_inplace(v, self.DT_S)
        return np.array(best)
