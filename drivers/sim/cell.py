"""The stand-in cell in this process: the whole driver core, ticked free of wall time.

The same state machine, limits and follower as behind a cell host; only the loop differs. One seed
gives the same pictures, motions and contacts to the bit.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Final

from drivers.cellfile import CellFile
from drivers.core import CellCore
from drivers.errors import CellFault
from drivers.sim.arm_body import ArmsBody
from drivers.sim.settings import noisy_cell
from drivers.sim.stand_in import StandIn
from drivers.sim.tool_point import tool_points
from drivers.sim.world import World
from drivers.ticket import Ticket
from drivers.types import (
    CellEvent,
    CellInfo,
    CellStatus,
    Frame,
    GripReport,
    MotionReport,
    SampleLog,
    Trajectory,
)

WHO: Final = "program"
STAND_IN: Final = "stand-in"
DEAD_STATES: Final = frozenset({"OFFLINE", "LOST", "FAULT"})
"""What was in flight when a protective stop came ends STOPPED, as behind a host."""
STANDING_TICKS: Final = 64
"""Ticks after HOLD in which the arm comes to rest; then simulated time stands still too."""

HELD_POLL_S: Final = 0.02


class SimCell:
    """Implements :class:`drivers.cell.Cell` over a MuJoCo world.

    Attributes:
        on_tick: Called after every control tick with the cell time, and every 20 ms of wall time
            while held; may call ``frame``, ``hold``, ``resume`` and ``abort``.
    """

    def __init__(self, cell: CellFile | CellInfo, noise: bool = True) -> None:
        """Build the world and adopt its arms; nothing moves.

        Args:
            noise: False makes an ideal cell and brands its results ``noise-off``.
        """
        info, spec = noisy_cell(cell, noise)
        self._world = World(info, spec)
        self._core = CellCore(
            info, self._world.arms, self._world.clock, tool_points(info), ArmsBody(info)
        )
        self._period_s = 1.0 / info.control_hz
        self._wake = threading.Event()
        self._ticket: Ticket | None = None
        self.on_tick: Callable[[float], None] | None = None
        self.stand_in = StandIn(self._world)
        self.stand_in.before_change = self._core.require_idle
        self.stand_in.after_change = self._adopt
        self._core.open()
        self._core.enable(WHO)

    @property
    def info(self) -> CellInfo:
        return self._world.info

    def now_s(self) -> float:
        return self._world.clock()

    def status(self) -> CellStatus:
        return self._core.status()

    def frame(self, camera: str) -> Frame:
        return self._world.frame(camera)

    def glance(self, camera: str) -> Frame:
        """A picture for people; leaves those a program will take as they would have been."""
        return self._world.frame(camera)

    def events(self, after_seq: int = 0) -> list[CellEvent]:
        """Events of the driver after a number, oldest first."""
        return self._core.events(after_seq)

    def execute(self, arm: str, trajectory: Trajectory) -> MotionReport:
        report = self._finish(self._core.start_trajectory(arm, trajectory, WHO))
        if not isinstance(report, MotionReport):
            raise CellFault("a trajectory ended without its report")
        return report

    def execute_together(self, trajectories: Mapping[str, Trajectory]) -> dict[str, MotionReport]:
        tickets = self._core.start_together(trajectories, WHO)
        reports = {}
        for ticket in tickets:
            report = self._finish(ticket)
            if not isinstance(report, MotionReport):
                raise CellFault("a trajectory ended without its report")
            reports[ticket.arm] = report
        return reports

    def grip(
        self, arm: str, width_m: float, force_N: float, speed_m_s: float | None = None
    ) -> GripReport:
        report = self._finish(self._core.start_grip(arm, width_m, force_N, speed_m_s, WHO))
        if not isinstance(report, GripReport):
            raise CellFault("a grip ended without its report")
        return report

    def wait(self, duration_s: float) -> None:
        self._finish(self._core.start_wait(duration_s, WHO))

    def hold(self, cause: str, who: str) -> None:
        self._core.hold(cause, who)

    def resume(self, who: str) -> None:
        self._core.resume(who)
        self._wake.set()

    def abort(self, who: str) -> None:
        self._core.abort(who)
        self._wake.set()

    def samples(self, arm: str, since_s: float) -> SampleLog:
        return self._core.samples(arm, since_s)

    def close(self) -> None:
        self._core.close()

    def _adopt(self) -> None:
        """After a reset the arms are elsewhere, and what stopped them is gone."""
        self._core.adopt(STAND_IN)
        if self._core.status().state == "PSTOP":
            self._core.ack_stop(STAND_IN)

    def _finish(self, ticket: Ticket) -> MotionReport | GripReport | None:
        self._ticket = ticket
        try:
            standing = 0
            while not ticket.done:
                if standing > STANDING_TICKS:
                    if not self._woken():
                        continue
                    standing = 0
                self._tick()
                standing = standing + 1 if self._core.status().held else 0
        finally:
            self._ticket = None
        return ticket.report

    def _tick(self) -> None:
        self._world.advance(self._period_s)
        self._core.tick()
        if self.on_tick is not None:
            self.on_tick(self._world.clock())
        status = self._core.status()
        if status.state in DEAD_STATES and self._ticket is not None and not self._ticket.done:
            raise CellFault(f"the cell is in {status.state}: {status.cause}")

    def _woken(self) -> bool:
        """Held: let wall time pass without simulating until somebody acts."""
        if self._wake.wait(HELD_POLL_S):
            self._wake.clear()
            return True
        if self.on_tick is not None:
            self.on_tick(self._world.clock())
        return False
