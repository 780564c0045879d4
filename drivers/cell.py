"""The one interface everything above the drivers sees: arms, grippers and cameras of one cell.

Two implementations: :class:`drivers.client.CellClient` (a cell host over ``cell/1``, wall time) and
:class:`drivers.sim.cell.SimCell` (the stand-in in this process, free of wall time). Programs and
tasks cannot tell them apart. Calls block; they are made by one thread. ``hold``, ``abort`` and
``status`` may be called from any thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from drivers.types import (
    CellInfo,
    CellStatus,
    Frame,
    GripReport,
    MotionReport,
    SampleLog,
    Trajectory,
)


class Cell(Protocol):
    """A cell that can be looked at and moved.

    Every motion ends in a report; only a lost or faulty cell raises (:class:`CellFault`). A motion
    in flight when HOLD comes stays open: it decelerates along its path, waits, and after
    ``resume`` is bridged from the measured pose back onto the path. ``abort`` ends it with STOPPED.
    """

    @property
    def info(self) -> CellInfo: ...

    def now_s(self) -> float:
        """Cell time: simulated seconds of a free-running stand-in, else the host's own clock."""
        ...

    def status(self) -> CellStatus:
        """The newest state of the driver."""
        ...

    def frame(self, camera: str) -> Frame:
        """The newest picture of a camera, taken after the last motion ended.

        Raises:
            KeyError: There is no such camera.
            CellFault: The camera is stale or gone.
        """
        ...

    def execute(self, arm: str, trajectory: Trajectory) -> MotionReport:
        """Follow a trajectory that starts at the present set-point.

        Refused (status LIMIT or INVALID, nothing moves) when a knot is outside position, velocity
        or acceleration limits, not finite, or starts away from where the arm is.
        """
        ...

    def execute_together(self, trajectories: Mapping[str, Trajectory]) -> dict[str, MotionReport]:
        """Follow one trajectory per arm, all starting at one moment; as :meth:`execute` otherwise.

        All or none start. When something stops one arm, its partners are stopped too (STOPPED).
        """
        ...

    def grip(
        self, arm: str, width_m: float, force_N: float, speed_m_s: float | None = None
    ) -> GripReport:
        """Drive the fingers to an opening, stopping on contact at ``force_N``."""
        ...

    def wait(self, duration_s: float) -> None:
        """Let cell time pass with the arm holding still."""
        ...

    def hold(self, cause: str, who: str) -> None:
        """Decelerate and hold, drives powered. Idempotent. Not an emergency stop."""
        ...

    def resume(self, who: str) -> None:
        """Leave HOLD and finish the motion in flight. Raises CellRefused if the cause stands."""
        ...

    def abort(self, who: str) -> None:
        """End the motion in flight with STOPPED and stay in HOLD."""
        ...

    def samples(self, arm: str, since_s: float) -> SampleLog:
        """Joint state and commands since a cell time, at 50 Hz or more."""
        ...

    def close(self) -> None:
        """Let go of the cell without moving it."""
        ...
