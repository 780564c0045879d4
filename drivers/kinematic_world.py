"""A hosted world without physics: kinematic arms and synthetic cameras. Quick to start."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

import msgspec

from drivers.arm import ArmDriver
from drivers.body import CellBody
from drivers.cellfile import CellFile
from drivers.hosted_world import WorldControl
from drivers.kinematic_arm import KinematicArm
from drivers.safety import ToolXyz


class KinematicControl:
    """Nothing but the pace."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self.before_change: Callable[[], None] = lambda: None
        self.after_change: Callable[[], None] = lambda: None


class _Journal(msgspec.Struct, frozen=True):
    t_s: float
    arms: dict[str, tuple[tuple[float, ...], tuple[float, ...], float, float]]


class KinematicWorld:
    """Implements :class:`drivers.hosted_world.HostedWorld`."""

    camera_factory = "drivers.cameras.synthetic:open_source"

    def __init__(self, cell: CellFile) -> None:
        self.info = cell.info
        self.control: WorldControl = KinematicControl(1.0 if cell.sim is None else cell.sim.speed)
        self.camera_config = msgspec.msgpack.encode(cell.info.cameras)
        self.tool_xyz: Mapping[str, ToolXyz] = {}
        self.body: CellBody | None = None
        self._t_s = 0.0
        self._arms = {a.name: KinematicArm(a, self.clock, keep=0) for a in cell.info.arms}

    @property
    def arms(self) -> Mapping[str, ArmDriver]:
        return self._arms

    def advance(self, dt_s: float) -> None:
        self._t_s += dt_s
        for arm in self._arms.values():
            arm.advance(dt_s)

    def clock(self) -> float:
        return self._t_s

    def world_state(self) -> bytes:
        return struct.pack("<d", self._t_s)

    def journal(self) -> bytes:
        arms = {
            name: (tuple(arm.q_rad), arm.q_cmd_rad, arm.width_m, arm.width_cmd_m)
            for name, arm in self._arms.items()
        }
        return msgspec.msgpack.encode(_Journal(self._t_s, arms))

    def restore(self, journal: bytes) -> None:
        try:
            kept = msgspec.msgpack.decode(journal, type=_Journal)
        except msgspec.DecodeError as error:
            raise ValueError(str(error)) from None
        if kept.arms.keys() != self._arms.keys():
            raise ValueError("the journal is of another cell")
        self._t_s = kept.t_s
        for name, (q, q_cmd, width, width_cmd) in kept.arms.items():
            arm = self._arms[name]
            arm.q_rad, arm.q_cmd_rad = list(q), q_cmd
            arm.width_m, arm.width_cmd_m = width, width_cmd
