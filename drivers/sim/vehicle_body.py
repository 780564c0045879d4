"""The body of a driving base and the room it drives in, as parts of a scene's model."""

from __future__ import annotations

from typing import Any, Final

import mujoco
import numpy as np

from drivers.types import BaseSpec, Furniture, Room

VEHICLE: Final = "vehicle"
JOINTS: Final = ("base/x", "base/y", "base/yaw")
MASS_KG: Final = 60.0
STIFFNESS: Final = (6.0e4, 6.0e4, 8.0e3)
DAMPING: Final = (4.0e3, 4.0e3, 5.0e2)
PUSH_AT_MOST: Final = (400.0, 400.0, 120.0)
"""N, N and N m: it stops at a table instead of carrying it away."""

FLOOR_Z_M: Final = 0.0
LOOKS: Final = ((0.55, 0.47, 0.38), (0.50, 0.52, 0.55), (0.42, 0.44, 0.40), (0.60, 0.58, 0.52))


def add_vehicle(scene: Any, base: BaseSpec) -> Any:
    """The driving body; returns it, for arms and cameras to be put on."""
    body = scene.worldbody.add_body(name=VEHICLE)
    half = (base.height_m - 0.02) / 2
    body.add_geom(
        name="chassis",
        type=mujoco.mjtGeom.mjGEOM_CYLINDER,
        size=(base.radius_m, half, 0.0),
        pos=(0.0, 0.0, 0.01 + half),
        mass=MASS_KG,
        rgba=(0.25, 0.26, 0.28, 1.0),
        friction=(0.3, 0.005, 0.0001),
    )
    axes = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
    kinds = (mujoco.mjtJoint.mjJNT_SLIDE,) * 2 + (mujoco.mjtJoint.mjJNT_HINGE,)
    for i, (name, kind, axis) in enumerate(zip(JOINTS, kinds, axes, strict=True)):
        body.add_joint(name=name, type=kind, axis=axis)
        servo = scene.add_actuator(name=name, trntype=mujoco.mjtTrn.mjTRN_JOINT, target=name)
        servo.gaintype, servo.biastype = mujoco.mjtGain.mjGAIN_FIXED, mujoco.mjtBias.mjBIAS_AFFINE
        servo.gainprm[0] = STIFFNESS[i]
        servo.biasprm[1:3] = -STIFFNESS[i], -DAMPING[i]
        servo.forcelimited, servo.forcerange = True, (-PUSH_AT_MOST[i], PUSH_AT_MOST[i])
    return body


def add_room(scene: Any, room: Room, table: str) -> None:
    """Floor and furniture; the first piece is the table that everything else calls by that name."""
    size = np.subtract(room.hi_m, room.lo_m) / 2 + 0.5
    middle = np.add(room.hi_m, room.lo_m) / 2
    scene.worldbody.add_geom(
        name="floor",
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=(size[0], size[1], 0.05),
        pos=(middle[0], middle[1], FLOOR_Z_M - 0.05),
        rgba=(0.36, 0.36, 0.38, 1.0),
    )
    for i, piece in enumerate(room.furniture):
        _add_piece(scene, piece, table if i == 0 else f"furniture {piece.name}", LOOKS[i % 4])


def _add_piece(scene: Any, piece: Furniture, name: str, rgb: tuple[float, ...]) -> None:
    x, y, z = piece.size_m
    scene.worldbody.add_geom(
        name=name,
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=(x / 2, y / 2, z / 2),
        pos=(piece.xy_m[0], piece.xy_m[1], z / 2),
        rgba=(*rgb, 1.0),
        friction=(0.6, 0.005, 0.0001),
        solref=(0.004, 1.0),
        solimp=(0.95, 0.99, 0.001, 0.5, 2.0),
    )
