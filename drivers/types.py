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

from drivers.perception_section import PerceptionSection as PerceptionSection

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
CellKind = Literal["sim", "emulated", "hardware"]
"""sim: simulated arms behind the core. emulated: the real driver's code and its bus, simulated
servos at the far end of it. hardware: the thing itself."""

EstopState = Literal["released", "PRESSED", "UNKNOWN", "NOT WIRED"]


class JointSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One revolute joint: hard limits and the fastest set-points the driver will send."""

    name: str
    lo_rad: float
    hi_rad: float
    vmax_rad_s: float
    amax_rad_s2: float


class JawSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A gripper that is one hinged jaw against a fixed one: its opening follows the hinge's angle.

    The opening is the gap at the fingertips, across the fixed jaw's face; between the given angles
    it is interpolated linearly. The tool frame's y points from the fixed jaw to the hinged one.
    """

    joint: str
    """The hinge's name in the arm's model; zero is the model's zero."""
    angle_rad: tuple[float, ...]
    """Rising; at least two."""
    width_m: tuple[float, ...]
    """The opening at each angle, rising too."""
    lever_m: float
    """From the hinge to where it presses: torque over force."""
    fixed_face_m: float
    """From the tool point to the fixed jaw's face, along the tool's -y."""


class GripperSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A two-finger gripper, commanded as its opening in metres with a force limit.

    ``jaw`` is None for parallel fingers. The rest is the fingers' shape in the tool frame, for
    those who plan where to hold things.
    """

    open_width_m: float
    closed_width_m: float
    max_force_N: float
    max_speed_m_s: float
    jaw: JawSpec | None = None
    tip_m: float = 0.012
    """How far the fingers reach beyond the tool point."""
    finger_depth_m: float = 0.06
    """How far they stand free of the palm, behind the tool point."""
    finger_thickness_m: float = 0.011
    """Along the opening."""
    finger_breadth_m: float = 0.016
    """Across the opening."""
    palm_half_m: float = 0.05
    """Half the palm's size along the opening."""


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
    orientation_tolerance_rad: float = 0.01
    """How far a reached orientation may be from the one asked for. An arm of fewer than six joints
    meets positions exactly and orientations as nearly as it can: beyond this it says IK_FAILED."""
    sag_rad_per_Nm: tuple[float, ...] = ()
    """Per joint, how far the servo stays behind per torque it holds; set-points lead by it. Empty:
    the servos hold what they are told."""
    trim_rad: float = 0.0
    """The most a set-point is led beyond a target to bring the *measured* joints onto it; 0: it is
    not done."""
    rest_rad: tuple[float, ...] = ()
    """Where the arm lies safely without torque; empty when nobody taught it: then no STOW."""


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


class TaskArea(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where on the table this cell's arm handles things, and how large they may be.

    Tasks written for a larger arm are fitted into it: places move into the rectangle, and things
    whose sides are longer than ``longest_side_m`` are scaled down as a whole.
    """

    x_m: tuple[float, float]
    y_m: tuple[float, float]
    longest_side_m: float


class BaseSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A base that drives on the floor and carries the arms: x, y and yaw of its frame in the room.

    Its frame stands on the floor in the middle of its outline, x forward. Everything else the cell
    says of places (arms, cameras, workspace) is in this frame. ``joints`` are x and y in metres and
    the yaw in radians; the units in their field names stand for metres in the first two.
    """

    joints: tuple[JointSpec, JointSpec, JointSpec]
    radius_m: float
    """Of the circle that its outline stays in."""
    height_m: float
    home: tuple[float, float, float] = (0.0, 0.0, 0.0)
    arrival_tolerance: float = 0.01
    tracking_limit: float = 0.12


class Furniture(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that stands in a mobile cell's room and never moves: a box from the floor up."""

    name: str
    xy_m: tuple[float, float]
    size_m: tuple[float, float, float]


class Room(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The map a mobile cell drives by: its walls, its furniture, the distance kept from both."""

    lo_m: tuple[float, float]
    hi_m: tuple[float, float]
    furniture: tuple[Furniture, ...] = ()
    buffer_m: float = 0.20


class TaughtRegion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where on the table a person showed that things may lie, base frame."""

    x_m: tuple[float, float]
    y_m: tuple[float, float]


class TaughtStart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a person showed that an arm begins."""

    arm: str
    q_rad: tuple[float, ...]


class PolicySection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[[policies]]``: a learned policy behind a server that speaks openpi's or LeRobot's wire.

    It answers chunks of joint targets with the opening, 0 to 1, as a last column.
    """

    name: str
    address: str
    """``ws://HOST:PORT`` of openpi, ``HOST:PORT`` of LeRobot."""
    wire: Literal["openpi", "lerobot"] = "openpi"
    unit: Literal["radians", "degrees"] = "degrees"
    """Of the joints a LeRobot policy was trained on; its gripper counts 0 to 100."""
    policy_type: str = "act"
    """What a LeRobot server is told to load, and from where."""
    pretrained: str = ""
    device: str = "cpu"
    actions_per_chunk: int = 20
    images: tuple[str, ...] = ("front", "wrist")
    """What its data set calls the fixed camera and the one on the hand."""


class CellInfo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a client learns when it connects."""

    name: str
    kind: CellKind
    clock: ClockName
    arms: tuple[ArmSpec, ...]
    cameras: tuple[CameraSpec, ...]
    workspace: Workspace
    control_hz: float
    estop: EstopState
    brands: tuple[str, ...] = ()
    """Anything that makes results incomparable, e.g. ``noise-off``; written into every session."""
    task_area: TaskArea | None = None
    """None: tasks are taken as they are written."""
    base: BaseSpec | None = None
    """None: the arms stand still."""
    room: Room | None = None
    policies: tuple[PolicySection, ...] = ()
    perception: PerceptionSection = PerceptionSection()
    regions: dict[str, TaughtRegion] = {}
    """What was taught as ``region:NAME``: a task may name one to set its things out in."""
    starts: dict[str, TaughtStart] = {}
    """What was taught as ``start:NAME``: a task may name one to begin at."""


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
    "torque_lost",
    "bus_errors",
]
"""What a drive can complain about. ``torque_lost``: it restarted and hangs; goals to it stop.
``warm``/``hot``: within 10/5 °C of its own limit."""


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
    tracking_rad: tuple[float, ...] = ()
    """Per arm, the largest distance of a joint from its set-point."""
    alarms: tuple[str, ...] = ()
    """What drives complain of now, in words."""
    stowed: bool = False
    """The arms rest where they may lose torque."""
    base: ArmSample | None = None
    """Of a base that drives: x, y in metres and yaw in radians in place of joints, room frame."""


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
