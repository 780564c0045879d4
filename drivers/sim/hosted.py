"""The stand-in behind a cell host: the host's loop lets simulated time pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from drivers.arm import ArmDriver
from drivers.body import CellBody
from drivers.cellfile import CellFile
from drivers.hosted_world import WorldControl
from drivers.sim.arm_body import ArmsBody
from drivers.sim.camera_source import CameraConfig
from drivers.sim.settings import noisy_cell
from drivers.sim.stand_in import StandIn
from drivers.sim.tool_point import ToolPoint, tool_points
from drivers.sim.world import World
from drivers.types import CellInfo

CAMERA_FACTORY: Final = "drivers.sim.camera_source:open_source"


class HostedWorld:
    """A simulated world as a host drives it; every call comes from the loop's thread.

    Attributes:
        info: The cell as clients may know it, brands included.
        control: A :class:`~drivers.sim.stand_in.StandIn`, served on its own socket. The host sets
            ``before_change`` (refuse while a motion is in flight) and ``after_change`` (adopt).
        camera_factory: ``module:function`` that makes the camera source in the camera process.
        camera_config: What to call it with.
    """

    def __init__(self, cell: CellFile, noise: bool = True) -> None:
        self.info: CellInfo
        self.info, spec = noisy_cell(cell, noise)
        self._world = World(self.info, spec)
        self.control: WorldControl = StandIn(self._world)
        self.control.speed = 1.0 if cell.sim is None else cell.sim.speed
        self.camera_factory = CAMERA_FACTORY
        self.camera_config = CameraConfig(self.info, spec).encode()
        self.tool_xyz: Mapping[str, ToolPoint] = tool_points(self.info)
        self.body: CellBody | None = ArmsBody(self.info)

    @property
    def arms(self) -> Mapping[str, ArmDriver]:
        return self._world.arms

    def advance(self, dt_s: float) -> None:
        """Let simulated time pass; called once per control tick, before reading."""
        self._world.advance(dt_s)

    def clock(self) -> float:
        """Simulated seconds."""
        return self._world.clock()

    def world_state(self) -> bytes:
        """A copy of the state for the camera process; opaque."""
        return self._world.snapshot()

    def journal(self) -> bytes:
        """What :meth:`restore` needs after a restart."""
        return self._world.snapshot()

    def restore(self, journal: bytes) -> None:
        """Be the world of a journal again, at its cell time. Raises ValueError if it cannot."""
        self._world.resume(journal)


def open_world(cell: CellFile, noise: bool = True) -> HostedWorld:
    """Build the world of a simulated cell; nothing moves."""
    return HostedWorld(cell, noise)
