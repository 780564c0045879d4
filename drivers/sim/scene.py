"""The scene of a simulated cell as data, and the MuJoCo model built from it.

Only primitives: nothing is loaded but the arm's own model file. Objects are free bodies; nothing is
welded, glued or moved by hand after a reset.
"""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Any

import msgspec
import mujoco
import numpy as np
from numpy.typing import NDArray

from drivers.sim.appearance import Appearance
from drivers.sim.board import NAME as BOARD
from drivers.sim.board import PlacedBoard, add_board, refuse
from drivers.sim.film import Film
from drivers.sim.noise import CellNoise
from drivers.sim.things import PRINT_M, SceneObject, ScenePart, SceneSlide, Shape, add_thing
from drivers.sim.vehicle_body import add_room, add_vehicle
from drivers.types import ArmSpec, CameraSpec, CellInfo

__all__ = [
    "PRINT_M",
    "SceneObject",
    "ScenePart",
    "SceneSlide",
    "SceneSpec",
    "Shape",
    "build_model",
    "scene_hash",
]

MODELS = Path(__file__).resolve().parent.parent / "models"

TIMESTEP_S = 1.0 / 512.0
"""About 2 ms, and exact in binary: sums and differences of cell times never round, so a trial is
the same to the bit however long the cell has been running."""

SLEEP_BELOW_M_S = 1e-4
"""Things at rest are left out of the solver until something awake touches them. They must be ten
times slower than MuJoCo's own default, so that nothing that is about to tip is frozen."""

TABLE = "table"
TABLE_HALF_M = (0.6, 0.75, 0.02)
TABLE_CENTRE_X_M = 0.35


class SceneSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything a reset of a simulated cell sets. The same spec gives the same world."""

    objects: tuple[SceneObject, ...] = ()
    distractors: tuple[SceneObject, ...] = ()
    appearance_seed: int = 0
    noise_seed: int = 0
    board: PlacedBoard | None = None
    """A calibration board, laid down or held by an arm."""
    film: Film | None = None
    """Something spilt on the table, to be wiped off."""
    base_pose: tuple[float, float, float] | None = None
    """Where a driving base starts: x, y in metres, yaw in radians, room frame; None: its home."""

    def things(self) -> tuple[SceneObject, ...]:
        """Objects, then distractors."""
        return self.objects + self.distractors


def scene_hash(spec: SceneSpec) -> str:
    """A name for exactly this scene."""
    table = msgspec.to_builtins(spec)
    # Names given before there were boards, films, bases or things of several parts stay.
    for name in ("board", "film", "base_pose"):
        if table[name] is None:
            del table[name]
    if spec.film is not None and not spec.film.gone:
        del table["film"]["gone"]
    for thing in (*table["objects"], *table["distractors"]):
        for name, plain in (("parts", []), ("hold", "free"), ("slide", None)):
            if thing[name] == plain or thing[name] == ():
                del thing[name]
    return hashlib.blake2b(msgspec.json.encode(table), digest_size=8).hexdigest()


def arm_prefix(arm: str) -> str:
    """What an arm's names start with inside the scene's model."""
    return f"{arm}/"


def build_model(info: CellInfo, spec: SceneSpec, noise: CellNoise) -> mujoco.MjModel:
    """Compile arms, table, cameras (at their true poses) and things into one model.

    Raises:
        ValueError: Two things share a name, or MuJoCo rejects the scene.
    """
    _check(spec)
    model_spec = mujoco.MjSpec()
    model_spec.compiler.degree = False
    model_spec.option.timestep = TIMESTEP_S
    model_spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    model_spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    model_spec.option.impratio = 10.0
    model_spec.option.enableflags |= int(mujoco.mjtEnableBit.mjENBL_SLEEP)
    model_spec.option.sleep_tolerance = SLEEP_BELOW_M_S
    look = Appearance.draw(spec.appearance_seed)
    carrier = model_spec.worldbody
    if info.base is not None and info.room is not None:
        add_room(model_spec, info.room, TABLE)
        carrier = add_vehicle(model_spec, info.base)
    else:
        _add_table(model_spec, info.workspace.table_z_m)
    for arm in info.arms:
        _attach_arm(model_spec, carrier, arm)
    for index, thing in enumerate(spec.things()):
        add_thing(model_spec, thing, look.object_rgb(thing.rgb, index))
    for camera in info.cameras:
        _add_camera(model_spec, carrier, info, camera, noise)
    if spec.board is not None:
        _place_board(model_spec, info, spec.board)
    if spec.film is not None:
        model_spec.nuserdata = spec.film.cells
    model_spec.visual.quality.shadowsize = 0
    return model_spec.compile()


def _check(spec: SceneSpec) -> None:
    names = [thing.name for thing in spec.things()]
    if len(set(names)) != len(names):
        raise ValueError(f"scene names are not unique: {sorted(names)}")
    for thing in spec.things():
        if thing.name == TABLE or "/" in thing.name or not thing.name:
            raise ValueError(f"a thing cannot be called {thing.name!r}")
        if not all(map(math.isfinite, (*thing.xyz_m, *thing.rgb, thing.yaw_rad))):
            raise ValueError(f"{thing.name}: place and colour must be finite")
        for sides in (thing.size_m, *(part.size_m for part in thing.parts)):
            least = PRINT_M if thing.hold == "printed" else 0.002
            if not all(least <= side <= 1.0 for side in sides):
                raise ValueError(f"{thing.name}: sides {sides} m are not within 2 mm to 1 m")
        if not 0.001 <= thing.mass_kg <= 100.0:
            raise ValueError(f"{thing.name}: mass {thing.mass_kg} kg is not within 1 g to 100 kg")
        if not 0.0 <= thing.friction <= 5.0:
            raise ValueError(f"{thing.name}: friction {thing.friction} is not within 0 to 5")


def arm_model_path(arm: ArmSpec) -> Path:
    """The model file of an arm; a bare name is looked up among those that ship."""
    given = Path(arm.model)
    return given if given.is_absolute() else MODELS / given.with_suffix(".xml").name


def _attach_arm(scene: Any, carrier: Any, arm: ArmSpec) -> None:
    child = mujoco.MjSpec.from_file(str(arm_model_path(arm)))
    child.option = scene.option
    mount = carrier.add_frame(pos=arm.base_xyz_m, quat=arm.base_wxyz)
    scene.attach(child, prefix=arm_prefix(arm.name), frame=mount)


def _add_table(scene: Any, top_z_m: float) -> None:
    scene.worldbody.add_geom(
        name=TABLE,
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=TABLE_HALF_M,
        pos=(TABLE_CENTRE_X_M, 0.0, top_z_m - TABLE_HALF_M[2]),
        rgba=(0.6, 0.6, 0.6, 1.0),
        friction=(0.6, 0.005, 0.0001),
        solref=(0.004, 1.0),
        solimp=(0.95, 0.99, 0.001, 0.5, 2.0),
    )


def _add_camera(
    scene: Any, carrier: Any, info: CellInfo, camera: CameraSpec, noise: CellNoise
) -> None:
    """A camera where it truly is: its calibration, displaced by what the calibration got wrong."""
    error = noise.camera_error(camera.name, on_arm=camera.mount != "base")
    R = rotation(camera.mount_wxyz)
    position = np.array(camera.mount_xyz_m) + error.xyz_m
    R = R @ rotation_from_vector(error.rotvec_rad)
    body = carrier
    if camera.mount != "base":
        arm = next(a for a in info.arms if a.name == camera.mount)
        site = scene.site(arm_prefix(arm.name) + arm.tool_site)
        body = site.parent
        R_body_tool = rotation(site.quat)
        position = np.array(site.pos) + R_body_tool @ position
        R = R_body_tool @ R
    quat = np.zeros(4)
    mujoco.mju_mat2Quat(quat, (R @ np.diag([1.0, -1.0, -1.0])).ravel())
    body.add_camera(
        name=camera.name,
        pos=position,
        quat=quat,
        fovy=camera.fovy_deg,
        resolution=(camera.width, camera.height),
    )


def _place_board(scene: Any, info: CellInfo, placed: PlacedBoard) -> None:
    refuse(placed, tuple(arm.name for arm in info.arms))
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = rotation(placed.wxyz), placed.xyz_m
    if placed.mount == "base":
        add_board(scene.worldbody, placed, T)
        return
    arm = next(a for a in info.arms if a.name == placed.mount)
    site = scene.site(arm_prefix(arm.name) + arm.tool_site)
    T_body_tool = np.eye(4)
    T_body_tool[:3, :3], T_body_tool[:3, 3] = rotation(site.quat), site.pos
    # A body of its own: rays are kept off bodies by a sphere round what moves in them.
    add_board(site.parent.add_body(name=BOARD), placed, T_body_tool @ T)


def rotation(wxyz: Any) -> NDArray[np.float64]:
    """Rotation matrix of a quaternion, shape (3, 3)."""
    mat = np.zeros(9)
    mujoco.mju_quat2Mat(mat, np.asarray(wxyz, dtype=np.float64))
    return mat.reshape(3, 3)


def rotation_from_vector(rotvec_rad: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation matrix of a rotation vector, shape (3, 3)."""
    angle = float(np.linalg.norm(rotvec_rad))
    quat = np.zeros(4)
    axis = rotvec_rad / angle if angle > 0 else np.array([1.0, 0.0, 0.0])
    mujoco.mju_axisAngle2Quat(quat, axis, angle)
    return rotation(quat)
