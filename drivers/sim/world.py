"""The simulated world: one MuJoCo model and its state, stepped in cell time.

After a reset nothing writes the state but physics. Cell time never runs backwards: it goes on
across resets and restores.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping

import msgspec
import mujoco
import numpy as np
from numpy.typing import NDArray

from drivers.room import BASE
from drivers.sim.appearance import Appearance
from drivers.sim.arm import ArmSetpoint, SimArm
from drivers.sim.film import wipe
from drivers.sim.lens import intrinsics
from drivers.sim.noise import CellNoise, NoiseSpec
from drivers.sim.raycam import Eye, Picture, RayCamera
from drivers.sim.scene import TABLE, TIMESTEP_S, SceneSpec, build_model, rotation, scene_hash
from drivers.sim.vehicle import SimVehicle
from drivers.types import CameraSpec, CellInfo, Frame

SETTLE_S = 0.5
"""Physics time after a reset before anyone looks: things come to rest on the table."""

PICTURES_PER_STEP = 64

STATE = int(mujoco.mjtState.mjSTATE_INTEGRATION)


class _Snapshot(msgspec.Struct, frozen=True):
    spec: SceneSpec
    resets: int
    t_s: float
    state: bytes
    arms: dict[str, ArmSetpoint]
    pictures: dict[str, int]


class World:
    """Arms, table, things and cameras of one simulated cell. Used by one thread."""

    def __init__(self, info: CellInfo, noise: NoiseSpec) -> None:
        self.info = info
        self.noise_spec = noise
        self.arms: dict[str, SimArm | SimVehicle] = {
            a.name: SimArm(a, self.clock) for a in info.arms
        }
        if info.base is not None:
            self.arms[BASE] = SimVehicle(info.base, self.clock)
        self._cameras: Mapping[str, CameraSpec] = {c.name: c for c in info.cameras}
        self._epoch_s = 0.0
        self._resets = 0
        self._rays = RayCamera()
        self._make_eye: Callable[[mujoco.MjModel], Eye | None] = _by_rays
        self._load(SceneSpec())

    # -- time ------------------------------------------------------------------------------

    def clock(self) -> float:
        """Cell time in seconds, a whole number of steps."""
        return self._epoch_s + float(self.data.time)

    def start_at(self, t_s: float) -> None:
        """Let this moment be that of another clock; for a world that others tie to wall time."""
        self._epoch_s = t_s - float(self.data.time)

    def advance(self, dt_s: float) -> None:
        """Let physics run; ``dt_s`` is rounded to whole steps."""
        mujoco.mj_step(self.model, self.data, nstep=round(dt_s / TIMESTEP_S))
        if self.spec.film is not None:
            wipe(self.spec.film, self.spec.things(), self.data)

    # -- scene -----------------------------------------------------------------------------

    def reset(self, spec: SceneSpec) -> str:
        """Set a scene: arms at home, gripper open, things placed; then physics settles it.

        Returns:
            The hash of the scene.

        Raises:
            ValueError: The scene cannot be built; nothing was changed.
        """
        name = scene_hash(spec)
        now_s = self.clock()
        self._load(spec)
        self._epoch_s = now_s
        self._resets += 1
        self.advance(SETTLE_S)
        return name

    def place_arm(self, arm: str, q_rad: tuple[float, ...], width_m: float) -> None:
        """Put an arm at measured joints in the scene as it is, then let physics settle."""
        self.arms[arm].place(q_rad, width_m)
        mujoco.mj_forward(self.model, self.data)
        self.advance(SETTLE_S)

    def _load(self, spec: SceneSpec) -> None:
        noise = CellNoise(self.noise_spec, spec.noise_seed)
        self.model = build_model(self.info, spec, noise)
        self.spec, self.noise = spec, noise
        self._awake: mujoco.MjModel | None = None
        self._eye = self._make_eye(self.model)
        self.data = mujoco.MjData(self.model)
        look = Appearance.draw(spec.appearance_seed)
        self._rays.enter(self.model, look, TABLE, spec.board, spec.film)
        self._pictures = dict.fromkeys(self._cameras, -1)
        for thing in spec.things():
            if thing.slide is not None:
                self.data.joint(thing.name).qpos[0] = thing.slide.at_m
        if spec.film is not None:
            self.data.userdata[list(spec.film.gone)] = 1.0
        for arm in self.arms.values():
            arm.enter(self.model, self.data, self.noise)
            arm.place_home()
        if spec.base_pose is not None and BASE in self.arms:
            self.arms[BASE].place(spec.base_pose, 0.0)
        mujoco.mj_forward(self.model, self.data)

    def film_left(self) -> float:
        """Share of what was spilt that is still there, 0..1; for the referee and tests."""
        return 0.0 if self.spec.film is None else 1.0 - float(np.mean(self.data.userdata))

    def contacts(self) -> set[tuple[str, str]]:
        """Pairs of bodies that touch now, each in alphabetical order; for the referee and tests.

        Found on a copy, because things asleep are not asked about their contacts.
        """
        if self._awake is None:
            self._awake = copy.copy(self.model)
            self._awake.opt.enableflags &= ~int(mujoco.mjtEnableBit.mjENBL_SLEEP)
        data = mujoco.MjData(self._awake)
        data.qpos[:] = self.data.qpos
        mujoco.mj_fwdPosition(self._awake, data)
        pairs = set()
        for contact in data.contact:
            a, b = (self.model.body(int(self.model.geom_bodyid[g])).name for g in contact.geom)
            pairs.add((a, b) if a < b else (b, a))
        return pairs

    # -- pictures --------------------------------------------------------------------------

    def picture(self, camera: str) -> Picture:
        """The ideal picture of a camera, with geometry ids; for the referee and tests."""
        mujoco.mj_kinematics(self.model, self.data)
        mujoco.mj_camlight(self.model, self.data)
        return self._rays.picture(self.data, camera, self._eye)

    def use_eye(self, make: Callable[[mujoco.MjModel], Eye]) -> None:
        """See through another eye than rays from now on, in this and every later scene."""
        self._eye = make(self.model)
        self._make_eye = make

    def frame(self, camera: str) -> Frame:
        """What a real camera would deliver now. Raises KeyError for an unknown camera."""
        spec = self._cameras[camera]
        number = self._number(camera)
        ideal = self.picture(camera)
        rgb = self.noise.disturb_rgb(ideal.rgb, camera, number)
        depth = None
        if spec.depth:
            measured = self.noise.disturb_depth(ideal.depth_m, camera, number)
            units = np.rint(measured * np.float32(1.0 / spec.depth_unit_m))
            depth = np.clip(units, 0, np.iinfo(np.uint16).max).astype(np.uint16)
        on_arm = self.arms.get(spec.mount)
        return Frame(
            camera=camera,
            seq=number,
            t_s=self.clock(),
            age_s=0.0,
            rgb=_to_uint8(rgb),
            depth=depth,
            depth_unit_m=spec.depth_unit_m,
            K=intrinsics(spec.width, spec.height, spec.fovy_deg),
            T_mount_cam=calibrated_pose(spec),
            mount=spec.mount,
            q_rad=() if on_arm is None else on_arm.measured_q(),
        )

    def _number(self, camera: str) -> int:
        """Names a picture by when it was taken and how many were taken just then.

        Its noise follows from this, so pictures taken for people leave a program's alone.
        """
        step = round(float(self.data.time) / TIMESTEP_S)
        number = max(self._pictures[camera] + 1, step * PICTURES_PER_STEP)
        self._pictures[camera] = number
        return number

    # -- state -----------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """Everything needed to go on from here; it goes on the same way every time.

        What was asleep wakes in a restored world and settles again, within nanometres.
        """
        return msgspec.msgpack.encode(
            _Snapshot(
                spec=self.spec,
                resets=self._resets,
                t_s=self.clock(),
                state=self._state().tobytes(),
                arms={name: arm.setpoint for name, arm in self.arms.items()},
                pictures=dict(self._pictures),
            )
        )

    def restore(self, snapshot: bytes) -> None:
        """Go back to a snapshot of a cell of the same kind; cell time runs on.

        Raises:
            ValueError: The bytes are no snapshot, or one of another kind of cell.
        """
        now_s = self.clock()
        saved = _decode(snapshot)
        self._take_over(saved)
        self._pictures.update(saved.pictures)
        self._epoch_s = now_s - float(self.data.time)

    def resume(self, snapshot: bytes) -> None:
        """Become the world of a snapshot, its cell time included: for a process that starts."""
        self.restore(snapshot)
        self._epoch_s = _decode(snapshot).t_s - float(self.data.time)

    def follow(self, snapshot: bytes) -> None:
        """Show a world that lives in another process. Pictures are counted here."""
        saved = _decode(snapshot)
        pictures = self._pictures if saved.resets == self._resets else {}
        self._take_over(saved)
        self._resets = saved.resets
        self._pictures = {name: pictures.get(name, -1) for name in self._cameras}
        self._epoch_s = saved.t_s - float(self.data.time)

    def _take_over(self, saved: _Snapshot) -> None:
        if saved.spec != self.spec:
            self._load(saved.spec)
        state = np.frombuffer(saved.state, dtype=np.float64).copy()
        if state.size != mujoco.mj_stateSize(self.model, STATE) or set(saved.arms) != set(
            self.arms
        ):
            raise ValueError("the snapshot belongs to another kind of cell")
        mujoco.mj_resetData(self.model, self.data)
        mujoco.mj_setState(self.model, self.data, state, STATE)
        for name, arm in self.arms.items():
            arm.adopt(saved.arms[name])
        # Contacts and forces are derived anew; that must not touch the solver's warm start.
        mujoco.mj_forward(self.model, self.data)
        mujoco.mj_setState(self.model, self.data, state, STATE)

    def _state(self) -> NDArray[np.float64]:
        state = np.zeros(mujoco.mj_stateSize(self.model, STATE))
        mujoco.mj_getState(self.model, self.data, state, STATE)
        return state


def _decode(snapshot: bytes) -> _Snapshot:
    try:
        return msgspec.msgpack.decode(snapshot, type=_Snapshot)
    except msgspec.DecodeError as error:
        raise ValueError(f"not a snapshot of a simulated world: {error}") from None


def calibrated_pose(camera: CameraSpec) -> NDArray[np.float64]:
    """Optical frame to mount, shape (4, 4), as the calibration has it."""
    T = np.eye(4)
    T[:3, :3] = rotation(camera.mount_wxyz)
    T[:3, 3] = camera.mount_xyz_m
    return T


def _by_rays(model: mujoco.MjModel) -> None:
    return None


def _to_uint8(rgb: NDArray[np.float32]) -> NDArray[np.uint8]:
    scaled = rgb * np.float32(255.0)
    scaled += np.float32(0.5)
    np.clip(scaled, 0.0, 255.0, out=scaled)
    return scaled.astype(np.uint8)
