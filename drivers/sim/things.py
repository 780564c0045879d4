"""Things on the table of a simulated cell as data, and as bodies of its model."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import mujoco
import numpy as np

PRINT_M = 0.0004
"""Paint is as thin as this: what a ray meets instead of the table."""

Shape = Literal["box", "cylinder", "sphere"]


class ScenePart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One primitive of a thing made of several: full extents, centre and yaw in its frame."""

    shape: Shape
    size_m: tuple[float, float, float]
    xyz_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    yaw_rad: float = 0.0
    rgb: tuple[float, float, float] | None = None
    """None has the colour of the thing."""


class SceneSlide(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a thing runs on a rail: along its own x from where it stands, metres and newtons."""

    reach_m: float
    friction_N: float = 1.0
    at_m: float = 0.0


Hold = Literal["free", "fixed", "printed"]
"""Lies there, is screwed to the table, or is paint on it."""


class SceneObject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rigid thing: full extents, centre and yaw in the base frame, colour in 0..1.

    ``friction`` acts against the table and other things; the rubber of the fingers grips with at
    least 1.0 whatever the object.
    """

    name: str
    shape: Shape
    size_m: tuple[float, float, float]
    rgb: tuple[float, float, float]
    mass_kg: float
    xyz_m: tuple[float, float, float]
    yaw_rad: float = 0.0
    friction: float = 0.6
    parts: tuple[ScenePart, ...] = ()
    """What it is made of; without any it is one ``shape`` of its full extents."""
    hold: Hold = "free"
    slide: SceneSlide | None = None


def add_thing(scene: Any, thing: SceneObject, rgba: tuple[float, ...]) -> None:
    half = thing.yaw_rad / 2
    body = scene.worldbody.add_body(
        name=thing.name, pos=thing.xyz_m, quat=(np.cos(half), 0.0, 0.0, np.sin(half))
    )
    if thing.slide is not None:
        _on_rail(body, thing, thing.slide)
    elif thing.hold == "free":
        body.add_freejoint(name=thing.name)
    if not thing.parts:
        _add_geom(body, thing.name, thing, thing.shape, thing.size_m, thing.mass_kg, rgba)
        return
    volumes = [float(np.prod(part.size_m)) for part in thing.parts]
    for index, (part, volume) in enumerate(zip(thing.parts, volumes, strict=True)):
        name = thing.name if index == 0 else f"{thing.name} part {index + 1}"
        mass_kg = thing.mass_kg * volume / sum(volumes)
        colour = rgba if part.rgb is None else (*part.rgb, 1.0)
        turn = part.yaw_rad / 2
        geom = _add_geom(body, name, thing, part.shape, part.size_m, mass_kg, colour)
        geom.pos, geom.quat = part.xyz_m, (np.cos(turn), 0.0, 0.0, np.sin(turn))


def _on_rail(body: Any, thing: SceneObject, slide: SceneSlide) -> None:
    body.add_joint(
        name=thing.name,
        type=mujoco.mjtJoint.mjJNT_SLIDE,
        axis=(1.0, 0.0, 0.0),
        limited=True,
        range=(0.0, slide.reach_m),
        frictionloss=slide.friction_N,
        damping=2.0,
    )


def _add_geom(
    body: Any,
    name: str,
    thing: SceneObject,
    shape: Shape,
    size_m: tuple[float, float, float],
    mass_kg: float,
    rgba: tuple[float, ...],
) -> Any:
    sx, sy, sz = size_m
    kind, size = {
        "box": (mujoco.mjtGeom.mjGEOM_BOX, (sx / 2, sy / 2, sz / 2)),
        "cylinder": (mujoco.mjtGeom.mjGEOM_CYLINDER, (sx / 2, sz / 2, 0.0)),
        "sphere": (mujoco.mjtGeom.mjGEOM_SPHERE, (sx / 2, 0.0, 0.0)),
    }[shape]
    geom = body.add_geom(
        name=name,
        type=kind,
        size=size,
        mass=mass_kg,
        rgba=rgba,
        friction=(thing.friction, 0.005, 0.001),
        # Four corners resist turning on the table by themselves; only a ball needs more rows.
        condim=6 if shape == "sphere" else 3,
        solref=(0.004, 1.0),
        solimp=(0.95, 0.99, 0.001, 0.5, 2.0),
    )
    if thing.hold == "printed":
        geom.contype, geom.conaffinity = 0, 0
    return geom
