"""What a cell is made of and what it answers: small, frozen, serialisable values.

Units are SI (metres, radians, newtons, seconds) and written in the field names. Poses are given as
``xyz`` plus a unit quaternion ``wxyz``. The *base frame* is the frame of the first arm's base; the
*tool frame* sits between the fingertips, z along the approach direction, fingers opening along y.
Nothing here does I/O; arrays live only in :class:`Frame` and :class:`SampleLog`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

CellStateName = Literal[
    "OFFLINE", "CHECK", "LIMP", "HOLD", "RUN", "HAND_GUIDE", "STOW", "PSTOP", "FAULT", "LOST"
]
"""States of the driver. RUN carries a mode: JOG, TRAJ or STREAM."""

RunMode = Literal["JOG", "TRAJ", "STREAM"]

MotionStatus = Literal[
    "OK", "NOT_CONVERGED", "BLOCKED", "STOPPED", "LIMIT", "INVALID", "TIMEOUT", "FAULT"
]
"""How a motion ended. LIMIT means the driver refused it before anything moved."""

ClockName = Literal["wall", "sim"]
EstopState = Literal["released", "PRESSED", "UNKNOWN", "NOT WIRED"]


class JointSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One revolute joint: hard limits and the fastest set-points the driver will send."""

    name: str
    lo_rad: float
    hi_rad: float
    vmax_rad_s: float
    amax_rad_s2: float


class GripperSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A parallel gripper, commanded as its opening in metres with a force limit."""

    open_width_m: float
    closed_width_m: float
    max_force_N: float
    max_speed_m_s: float


class ArmSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One arm. ``model`` names an MJCF of the arm alone under ``drivers/models``."""

    name: str
    model: str
    joints: tuple[JointSpec, ...]
    gripper: GripperSpec
    home_rad: tuple[float, ...]
    tool_site: str
    base_xyz_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    base_wxyz: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)
    arrival_tolerance_rad: float = 0.01
    tracking_limit_rad: float = 0.12


class CameraSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One RGB-D camera as it is *calibrated*; the true pose of a real camera is not known exactly.

    ``mount`` is ``base`` or the name of the arm whose tool frame carries the camera. The optical
    frame has z forward, x right, y down (OpenCV).
    """

    name: str
    mount: str
    width: int
    height: int
    fovy_deg: float
    mount_xyz_m: tuple[float, float, float]
    mount_wxyz: tuple[float, float, float, float]
    depth: bool = True
    depth_unit_m: float = 1e-4


class Workspace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Axis-aligned box for the tool point in the base frame, and the height of the table in it."""

    lo_m: tuple[float, float, float]
    hi_m: tuple[float, float, float]
    table_z_m: float


class CellInfo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a client learns when it connects."""

    name: str
    kind: Literal["sim", "hardware"]
    clock: ClockName
    arms: tuple[ArmSpec, ...]
    cameras: tuple[CameraSpec, ...]
    workspace: Workspace
    control_hz: float
    estop: EstopState
    brands: tuple[str, ...] = ()
    """Anything that makes results incomparable, e.g. ``noise-off``; written into every session."""


AlarmCode = Literal[
    "overload",
    "over_temperature",
    "hot",
    "warm",
    "over_current",
    "voltage",
    "encoder",
    "stalled",
    "goal_not_taken",
    "bus_errors",
]
"""What a drive can complain about. ``warm``/``hot``: within 10/5 °C of its own limit."""


class Alarm(msgspec.Struct, frozen=True):
    """One drive complains now; ``text`` is for people. The core decides what follows from it."""

    code: AlarmCode
    joint: str
    """Name of the joint, or ``gripper``."""
    text: str


class ArmSample(msgspec.Struct, frozen=True):
    """One reading of one arm at cell time ``t_s``; ``q_rad`` is *measured*, ``q_cmd_rad`` sent.

    Per drive means the joints in order and then the gripper; empty where a device cannot tell.
    """

    t_s: float
    q_rad: tuple[float, ...]
    dq_rad_s: tuple[float, ...]
    q_cmd_rad: tuple[float, ...]
    width_m: float
    width_cmd_m: float
    grip_force_N: float
    load_Nm: tuple[float, ...] = ()
    temperature_C: tuple[float, ...] = ()
    """Per drive."""
    voltage_V: tuple[float, ...] = ()
    """Per drive."""
    current_A: tuple[float, ...] = ()
    """Per drive."""
    alarm_bits: tuple[int, ...] = ()
    """Per drive, as the device codes them; ``alarms`` says the same in words."""
    age_s: tuple[float, ...] = ()
    """Per drive: how old its reading is; above zero when it missed this cycle."""
    alarms: tuple[Alarm, ...] = ()


class CellStatus(msgspec.Struct, frozen=True):
    """The driver's live state: what the strip at the top of every screen shows."""

    t_s: float
    state: CellStateName
    mode: RunMode | None
    cause: str
    who: str
    since_s: float
    estop: EstopState
    speed: float
    """Speed override in (0, 1]."""
    lease: str | None
    arms: tuple[ArmSample, ...]
    loop_hz: float = 0.0
    overruns: int = 0
    realtime: bool = False
    held: bool = False
    """HOLD was asked for: nothing moves until someone resumes. HOLD alone is the resting state."""


