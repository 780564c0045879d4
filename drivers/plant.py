"""What a host drives: simulated arms whose time it lets pass, or devices on the wall clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

from drivers.arm import ArmDriver
from drivers.body import CellBody
from drivers.core import CellCore
from drivers.safety import ToolXyz
from drivers.types import CellInfo

T = TypeVar("T")


class BetweenTicks(Protocol):
    """Runs something on the loop's thread between two ticks, from another thread."""

    def __call__(self, call: Callable[[], T]) -> T: ...


class Plant(Protocol):
    """Arms, their clock, and what has to run beside them. Called by the loop's thread.

    Attributes:
        adopted: An earlier host's world was found.
        exits_alone: May the host leave when nobody is there? Never with real devices.
    """

    info: CellInfo
    tool_xyz: Mapping[str, ToolXyz]
    body: CellBody | None
    adopted: bool
    exits_alone: bool

    @property
    def arms(self) -> Mapping[str, ArmDriver]: ...

    @property
    def speed(self) -> float:
        """Cell seconds per wall second."""
        ...

    def clock(self) -> float:
        """Cell time, seconds."""
        ...

    def advance(self, dt_s: float) -> None:
        """One control period begins; real time passes by itself."""
        ...

    def join(self, core: CellCore) -> None:
        """Learn who drives the arms, before it opens them."""
        ...

    def start(self, between_ticks: BetweenTicks) -> None:
        """Serve what is beside the arms: cameras, the stand-in's own socket."""
        ...

    def after_tick(self, now_s: float) -> None:
        """Look after it; ``now_s`` is the wall clock."""
        ...

    def close(self) -> None:
        """End what was started. Torque stays as it is."""
        ...
