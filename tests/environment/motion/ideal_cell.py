"""A cell without physics: the real control core over ideal servos, and pictures of boxes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

import drivers
from aspire_tui.environment.motion.kinematics import Kinematics
from aspire_tui.environment.motion.pose import FloatArray, pose_matrix
from drivers.cellfile import load_cell
from drivers.core import CellCore
from drivers.kinematic_arm import KinematicArm
from drivers.ticket import Ticket
from drivers.types import (
    CellInfo,
    CellStatus,
    Frame,
    GripReport,
    MotionReport,
    SampleLog,
    Trajectory,
)

WHO = "test"


@dataclass(frozen=True)
class Block:
    """An upright box on the table: centre of its foot, full extents."""

    x_m: float
    y_m: float
    size_m: tuple[float, float, float]


def yam_cell() -> CellInfo:
    """The shipped stand-in's cell, with small pictures from the fixed camera only."""
    info = load_cell(Path(drivers.__file__).parent / "cells" / "yam.toml").info
    cameras = tuple(
        msgspec.structs.replace(c, width=160, height=120) for c in info.cameras if c.mount == "base"
    )
    # The kinematic servos lag behind their set-points more than the stand-in's do.
    arms = tuple(msgspec.structs.replace(a, tracking_limit_rad=0.1) for a in info.arms)
    return msgspec.structs.replace(info, cameras=cameras, arms=arms)


class IdealCell:
    """Implements :class:`drivers.cell.Cell`.

    Attributes:
        blocks: What stands on the table, for the pictures only.
        arm: The servo arm; its walls and the object between its fingers can be set.
        executed: Every trajectory that was asked for.
        pictures: How many were taken.
        during: Called on every tick of a motion.
    """

    def __init__(self, kinematics: Kinematics) -> None:
        self.info = yam_cell()
        self.blocks: list[Block] = []
        self.executed: list[Trajectory] = []
        self.pictures = 0
        self.table_tilt = (0.0, 0.0)
        self.during: Callable[[], None] = lambda: None
        self._t_s = 0.0
        self.arm = KinematicArm(self.info.arms[0], self.now_s)

        def tool_xyz(q: object) -> tuple[float, float, float]:
            x, y, z = kinematics.tool_pose(np.asarray(q))[:3, 3]
            return float(x), float(y), float(z)

        name = self.info.arms[0].name
        self._core = CellCore(self.info, {name: self.arm}, self.now_s, {name: tool_xyz})
        self._core.open()
        self._core.enable(WHO)
        self._tick()

    def now_s(self) -> float:
        return self._t_s

    def status(self) -> CellStatus:
        return self._core.status()

    def frame(self, camera: str) -> Frame:
        spec = next(c for c in self.info.cameras if c.name == camera)
        self.pictures += 1
        f = spec.height / 2 / np.tan(np.radians(spec.fovy_deg) / 2)
        K = np.array(((f, 0, (spec.width - 1) / 2), (0, f, (spec.height - 1) / 2), (0, 0, 1.0)))
        T = pose_matrix(np.array(spec.mount_xyz_m), np.array(spec.mount_wxyz))
        depth = depth_of(self.blocks, K, T, spec.height, spec.width, self.table_tilt)
        return Frame(
            camera=camera,
            seq=self.pictures,
            t_s=self._t_s,
            age_s=0.0,
            rgb=np.full((spec.height, spec.width, 3), self.pictures % 256, np.uint8),
            depth=np.round(depth / spec.depth_unit_m).astype(np.uint16),
            depth_unit_m=spec.depth_unit_m,
            K=K,
            T_mount_cam=T,
            mount="base",
        )

    def execute(self, arm: str, trajectory: Trajectory) -> MotionReport:
        self.executed.append(trajectory)
        report = self._finish(self._core.start_trajectory(arm, trajectory, WHO))
        assert isinstance(report, MotionReport)
        return report

    def grip(
        self, arm: str, width_m: float, force_N: float, speed_m_s: float | None = None
    ) -> GripReport:
        report = self._finish(self._core.start_grip(arm, width_m, force_N, speed_m_s, WHO))
        assert isinstance(report, GripReport)
        return report

    def wait(self, duration_s: float) -> None:
        self._finish(self._core.start_wait(duration_s, WHO))

    def hold(self, cause: str, who: str) -> None:
        self._core.hold(cause, who)

    def resume(self, who: str) -> None:
        self._core.resume(who)

    def abort(self, who: str) -> None:
        self._core.abort(who)

    def samples(self, arm: str, since_s: float) -> SampleLog:
        return self._core.samples(arm, since_s)

    def close(self) -> None:
        self._core.close()

    def nudge(self, joint: int, by_rad: float) -> None:
        """Push the arm off where it is held, as a person leaning on it would."""
        self.arm.q_rad[joint] += by_rad
        self._core.tick()

    def _tick(self) -> None:
        self._t_s += 1.0 / self.info.control_hz
        self.arm.advance(1.0 / self.info.control_hz)
        self.during()
        self._core.tick()

    def _finish(self, ticket: Ticket) -> MotionReport | GripReport | None:
        for _ in range(20_000):
            if ticket.done:
                return ticket.report
            self._tick()
        raise AssertionError(f"{ticket} did not end")


def depth_of(
    blocks: list[Block],
    K: FloatArray,
    T_base_cam: FloatArray,
    height: int,
    width: int,
    table_tilt: tuple[float, float] = (0.0, 0.0),
) -> FloatArray:
    """Depth along the optical axis of boxes on a table, shape (height, width), metres."""
    u, v = np.meshgrid(np.arange(width), np.arange(height))
    rays = np.stack(((u - K[0, 2]) / K[0, 0], (v - K[1, 2]) / K[1, 1], np.ones_like(u)), axis=-1)
    d = rays @ T_base_cam[:3, :3].T
    o = T_base_cam[:3, 3]
    a, b = table_tilt
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (a * o[0] + b * o[1] - o[2]) / (d[..., 2] - a * d[..., 0] - b * d[..., 1])
        depth = np.where(t > 0, t, np.inf)
        for block in blocks:
            lo = np.array((block.x_m, block.y_m, 0)) - np.array((*block.size_m[:2], 0)) / 2
            hi = lo + block.size_m
            near, far = np.sort(np.stack(((lo - o) / d, (hi - o) / d)), axis=0)
            enter, leave = near.max(axis=-1), far.min(axis=-1)
            depth = np.where((enter < leave) & (enter > 0), np.minimum(depth, enter), depth)
    out: FloatArray = np.where(depth < 4.0, depth, 0.0)
    return out