@dataclass(frozen=True, eq=False)
class Trajectory:
    """A timed path of knots; the driver interpolates with cubic Hermite segments.

    Attributes:
        t_s: Shape (K,), seconds from the start, strictly increasing, ``t_s[0] == 0``.
        q_rad: Shape (K, n_joints).
        dq_rad_s: Shape (K, n_joints); zero in the first and last row.
    """

    t_s: FloatArray
    q_rad: FloatArray
    dq_rad_s: FloatArray

    @property
    def duration_s(self) -> float:
        return float(self.t_s[-1])


class Contact(msgspec.Struct, frozen=True):
    """What stopped a motion: direction of the resistance in the base frame, unit vector."""

    direction: tuple[float, float, float]
    tracking_error_rad: float
    joint: str


class MotionReport(msgspec.Struct, frozen=True):
    """How a trajectory ended, from measured joints."""

    status: MotionStatus
    detail: str
    q_target_rad: tuple[float, ...]
    q_reached_rad: tuple[float, ...]
    error_rad: float
    """Largest joint distance between target and measured."""
    started_s: float
    ended_s: float
    held_s: float = 0.0
    """Time spent in HOLD inside the call; not part of its duration."""
    blocked_joint: str | None = None


class GripReport(msgspec.Struct, frozen=True):
    """How a gripper command ended: measured opening and force, never the commanded ones."""

    status: MotionStatus
    detail: str
    width_m: float
    force_N: float
    target_width_m: float
    stalled: bool
    """The fingers stopped before the target with force on them: something is between them."""
    started_s: float
    ended_s: float
    held_s: float = 0.0


class CellEvent(msgspec.Struct, frozen=True):
    """A transition or alarm of the driver, sequence-numbered since its boot."""

    seq: int
    t_s: float
    state: CellStateName
    mode: RunMode | None
    cause: str
    who: str
    code: str = "transition"


Severity = Literal["info", "warn", "error"]


class Finding(msgspec.Struct, frozen=True):
    """One thing a check found, in words an operator can act on."""

    code: str
    severity: Severity
    what: str
    seen: str
    expected: str
    why: str
    do: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of one camera, with its age and its *calibrated* geometry.

    Attributes:
        rgb: Shape (H, W, 3), uint8.
        depth: Shape (H, W), uint16 in units of ``depth_unit_m`` along the optical axis; 0 means no
            reading. None when the camera has no depth.
        K: Shape (3, 3), pinhole intrinsics in pixels.
        T_mount_cam: Shape (4, 4), optical frame to the frame the camera is mounted on.
        mount: ``base`` or an arm's name (then the mount is that arm's tool frame).
        q_rad: Measured joints of that arm at exposure, empty for a fixed camera.
        t_s: Cell time of exposure.
    """

    camera: str
    seq: int
    t_s: float
    age_s: float
    rgb: NDArray[np.uint8]
    depth: NDArray[np.uint16] | None
    depth_unit_m: float
    K: FloatArray
    T_mount_cam: FloatArray
    mount: str
    q_rad: tuple[float, ...] = ()

    def depth_m(self) -> NDArray[np.float32]:
        """Metric depth, shape (H, W), float32; 0 where the camera saw nothing."""
        if self.depth is None:
            raise ValueError(f"camera {self.camera} has no depth")
        return (self.depth.astype(np.float32)) * np.float32(self.depth_unit_m)


@dataclass(frozen=True, eq=False)
class SampleLog:
    """Joint state and commands on the calls' clock, at the control rate.

    Attributes:
        t_s: Shape (N,). q_rad, q_cmd_rad: shape (N, n_joints). width_m, width_cmd_m: shape (N,).
    """

    arm: str
    t_s: FloatArray
    q_rad: FloatArray
    q_cmd_rad: FloatArray
    width_m: FloatArray
    width_cmd_m: FloatArray
