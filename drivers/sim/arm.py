"""One simulated arm behind the driver seam: joint servos, and a gripper with a force limit.

Everything it reports is *measured*: true joints plus a zero offset and read noise. Set-points are
in measured joints too, as on a real arm whose encoders are slightly off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import mujoco
import numpy as np
from numpy.typing import NDArray

from drivers.sim.noise import READ_NOISE_ROWS, CellNoise
from drivers.sim.opening import Opening, opening_of
from drivers.sim.scene import TIMESTEP_S, arm_prefix
from drivers.types import ArmSample, ArmSpec, Finding

FloatArray = NDArray[np.float64]

GRIPPER = "gripper"

NEVER_S = -1e9
STREAM_GAP_S = 0.1
"""Set-points further apart than this do not tell a velocity."""


class ArmSetpoint(msgspec.Struct, frozen=True):
    """What an arm was last told, in measured joints."""

    q_rad: tuple[float, ...]
    width_m: float
    force_N: float
    energised: bool = True
    encoder_rad: tuple[float, ...] = ()
    """What the arm's own encoders say, where another process plays its servos; else empty."""


@dataclass(frozen=True, eq=False)
class _Wiring:
    """Where an arm lives in one compiled model, and what its sensors get wrong there."""

    model: mujoco.MjModel
    data: mujoco.MjData
    qpos: NDArray[np.intp]
    dofs: NDArray[np.intp]
    opening: Opening
    actuators: NDArray[np.intp]
    gripper: int
    feed_forward_s: FloatArray
    """Damping over stiffness of each servo: what turns a velocity into a set-point lead."""
    torque_limits: FloatArray
    bodies: NDArray[np.intp]
    gravcomp: FloatArray
    offset_rad: FloatArray
    read_noise: FloatArray


