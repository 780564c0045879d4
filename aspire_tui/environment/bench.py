"""What a primitive works with: the cell, what its cameras saw, and the arm's kinematics.

A :class:`Workbench` lives for one trial. It knows nothing a robot with cameras could not know.
"""

from __future__ import annotations

import copy
import hashlib
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aspire_tui.environment.evidence import EvidenceSink, NullEvidence
from aspire_tui.environment.model import Model, NoModel
from aspire_tui.environment.motion.kinematics import Kinematics
from aspire_tui.environment.people import Nobody, Operator
from aspire_tui.environment.stacks import Stacks
from drivers.cell import Cell
from drivers.types import ArmSample, ArmSpec, Frame, GripperSpec

if TYPE_CHECKING:
    from aspire_tui.environment.motion.collision import HeldBox
    from aspire_tui.environment.motion.obstacles import ObstacleMap

FloatArray = NDArray[np.float64]

REMEMBERED_VIEWS = 32
"""Pictures a trial can still relate to their depth and pose when a program hands them back."""


@dataclass(frozen=True, eq=False)
class View:
    """A frame with its pose in the base frame, from the measured joints and the calibration.

    Attributes:
        T_base_cam: Shape (4, 4), optical frame to base frame.
        depth_m: Shape (H, W), float32 metres, 0 where there is no reading.
        q_rad: Shape (n,), measured joints when it was taken, of all arms one after the other; None
            for a picture from elsewhere.
    """

    frame: Frame
    T_base_cam: FloatArray
    depth_m: NDArray[np.float32]
    q_rad: FloatArray | None = None

    @property
    def camera(self) -> str:
        return self.frame.camera

    @property
    def rgb(self) -> NDArray[np.uint8]:
        return self.frame.rgb

    @property
    def K(self) -> FloatArray:
        return self.frame.K


@dataclass(frozen=True)
class TruePlace:
    """Where a thing really is and its full sides; for tier S1 alone."""

    xyz_m: tuple[float, float, float]
    wxyz: tuple[float, float, float, float]
    size_m: tuple[float, float, float]


@dataclass
class Holding:
    """What the program believes is between the fingers after a grasp that closed on something."""

    width_m: float
    closed_at_s: float
    force_N: float = 0.0
    box: HeldBox | None = None
    """Its seen extent, fixed in the tool frame; None when no camera saw it before."""


def held_shift_m(gripper: GripperSpec, width_m: float) -> float:
    """From the middle of the open gripper to the middle of what it holds, along the tool's y."""
    return 0.0 if gripper.jaw is None else width_m / 2 - gripper.jaw.fixed_face_m


@dataclass
class Preview:
    """A planned but unexecuted move; executing it is refused when the arm has moved since."""

    key: str
    q_start: FloatArray
    trajectory: object
    target: FloatArray


