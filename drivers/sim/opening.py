"""How a gripper in the model opens: two slides that share the way, or one hinged jaw."""

from __future__ import annotations

from typing import Protocol

import mujoco
import numpy as np

from drivers.jaw import jaw_angle_rad, jaw_width_m
from drivers.sim.scene import arm_prefix
from drivers.types import ArmSpec, JawSpec

SLIDES = ("finger_left", "finger_right")
"""Joints of two parallel fingers, and the bodies they move."""

HINGED_FINGERS = ("gripper", "moving_jaw")
"""Bodies of a one-sided jaw: the fixed finger is part of the hand."""


class Opening(Protocol):
    """The opening of one gripper, metres, and what its actuator is told for it."""

    def width_m(self, data: mujoco.MjData) -> float: ...

    def place(self, data: mujoco.MjData, width_m: float) -> None:
        """Put the fingers there at once. Only a reset may."""
        ...

    def command(self, width_m: float) -> float:
        """The actuator's set-point for an opening."""
        ...

    def effort(self, force_N: float) -> float:
        """The actuator's limit for a force at the fingers."""
        ...

    def force_N(self, effort: float) -> float:
        """The force at the fingers, from the actuator's."""
        ...


class SlideOpening:
    """Two slides coupled in the model; the actuator takes metres and newtons."""

    def __init__(self, spec: ArmSpec, model: mujoco.MjModel) -> None:
        names = [arm_prefix(spec.name) + finger for finger in SLIDES]
        self._qpos = np.array([int(model.joint(name).qposadr[0]) for name in names])

    def width_m(self, data: mujoco.MjData) -> float:
        return float(data.qpos[self._qpos].sum())

    def place(self, data: mujoco.MjData, width_m: float) -> None:
        data.qpos[self._qpos] = width_m / len(SLIDES)

    def command(self, width_m: float) -> float:
        return width_m

    def effort(self, force_N: float) -> float:
        return force_N

    def force_N(self, effort: float) -> float:
        return effort


class JawOpening:
    """One hinge; the actuator takes radians and newton metres."""

    def __init__(self, spec: ArmSpec, jaw: JawSpec, model: mujoco.MjModel) -> None:
        self._jaw = jaw
        self._qpos = int(model.joint(arm_prefix(spec.name) + jaw.joint).qposadr[0])

    def width_m(self, data: mujoco.MjData) -> float:
        return jaw_width_m(self._jaw, float(data.qpos[self._qpos]))

    def place(self, data: mujoco.MjData, width_m: float) -> None:
        data.qpos[self._qpos] = jaw_angle_rad(self._jaw, width_m)

    def command(self, width_m: float) -> float:
        return jaw_angle_rad(self._jaw, width_m)

    def effort(self, force_N: float) -> float:
        return force_N * self._jaw.lever_m

    def force_N(self, effort: float) -> float:
        return effort / self._jaw.lever_m


def opening_of(spec: ArmSpec, model: mujoco.MjModel) -> Opening:
    """The gripper of an arm inside a scene's model."""
    jaw = spec.gripper.jaw
    return SlideOpening(spec, model) if jaw is None else JawOpening(spec, jaw, model)


def finger_bodies(spec: ArmSpec) -> tuple[str, str]:
    """The two bodies of a scene's model that hold what an arm holds."""
    a, b = SLIDES if spec.gripper.jaw is None else HINGED_FINGERS
    return arm_prefix(spec.name) + a, arm_prefix(spec.name) + b