class SimArm:
    """An :class:`~drivers.arm.ArmDriver` over MuJoCo. Reads never block and never fail."""

    def __init__(self, spec: ArmSpec, clock: Callable[[], float]) -> None:
        self._spec = spec
        self._clock = clock
        self._wiring: _Wiring | None = None
        self._setpoint = self._home()
        self._written_s = NEVER_S
        self._limited: tuple[float, bool] | None = None

    # -- the driver seam -------------------------------------------------------------------

    def open(self) -> ArmSpec:
        return self._spec

    def check(self) -> list[Finding]:
        return []

    def read(self, deadline_s: float) -> ArmSample:
        """The newest telemetry; ``grip_force_N`` is positive when the fingers squeeze."""
        w = self._wired()
        force = w.data.actuator_force
        return ArmSample(
            t_s=self._clock(),
            q_rad=self.measured_q(),
            dq_rad_s=tuple(w.data.qvel[w.dofs].tolist()),
            q_cmd_rad=self._setpoint.q_rad,
            width_m=float(w.opening.width_m(w.data) + w.read_noise[self._row(), -1]),
            width_cmd_m=self._setpoint.width_m,
            grip_force_N=-w.opening.force_N(float(force[w.gripper])),
            load_Nm=tuple(force[w.actuators].tolist()),
        )

    def energised(self) -> bool:
        return self._setpoint.energised

    def energise(self) -> None:
        width = self._wired().opening.width_m(self._wired().data)
        self._setpoint = msgspec.structs.replace(
            self._setpoint, q_rad=self.measured_q(), width_m=width, energised=True
        )
        self._apply(np.zeros(len(self._setpoint.q_rad)))

    def release(self) -> None:
        self._setpoint = msgspec.structs.replace(self._setpoint, energised=False)
        self._apply(np.zeros(len(self._setpoint.q_rad)))

    def write(self, q_rad: tuple[float, ...], width_m: float, force_N: float) -> None:
        now_s = self._clock()
        dt_s = now_s - self._written_s
        velocity = np.zeros(len(q_rad))
        if 0.0 < dt_s < STREAM_GAP_S:
            velocity = (np.array(q_rad) - np.array(self._setpoint.q_rad)) / dt_s
        self._written_s = now_s
        self._setpoint = ArmSetpoint(tuple(q_rad), width_m, force_N, self._setpoint.energised)
        self._apply(velocity)

    def close(self) -> None:
        """Nothing to let go of: the world goes on without a driver."""

    # -- for the world ---------------------------------------------------------------------

    @property
    def setpoint(self) -> ArmSetpoint:
        """What the servos were last told."""
        return self._setpoint

    def measured_q(self) -> tuple[float, ...]:
        """Joint angles as the encoders tell them, radians."""
        if self._setpoint.encoder_rad:
            return self._setpoint.encoder_rad
        w = self._wired()
        q = w.data.qpos[w.qpos] + w.offset_rad + w.read_noise[self._row(), :-1]
        return tuple(q.tolist())

    def enter(self, model: mujoco.MjModel, data: mujoco.MjData, noise: CellNoise) -> None:
        """Become part of a newly compiled world."""
        self._wiring = _wire(self._spec, model, data, noise)
        self._limited = None

    def place_home(self) -> None:
        """Put the arm at its home pose, gripper open. Only a reset may."""
        w = self._wired()
        self._setpoint = self._home()
        self._written_s = NEVER_S
        w.data.qpos[w.qpos] = np.array(self._spec.home_rad) - w.offset_rad
        w.opening.place(w.data, self._spec.gripper.open_width_m)
        self._apply(np.zeros(len(self._spec.joints)))

    def place(self, q_rad: tuple[float, ...], width_m: float) -> None:
        """Put the arm at measured joints, holding them. Only who sets a scene may."""
        w = self._wired()
        force_N = self._spec.gripper.max_force_N
        self._setpoint = ArmSetpoint(tuple(q_rad), width_m, force_N)
        self._written_s = NEVER_S
        w.data.qpos[w.qpos] = np.array(q_rad) - w.offset_rad
        w.opening.place(w.data, width_m)
        self._apply(np.zeros(len(self._spec.joints)))

    def adopt(self, setpoint: ArmSetpoint) -> None:
        """Take over the set-point of a restored world, whose servos have it already."""
        self._setpoint = setpoint
        self._written_s = NEVER_S
        self._limit_forces()

    # -- servos ----------------------------------------------------------------------------

    def _home(self) -> ArmSetpoint:
        gripper = self._spec.gripper
        return ArmSetpoint(tuple(self._spec.home_rad), gripper.open_width_m, gripper.max_force_N)

    def _apply(self, velocity_rad_s: FloatArray) -> None:
        """Servo set-points: position plus the lead that cancels the servo's own damping."""
        w = self._wired()
        q_true = np.array(self._setpoint.q_rad) - w.offset_rad
        w.data.ctrl[w.actuators] = q_true + w.feed_forward_s * velocity_rad_s
        w.data.ctrl[w.gripper] = w.opening.command(self._setpoint.width_m)
        self._limit_forces()

    def _limit_forces(self) -> None:
        w = self._wired()
        limits = (self._setpoint.force_N, self._setpoint.energised)
        if limits == self._limited:
            return
        self._limited = limits
        on = 1.0 if self._setpoint.energised else 0.0
        w.model.actuator_forcerange[w.actuators] = on * w.torque_limits
        force = on * w.opening.effort(self._setpoint.force_N)
        w.model.actuator_forcerange[w.gripper] = (-force, force)
        w.model.body_gravcomp[w.bodies] = on * w.gravcomp

    def _row(self) -> int:
        return round(float(self._wired().data.time) / TIMESTEP_S) % READ_NOISE_ROWS

    def _wired(self) -> _Wiring:
        if self._wiring is None:
            raise RuntimeError(f"arm {self._spec.name} is in no world yet")
        return self._wiring


def _wire(spec: ArmSpec, model: mujoco.MjModel, data: mujoco.MjData, noise: CellNoise) -> _Wiring:
    prefix = arm_prefix(spec.name)
    joints = [model.joint(prefix + j.name) for j in spec.joints]
    actuators = np.array([model.actuator(prefix + j.name).id for j in spec.joints])
    bodies = [b for b in range(model.nbody) if model.body(b).name.startswith(prefix)]
    return _Wiring(
        model=model,
        data=data,
        qpos=np.array([int(j.qposadr[0]) for j in joints]),
        dofs=np.array([int(j.dofadr[0]) for j in joints]),
        opening=opening_of(spec, model),
        actuators=actuators,
        gripper=int(model.actuator(prefix + GRIPPER).id),
        feed_forward_s=model.actuator_biasprm[actuators, 2] / model.actuator_biasprm[actuators, 1],
        torque_limits=model.actuator_forcerange[actuators].copy(),
        bodies=np.array(bodies),
        gravcomp=model.body_gravcomp[bodies].copy(),
        offset_rad=noise.joint_offsets(spec.name, len(spec.joints)),
        read_noise=noise.read_noise(spec.name, len(spec.joints)),
    )