@dataclass
class Workbench:
    """One trial's working state with one arm. ``rng`` seeds planners and samplers: a trial repeats.

    A cell of several arms has one bench per arm (:attr:`team`); what was seen is shared.
    """

    cell: Cell
    arm: ArmSpec
    kinematics: Kinematics
    task_language: str
    rng: np.random.Generator
    evidence: EvidenceSink = field(default_factory=NullEvidence)
    operator: Operator = field(default_factory=Nobody)
    """Whom a program's questions reach."""
    stacks: Stacks = field(default_factory=Stacks)
    """How its calls find things in pictures."""
    model: Model = field(default_factory=NoModel)
    """What its calls may ask about pictures."""
    obstacles: ObstacleMap | None = None
    holding: Holding | None = None
    speed: float = 1.0
    previews: dict[str, Preview] = field(default_factory=dict)
    changed_s: float = -math.inf
    """Cell time of the last act that may have moved things: a grip, a contact."""
    changed_at: FloatArray | None = None
    """Tool point of that act, shape (3,), base frame."""
    changed_by: str = ""
    """The arm of that act."""
    truth: Callable[[], Mapping[str, TruePlace]] | None = None
    """Where everything really is, room frame; given with tier S1 and never otherwise."""
    team: tuple[Workbench, ...] = field(default=(), repr=False, compare=False)
    """The benches of all arms of this cell, in its order; empty with one arm."""
    marks: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By camera, what it measured at the verified start; for the verifier."""
    _views: OrderedDict[bytes, View] = field(default_factory=OrderedDict)

    @classmethod
    def joined(cls, benches: Sequence[Workbench]) -> Workbench:
        """Let the benches of one cell's arms know each other and share what was seen.

        Returns:
            The first arm's.
        """
        team = tuple(benches)
        for bench in team if len(team) > 1 else ():
            bench.team, bench._views = team, team[0]._views
        return team[0]

    @property
    def benches(self) -> tuple[Workbench, ...]:
        """One per arm of the cell, in its order."""
        return self.team or (self,)

    @property
    def others(self) -> tuple[Workbench, ...]:
        """Those of the cell's other arms."""
        return tuple(b for b in self.team if b is not self)

    def of_arm(self, name: str) -> Workbench:
        """The bench of an arm; with one arm it is this one. Raises KeyError."""
        if not self.team:
            return self
        for bench in self.team:
            if bench.arm.name == name:
                return bench
        raise KeyError(name)

    @property
    def table_z_m(self) -> float:
        return self.cell.info.workspace.table_z_m

    def joints(self) -> FloatArray:
        """Measured joints of the arm, shape (n,), radians."""
        return np.array(self.sample().q_rad)

    def joints_commanded(self) -> FloatArray:
        """Where a plan starts, shape (n,), radians: where the arm is being held.

        That is its set-point, except where servos stay behind theirs by what they carry: there it
        is what they measure, and set-points lead the plan.
        """
        sample = self.sample()
        return np.array(sample.q_rad if self.arm.sag_rad_per_Nm else sample.q_cmd_rad)

    def setpoint(self) -> FloatArray:
        """What the servos are told now, shape (n,), radians."""
        return np.array(self.sample().q_cmd_rad)

    def holds(self, holding: Holding | None) -> None:
        """Believe from now on that this is between the fingers; the tool point moves onto it."""
        self.holding = holding
        self.centre_tool()

    def centre_tool(self) -> None:
        """The tool point is the middle of what is held, or of the open gripper."""
        held = self.holding
        shift = 0.0 if held is None else held_shift_m(self.arm.gripper, held.width_m)
        self.kinematics.centre_on(shift)

    def width_m(self) -> float:
        """Measured gripper opening."""
        return self.sample().width_m

    def sample(self) -> ArmSample:
        """The newest reading of the arm."""
        index = [a.name for a in self.cell.info.arms].index(self.arm.name)
        return self.cell.status().arms[index]

    def aside(self, cell: Cell) -> Workbench:
        """A copy to think with, on another view of the cell; this one stays as it is."""
        if not self.team:
            return self._aside(cell)
        copies = [bench._aside(cell) for bench in self.team]
        Workbench.joined(copies)
        return next(c for b, c in zip(self.team, copies, strict=True) if b is self)

    def _aside(self, cell: Cell) -> Workbench:
        return replace(
            self,
            cell=cell,
            rng=copy.deepcopy(self.rng),
            evidence=NullEvidence(),
            obstacles=None if self.obstacles is None else self.obstacles.without(),
            holding=copy.copy(self.holding),
            previews=dict(self.previews),
            team=(),
            _views=OrderedDict(self._views),
        )

    def mark_changed(self) -> None:
        """Note that things may have moved here and now; older pictures no longer tell."""
        now_s = self.cell.now_s()
        at = self.kinematics.tool_pose(self.joints())[:3, 3].copy()
        for bench in self.benches:
            bench.changed_s, bench.changed_at, bench.changed_by = now_s, at, self.arm.name

    def forget(self) -> None:
        """Drop everything believed about a scene that is about to change or has changed."""
        for bench in self.benches:
            bench.obstacles = None
            bench.holds(None)
            bench.previews.clear()
            bench.changed_s = -math.inf
            bench.changed_at, bench.changed_by = None, ""
            bench.marks = {}
        self._views.clear()

    def T_room(self) -> FloatArray:
        """This cell's frame in the room, shape (4, 4): where its base stands, if it drives."""
        sample = self.cell.status().base
        T = np.eye(4)
        if sample is not None:
            x, y, yaw = sample.q_rad
            c, s = math.cos(yaw), math.sin(yaw)
            T[:2, :2], T[:2, 3] = ((c, -s), (s, c)), (x, y)
        return T

    def in_room(self, xyz_m: FloatArray) -> FloatArray:
        """A point of the cell's frame in the room's; the same unless the base drives."""
        T = self.T_room()
        out: FloatArray = T[:3, :3] @ xyz_m + T[:3, 3]
        return out

    def base_moves(self) -> None:
        """The cell drives away from what its cameras saw, in whose frame that was kept."""
        for bench in self.benches:
            bench.obstacles = None
            bench.changed_at, bench.changed_by = None, ""
            bench.previews.clear()
        self._views.clear()

    def drop_previews(self) -> None:
        """Something moves: what was planned before is worth nothing any more."""
        for bench in self.benches:
            bench.previews.clear()

    def holder(self) -> Workbench:
        """The bench whose fingers hold something; the first arm's when none does."""
        return next((b for b in self.benches if b.holding is not None), self.benches[0])

    def cameras(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.cell.info.cameras)

    def look(self, camera: str) -> View:
        """Take one picture and remember it."""
        frame = self.cell.frame(camera)
        T = frame.T_mount_cam
        if frame.mount != "base":
            T = self.of_arm(frame.mount).kinematics.hand_pose(np.array(frame.q_rad)) @ T
        depth = frame.depth_m() if frame.depth is not None else np.zeros(frame.rgb.shape[:2], "f4")
        view = View(frame, T, depth, self._joints_at(frame))
        for array in (view.rgb, view.depth_m):
            self._views[_digest(array)] = view
        while len(self._views) > 2 * REMEMBERED_VIEWS:
            self._views.popitem(last=False)
        return view

    def _joints_at(self, frame: Frame) -> FloatArray:
        """Measured joints of all arms for a picture, one arm after the other."""
        return np.concatenate(
            [
                np.array(frame.q_rad) if frame.q_rad and frame.mount == b.arm.name else b.joints()
                for b in self.benches
            ]
        )

    def own_part(self, q_rad: FloatArray) -> FloatArray:
        """This arm's joints out of those of all arms one after the other, shape (n,)."""
        before = 0
        for bench in self.benches:
            if bench is self:
                break
            before += bench.kinematics.n
        return q_rad[before : before + self.kinematics.n]

    def views_since(self, t_s: float) -> list[View]:
        """Pictures this trial took at a cell time or later, oldest first."""
        once = {id(v): v for v in self._views.values() if v.frame.t_s >= t_s}
        return sorted(once.values(), key=lambda v: v.frame.t_s)

    def view_of(self, array: NDArray[np.generic]) -> View | None:
        """The view a picture or depth image came from, if this trial took it."""
        return self._views.get(_digest(array))


def _digest(array: NDArray[np.generic]) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(array).tobytes(), digest_size=16).digest()
