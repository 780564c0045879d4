"""What is really so in a simulated cell. For the referee and tests, nobody else.

It lives behind the stand-in's own socket, never behind the cell's: programs, agents and perception
have no way to ask for it.
"""

from __future__ import annotations

import msgspec
import numpy as np

from drivers.sim.opening import finger_bodies, opening_of
from drivers.sim.world import World
from drivers.types import ArmSpec


class ObjectTruth(msgspec.Struct, frozen=True):
    """True pose of a thing in the base frame and the speed of its centre."""

    xyz_m: tuple[float, float, float]
    wxyz: tuple[float, float, float, float]
    speed_m_s: float


class SceneTruth(msgspec.Struct, frozen=True):
    """Every thing of the scene, and who touches whom, by name.

    ``widths_m`` is the true opening of each arm's gripper.
    """

    t_s: float
    objects: dict[str, ObjectTruth]
    touching_fingers: tuple[str, ...]
    touching: tuple[tuple[str, str], ...]
    widths_m: dict[str, float]
    fingers_of: dict[str, tuple[str, ...]] = {}
    """Per arm, the things that touch its fingers."""
    slides_m: dict[str, float] = {}
    """How far each thing on a rail has been drawn out."""
    film_left: float | None = None
    """Share of what was spilt that is still there."""


def read_truth(world: World) -> SceneTruth:
    """Look straight into the simulation; changes nothing."""
    names = {thing.name for thing in world.spec.things()}
    pairs = world.contacts()
    fingers = {body for arm in world.info.arms for body in finger_bodies(arm)}
    held = _touched(pairs, fingers)
    return SceneTruth(
        t_s=world.clock(),
        objects={name: _object(world, name) for name in sorted(names)},
        touching_fingers=tuple(sorted(held & names)),
        touching=tuple(sorted((a, b) for a, b in pairs if {a, b} <= names)),
        fingers_of={arm.name: _held_by(pairs, arm, names) for arm in world.info.arms},
        widths_m={
            arm.name: opening_of(arm, world.model).width_m(world.data) for arm in world.info.arms
        },
        slides_m={
            thing.name: float(world.data.joint(thing.name).qpos[0])
            for thing in world.spec.things()
            if thing.slide is not None
        },
        film_left=None if world.spec.film is None else world.film_left(),
    )


def _touched(pairs: set[tuple[str, str]], bodies: set[str]) -> set[str]:
    return {b for a, b in pairs if a in bodies} | {a for a, b in pairs if b in bodies}


def _held_by(pairs: set[tuple[str, str]], arm: ArmSpec, names: set[str]) -> tuple[str, ...]:
    return tuple(sorted(_touched(pairs, set(finger_bodies(arm))) & names))


def _object(world: World, name: str) -> ObjectTruth:
    thing = next(t for t in world.spec.things() if t.name == name)
    if thing.slide is not None or thing.hold != "free":
        body = world.data.body(name)
        pose = [*body.xpos.tolist(), *body.xquat.tolist()]
        speed = 0.0 if thing.slide is None else abs(float(world.data.joint(name).qvel[0]))
    else:
        joint = world.data.joint(name)
        pose = joint.qpos.tolist()
        speed = float(np.linalg.norm(joint.qvel[:3]))
    return ObjectTruth(
        xyz_m=(pose[0], pose[1], pose[2]),
        wxyz=(pose[3], pose[4], pose[5], pose[6]),
        speed_m_s=speed,
    )
