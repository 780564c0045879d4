"""A simulated base that drives: a body on two slides and a turn, led by servos like an arm.

What it reports is measured: where it truly is plus an error of its localisation that stays the same
between resets.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import mujoco
import numpy as np
from numpy.typing import NDArray

from drivers.room import as_arm
from drivers.sim.arm import NEVER_S, STREAM_GAP_S, ArmSetpoint
from drivers.sim.noise import CellNoise
from drivers.sim.vehicle_body import DAMPING, JOINTS, PUSH_AT_MOST, STIFFNESS
from drivers.types import ArmSample, ArmSpec, BaseSpec, Finding


class SimVehicle:
    """An :class:`~drivers.arm.ArmDriver` of three joints over MuJoCo. Reads never fail."""

    def __init__(self, base: BaseSpec, clock: Callable[[], float]) -> None:
        self._base = base
        self._clock = clock
        self._setpoint = ArmSetpoint(base.home, 0.0, 0.0)
        self._written_s = NEVER_S
        self._model: mujoco.MjModel | None = None

    # -- the driver seam -------------------------------------------------------------------

    def open(self) -> ArmSpec:
        return as_arm(self._base)

    def check(self) -> list[Finding]:
        return []

    def read(self, deadline_s: float) -> ArmSample:
        return ArmSample(
            t_s=self._clock(),
            q_rad=self.measured_q(),
            dq_rad_s=tuple(self._data.qvel[self._dofs].tolist()),
            q_cmd_rad=self._setpoint.q_rad,
            width_m=0.0,
            width_cmd_m=0.0,
            grip_force_N=0.0,
            load_Nm=tuple(self._data.actuator_force[self._actuators].tolist()),
        )

    def energised(self) -> bool:
        return self._setpoint.energised

    def energise(self) -> None:
        self._setpoint = msgspec.structs.replace(
            self._setpoint, q_rad=self.measured_q(), energised=True
        )
        self._apply(np.zeros(3))

    def release(self) -> None:
        self._setpoint = msgspec.structs.replace(self._setpoint, energised=False)
        self._apply(np.zeros(3))

    def write(self, q_rad: tuple[float, ...], width_m: float, force_N: float) -> None:
        now_s = self._clock()
        dt_s = now_s - self._written_s
        velocity = np.zeros(3)
        if 0.0 < dt_s < STREAM_GAP_S:
            velocity = (np.array(q_rad) - np.array(self._setpoint.q_rad)) / dt_s
        self._written_s = now_s
        self._setpoint = msgspec.structs.replace(self._setpoint, q_rad=tuple(q_rad))
        self._apply(velocity)

    def close(self) -> None:
        """Nothing to let go of: the world goes on without a driver."""

    # -- for the world ---------------------------------------------------------------------

    @property
    def setpoint(self) -> ArmSetpoint:
        """What the servos were last told."""
        return self._setpoint

    def measured_q(self) -> tuple[float, ...]:
        """Where it takes itself to be: x, y in metres, yaw in radians, room frame."""
        return tuple((self._data.qpos[self._qpos] + self._error).tolist())

    def enter(self, model: mujoco.MjModel, data: mujoco.MjData, noise: CellNoise) -> None:
        """Become part of a newly compiled world."""
        self._model, self._data = model, data
        joints = [model.joint(name) for name in JOINTS]
        self._qpos = np.array([int(j.qposadr[0]) for j in joints])
        self._dofs = np.array([int(j.dofadr[0]) for j in joints])
        self._actuators = np.array([int(model.actuator(name).id) for name in JOINTS])
        self._error = noise.localisation_error()

    def place_home(self) -> None:
        """Stand where the cell file says. Only a reset may."""
        self.place(self._base.home, 0.0)

    def place(self, q_rad: tuple[float, ...], width_m: float) -> None:
        """Stand where it then takes itself to be. Only who sets a scene may."""
        self._setpoint = ArmSetpoint(tuple(q_rad), 0.0, 0.0)
        self._written_s = NEVER_S
        self._data.qpos[self._qpos] = np.array(q_rad) - self._error
        self._apply(np.zeros(3))

    def adopt(self, setpoint: ArmSetpoint) -> None:
        """Take over the set-point of a restored world, whose servos have it already."""
        self._setpoint = setpoint
        self._written_s = NEVER_S

    def _apply(self, velocity: NDArray[np.float64]) -> None:
        """Servo set-points: position plus the lead that cancels the servo's own damping."""
        on = 1.0 if self._setpoint.energised else 0.0
        lead_s = np.array(DAMPING) / np.array(STIFFNESS)
        wanted = np.array(self._setpoint.q_rad) - self._error
        self._data.ctrl[self._actuators] = wanted + lead_s * velocity
        if self._model is not None:
            push = on * np.array(PUSH_AT_MOST)
            self._model.actuator_forcerange[self._actuators] = np.stack((-push, push), axis=1)
