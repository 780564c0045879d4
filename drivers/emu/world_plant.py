"""Servo shafts that turn the joints of a simulated bench: one world, all arms of the cell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import mujoco

from drivers.emu.shaft import Drive, Gears, Shaft, through_play
from drivers.sim.arm import GRIPPER
from drivers.sim.noise import NoiseSpec
from drivers.sim.scene import SceneSpec, arm_prefix
from drivers.sim.world import World
from drivers.types import ArmSpec, CellInfo

STUCK_NMS_RAD: Final = 5000.0
"""Damping of a jammed joint."""

PUSHED_M: Final = 0.03
"""A thing that settles further away than this was not set down but shoved."""

LIMIT_STEP: Final = 0.01
"""Share by which a torque limit must change before the model hears of it."""

SHORT_NMS_RAD: Final = 3.0
"""Braking of a motor whose windings are shorted."""


class InTheWay(Exception):
    """Where a thing is to be, there is an arm."""


@dataclass
class _Joint:
    """Where one shaft lives in the compiled model, and what the model has been told."""

    number: int
    qpos: int
    dof: int
    actuator: int
    friction_Nm: float
    damping_Nms_rad: float
    told: tuple[float, float, float, bool] = (-1.0, -1.0, -1.0, False)


class WorldShafts:
    """A :class:`~drivers.emu.shaft.Plant` whose load is a MuJoCo world.

    The encoder sits on the motor's side of the play: what hangs on the horn may be elsewhere by up
    to half of it, and nobody but a camera can see that.

    Attributes:
        world: The bench as it is now; another one after every reset.
    """

    def __init__(self, info: CellInfo, noise: NoiseSpec, gears: Gears) -> None:
        self._info = info
        self._noise = noise
        self._gears = gears
        self._play = [0.0] * sum(len(arm.joints) + 1 for arm in info.arms)
        self.shafts = [Shaft() for _ in self._play]
        self.world = World(info, noise)
        self._joints = self._enter(self.world)
        for shaft, joint, rest in zip(self.shafts, self._joints, self._resting(), strict=True):
            lo, hi = self.world.model.jnt_range[joint.number].tolist()
            shaft.stops_rad, shaft.rest_rad = (lo, hi), rest
        self._feel()

    def of_arm(self, arm: str) -> list[Shaft]:
        """The shafts of one arm: its joints in order, then its gripper."""
        start = 0
        for spec in self._info.arms:
            end = start + len(spec.joints) + 1
            if spec.name == arm:
                return self.shafts[start:end]
            start = end
        raise KeyError(arm)

    def advance(self, drives: Sequence[Drive]) -> None:
        model, data = self.world.model, self.world.data
        qpos, ctrl = data.qpos, data.ctrl
        for index, (joint, drive) in enumerate(zip(self._joints, drives, strict=True)):
            self._tell(model, joint, drive, self.shafts[index].jammed)
            angle = qpos[joint.qpos]
            stiffness = joint.told[0]
            if drive.limit_Nm <= 0.0 or drive.stiffness_Nm_rad <= 0.0:
                ctrl[joint.actuator] = angle + drive.feed_Nm / stiffness
                continue
            error = drive.error_rad + self._play[index]
            spring = through_play(error, stiffness, self._gears.play_rad)
            self._play[index] = error - spring / stiffness
            lead = spring + drive.damping_Nms_rad * drive.set_speed_rad_s
            ctrl[joint.actuator] = angle + lead / stiffness
        mujoco.mj_step(model, data)
        for shaft, joint in zip(self.shafts, self._joints, strict=True):
            if shaft.led_rad is not None:
                qpos[joint.qpos], data.qvel[joint.dof] = shaft.led_rad, 0.0
        self._feel()

    # -- scenes ----------------------------------------------------------------------------

    def prepare(self, spec: SceneSpec) -> tuple[World, str]:
        """A settled world with this scene, beside the present one; may run on another thread.

        Raises:
            ValueError: The scene cannot be built.
            InTheWay: An arm at home would stand in one of the things.
        """
        fresh = World(self._info, self._noise)
        name = fresh.reset(spec)
        for thing in spec.things():
            x, y = fresh.data.joint(thing.name).qpos[:2]
            if math.hypot(x - thing.xyz_m[0], y - thing.xyz_m[1]) > PUSHED_M:
                raise InTheWay(f"the arm is in the way: it pushes {thing.name} aside")
        return fresh, name

    def take(self, fresh: World) -> None:
        """Go on in a prepared world, the arms as they are now.

        Raises:
            InTheWay: An arm stands in one of the things; nothing was changed.
        """
        joints = self._enter(fresh)
        for old, new in zip(self._joints, joints, strict=True):
            fresh.data.qpos[new.qpos] = self.world.data.qpos[old.qpos]
            fresh.data.qvel[new.dof] = self.world.data.qvel[old.dof]
        mujoco.mj_forward(fresh.model, fresh.data)
        things = {thing.name for thing in fresh.spec.things()}
        for a, b in sorted(fresh.contacts()):
            if (a in things) != (b in things) and "/" in a + b:
                raise InTheWay(f"the arm is in the way: {a} touches {b}; move it home first")
        fresh.start_at(self.world.clock())
        self.world, self._joints = fresh, joints
        self._feel()

    def prepare_back(self, snapshot: bytes) -> World:
        """The world of a snapshot, beside the present one. Raises ValueError when it is of none."""
        fresh = World(self._info, self._noise)
        fresh.restore(snapshot)
        return fresh

    def lay_down(self) -> None:
        """Put every arm where it rests without torque, if anybody has said where that is."""
        for joint, angle in zip(self._joints, self._resting(), strict=True):
            self.world.data.qpos[joint.qpos] = angle
        mujoco.mj_forward(self.world.model, self.world.data)
        self._feel()

    def _resting(self) -> list[float]:
        """Where every shaft is when the arms lie: the gripper, and who has no such pose, as is."""
        out: list[float] = []
        for arm in self._info.arms:
            at = self._joints[len(out) : len(out) + len(arm.joints) + 1]
            here = [float(self.world.data.qpos[joint.qpos]) for joint in at]
            out += [*(arm.rest_rad or here[:-1]), here[-1]]
        return out

    def wake_up(self, snapshot: bytes) -> None:
        """Be the world of a snapshot, arms included: for a process that starts."""
        self.world.restore(snapshot)
        self._joints = self._enter(self.world)
        self._feel()

    # -- inside ----------------------------------------------------------------------------

    def _enter(self, world: World) -> list[_Joint]:
        """Find the joints in a model, and make its actuators what servos are."""
        model = world.model
        joints = []
        for arm in self._info.arms:
            names = [*(j.name for j in arm.joints), _gripper_joint(arm)]
            actuators = [*(j.name for j in arm.joints), GRIPPER]
            prefix = arm_prefix(arm.name)
            for name, actuator in zip(names, actuators, strict=True):
                joints.append(self._wire(model, prefix + name, prefix + actuator))
            for body in range(model.nbody):
                if model.body(body).name.startswith(prefix):
                    model.body_gravcomp[body] = 0.0
        return joints

    def _wire(self, model: mujoco.MjModel, name: str, actuator: str) -> _Joint:
        joint, index = model.joint(name), int(model.actuator(actuator).id)
        dof = int(joint.dofadr[0])
        model.actuator_ctrllimited[index] = 0
        friction = max(float(model.dof_frictionloss[dof]), self._gears.stiction_Nm)
        damping = float(model.dof_damping[dof])
        at = int(joint.qposadr[0])
        return _Joint(int(joint.id), at, dof, index, friction, damping)

    def _tell(self, model: mujoco.MjModel, joint: _Joint, drive: Drive, jammed: bool) -> None:
        """Gains and limits, where they changed."""
        stiffness = drive.stiffness_Nm_rad or 1.0
        damping = drive.damping_Nms_rad
        if drive.limit_Nm > 0.0 and drive.stiffness_Nm_rad <= 0.0 and drive.feed_Nm == 0.0:
            damping = SHORT_NMS_RAD
        was = joint.told
        near = abs(drive.limit_Nm - was[2]) <= LIMIT_STEP * was[2]
        if (stiffness, damping, jammed) == (was[0], was[1], was[3]) and near:
            return
        joint.told = (stiffness, damping, drive.limit_Nm, jammed)
        model.actuator_gainprm[joint.actuator, 0] = stiffness
        model.actuator_biasprm[joint.actuator, 1] = -stiffness
        model.actuator_biasprm[joint.actuator, 2] = -damping
        model.actuator_forcerange[joint.actuator] = (-drive.limit_Nm, drive.limit_Nm)
        model.dof_damping[joint.dof] = STUCK_NMS_RAD if jammed else joint.damping_Nms_rad
        model.dof_frictionloss[joint.dof] = joint.friction_Nm

    def _feel(self) -> None:
        """What the sensors of the servos feel now."""
        data = self.world.data
        qpos, qvel, force = data.qpos, data.qvel, data.actuator_force
        for shaft, joint, play in zip(self.shafts, self._joints, self._play, strict=True):
            shaft.angle_rad = float(qpos[joint.qpos]) + play
            shaft.speed_rad_s = float(qvel[joint.dof])
            shaft.torque_Nm = float(force[joint.actuator])


def _gripper_joint(arm: ArmSpec) -> str:
    if arm.gripper.jaw is None:
        raise ValueError(
            f"arm {arm.name}: a servo turns a hinged jaw; [arms.gripper.jaw] is missing"
        )
    return arm.gripper.jaw.joint
