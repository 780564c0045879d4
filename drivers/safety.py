"""What may start: a whole trajectory or grip is judged before anything moves; and how far an arm
may be from where it was told. Pure; no clock, no device.

The margins absorb the rounding of interpolation and sampling, nothing else: a plan made at an arm's
own limits passes, and the gate never writes a goal beyond limit times margin. Positions have none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final, Literal, NamedTuple

import numpy as np

from drivers.body import TOUCH_MARGIN_M, Touch
from drivers.hermite import HermitePath, Vector
from drivers.types import ArmSpec, FloatArray, GripperSpec, Trajectory, Workspace

VELOCITY_MARGIN: Final = 1.01
ACCELERATION_MARGIN: Final = 1.10
START_TOLERANCE_RAD: Final = 0.03
"""A trajectory must start this close to the present set-point; the gate smooths what is left."""
BLOCKED_AFTER_S: Final = 0.15
PUSHED_AFTER_S: Final = 0.30
MAX_KNOTS: Final = 20_000
MAX_DURATION_S: Final = 300.0
BOX_TOLERANCE_M: Final = 1e-3

TOUCH_EVERY_RAD: Final = 0.05
TOUCH_SLACK_M: Final = 5e-4

Touching = Callable[[Sequence[float]], Touch | None]
ToolXyz = Callable[[Sequence[float]], tuple[float, float, float]]


class Refusal(NamedTuple):
    """Why a trajectory may not run, in one line."""

    status: Literal["LIMIT", "INVALID"]
    detail: str


def check_trajectory(
    spec: ArmSpec,
    trajectory: Trajectory,
    setpoint_rad: Vector,
    dt_s: float,
    workspace: Workspace | None = None,
    tool_xyz: ToolXyz | None = None,
    touching: Touching | None = None,
) -> Refusal | None:
    """Judge a whole trajectory before anything moves; None means it may run.

    Args:
        setpoint_rad: Where the arm is being held now.
        tool_xyz: Tool point in the base frame for given joints; without it the box is not checked.
        touching: Where the arm touches itself or another; without it that is not checked.
    """
    malformed = _check_shape(spec, trajectory)
    if malformed is not None:
        return Refusal("INVALID", malformed)
    away = np.abs(trajectory.q_rad[0] - np.asarray(setpoint_rad))
    if away.max() > START_TOLERANCE_RAD:
        joint = int(away.argmax())
        return Refusal(
            "INVALID",
            f"starts {away[joint]:.3f} rad away from where the arm is held "
            f"({spec.joints[joint].name}; allowed {START_TOLERANCE_RAD} rad)",
        )
    path = HermitePath(trajectory)
    times, q, dq = path.sample(dt_s)
    return (
        _check_joints(spec, path, times, q, dq, dt_s)
        or _check_box(times, q, workspace, tool_xyz, dt_s)
        or _check_touch(times, q, touching)
    )


def _check_shape(spec: ArmSpec, trajectory: Trajectory) -> str | None:
    t, q, dq = trajectory.t_s, trajectory.q_rad, trajectory.dq_rad_s
    n = len(spec.joints)
    if t.ndim != 1 or len(t) < 2:
        return "a trajectory needs at least two knots"
    if len(t) > MAX_KNOTS:
        return f"{len(t)} knots; at most {MAX_KNOTS}"
    if q.shape != (len(t), n) or dq.shape != (len(t), n):
        return f"knots must have shape ({len(t)}, {n}), got {q.shape} and {dq.shape}"
    if not (np.isfinite(t).all() and np.isfinite(q).all() and np.isfinite(dq).all()):
        return "a knot is not finite"
    if t[0] != 0.0 or not (np.diff(t) > 0.0).all():
        return "knot times must start at 0 and increase"
    if t[-1] > MAX_DURATION_S:
        return f"lasts {t[-1]:.1f} s; at most {MAX_DURATION_S:.0f} s"
    if np.abs(dq[[0, -1]]).max() > 1e-6:
        return "a trajectory must start and end at rest"
    return None


def _check_joints(
    spec: ArmSpec,
    path: HermitePath,
    times: FloatArray,
    q: FloatArray,
    dq: FloatArray,
    dt_s: float,
) -> Refusal | None:
    peak = path.peak_speed()
    acceleration = np.abs(np.diff(dq, axis=0)) / dt_s
    for i, joint in enumerate(spec.joints):
        beyond = np.maximum(joint.lo_rad - q[:, i], q[:, i] - joint.hi_rad)
        worst = int(beyond.argmax())
        if beyond[worst] > 1e-9:
            return Refusal(
                "LIMIT",
                f"{joint.name} reaches {q[worst, i]:.3f} rad at {times[worst]:.2f} s; "
                f"range {joint.lo_rad:.3f} to {joint.hi_rad:.3f}",
            )
        if peak[i] > joint.vmax_rad_s * VELOCITY_MARGIN:
            return Refusal(
                "LIMIT",
                f"{joint.name} moves at {peak[i]:.2f} rad/s; at most {joint.vmax_rad_s:.2f}",
            )
        worst = int(acceleration[:, i].argmax())
        if acceleration[worst, i] > joint.amax_rad_s2 * ACCELERATION_MARGIN:
            return Refusal(
                "LIMIT",
                f"{joint.name} accelerates at {acceleration[worst, i]:.1f} rad/s² at "
                f"{times[worst]:.2f} s; at most {joint.amax_rad_s2:.1f}",
            )
    return None


def _check_box(
    times: FloatArray,
    q: FloatArray,
    workspace: Workspace | None,
    tool_xyz: ToolXyz | None,
    dt_s: float,
) -> Refusal | None:
    if workspace is None or tool_xyz is None:
        return None
    stride = max(1, round(0.02 / dt_s))
    allowed_m = BOX_TOLERANCE_M
    for k in [*range(0, len(times) - 1, stride), len(times) - 1]:
        xyz = tool_xyz(q[k].tolist())
        outside_m, axis = outside_box(xyz, workspace)
        if k == 0:
            # An arm that already is outside may come back, never go further out.
            allowed_m = max(allowed_m, outside_m + BOX_TOLERANCE_M)
        if outside_m > allowed_m:
            return Refusal(
                "LIMIT",
                f"the tool leaves the workspace at {times[k]:.2f} s: {'xyz'[axis]} = "
                f"{xyz[axis]:.3f} m, allowed "
                f"{workspace.lo_m[axis]:.3f} to {workspace.hi_m[axis]:.3f}",
            )
    return None


def _check_touch(times: FloatArray, q: FloatArray, touching: Touching | None) -> Refusal | None:
    if touching is None:
        return None
    travelled = np.concatenate([[0.0], np.abs(np.diff(q, axis=0)).max(axis=1).cumsum()])
    return check_touch_along(times, travelled, lambda k: touching(q[k].tolist()))


def check_touch_along(
    times: FloatArray, travelled_rad: FloatArray, touch_at: Callable[[int], Touch | None]
) -> Refusal | None:
    """Look along a sampled motion as often as it has moved a little, not as often as time passed.

    Args:
        travelled_rad: At each sample, how far the joint that turns most has come, shape (n,).
        touch_at: The worst pair of parts at a sample; None: no pair is near.
    """
    marks = np.arange(0.0, travelled_rad[-1], TOUCH_EVERY_RAD)
    allowed_m = TOUCH_MARGIN_M
    for k in [*np.searchsorted(travelled_rad, marks).tolist(), len(times) - 1]:
        touch = touch_at(k)
        if touch is None:
            allowed_m = TOUCH_MARGIN_M
        elif k == 0:
            # What already touches may come apart.
            allowed_m = min(allowed_m, touch.clearance_m - TOUCH_SLACK_M)
        elif touch.clearance_m < allowed_m:
            return Refusal(
                "LIMIT",
                f"{touch.parts} come within {1e3 * touch.clearance_m:.0f} mm of each other at "
                f"{times[k]:.2f} s",
            )
    return None


def outside_box(xyz: tuple[float, float, float], workspace: Workspace) -> tuple[float, int]:
    """How far outside the box, and along which axis (0, 1, 2) most."""
    excess = [
        max(lo - value, value - hi, 0.0)
        for value, lo, hi in zip(xyz, workspace.lo_m, workspace.hi_m, strict=True)
    ]
    worst = max(excess)
    return worst, excess.index(worst)


def check_grip(
    spec: GripperSpec, width_m: float, force_N: float, speed_m_s: float
) -> Refusal | None:
    """Judge a gripper command; None means it may run."""
    if not all(map(math.isfinite, (width_m, force_N, speed_m_s))):
        return Refusal("INVALID", "opening, force and speed must be finite")
    lo, hi = spec.closed_width_m, spec.open_width_m
    if not lo - 1e-9 <= width_m <= hi + 1e-9:
        return Refusal("LIMIT", f"opening {width_m:.4f} m is outside {lo:.3f} to {hi:.3f} m")
    if not 0.0 < force_N <= spec.max_force_N + 1e-9:
        return Refusal("LIMIT", f"force {force_N:.1f} N is outside 0 to {spec.max_force_N:.1f} N")
    if not 0.0 < speed_m_s <= spec.max_speed_m_s + 1e-9:
        return Refusal(
            "LIMIT", f"speed {speed_m_s:.3f} m/s is outside 0 to {spec.max_speed_m_s:.3f} m/s"
        )
    return None


class TrackingMonitor:
    """Watches how far the arm is from where it was told to be."""

    def __init__(self, limit_rad: float, dt_s: float) -> None:
        self._limit_rad = limit_rad
        self._dt_s = dt_s
        self._over_s = 0.0
        self.error_rad = 0.0
        self.joint = 0

    def clear(self) -> None:
        self._over_s = 0.0

    def observe(self, measured_rad: Vector, commanded_rad: Vector) -> float:
        """Take one reading; returns for how long the error has been over its limit, seconds."""
        worst, joint = 0.0, 0
        for i, measured in enumerate(measured_rad):
            error = abs(measured - commanded_rad[i])
            if error > worst:
                worst, joint = error, i
        self.error_rad, self.joint = worst, joint
        self._over_s = self._over_s + self._dt_s if worst > self._limit_rad else 0.0
        return self._over_s
