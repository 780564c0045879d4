"""What a cell host needs of a simulated world; every call comes from the loop's thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from drivers.arm import ArmDriver
from drivers.body import CellBody
from drivers.safety import ToolXyz
from drivers.types import CellInfo


class WorldControl(Protocol):
    """What only a simulation can do. The host connects the two hooks to its core."""

    speed: float
    """Simulated seconds per wall second."""
    before_change: Callable[[], None]
    """Called before the world is replaced; may refuse."""
    after_change: Callable[[], None]
    """Called after it, to adopt the arms where they are now."""


class HostedWorld(Protocol):
    """A world whose time passes only through ``advance``.

    Attributes:
        camera_factory: ``module:function`` that takes ``camera_config`` and makes a
            :class:`drivers.cameras.base.CameraSource` in the camera process.
    """

    info: CellInfo
    control: WorldControl
    camera_factory: str
    camera_config: bytes
    tool_xyz: Mapping[str, ToolXyz]
    body: CellBody | None

    @property
    def arms(self) -> Mapping[str, ArmDriver]: ...

    def advance(self, dt_s: float) -> None:
        """Let simulated time pass; called once per control tick, before reading."""
        ...

    def clock(self) -> float:
        """Simulated seconds."""
        ...

    def world_state(self) -> bytes:
        """A copy of the state for the camera process; opaque."""
        ...

    def journal(self) -> bytes:
        """What ``restore`` needs after a restart."""
        ...

    def restore(self, journal: bytes) -> None:
        """Be that world again, at its cell time. Raises ValueError when it cannot."""
        ...
