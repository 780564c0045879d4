"""A cell that counts what a call used of it: time in HOLD, and whether it moved."""

from __future__ import annotations

from collections.abc import Mapping

from aspire_tui.rollout.wrapped import WrappedCell
from drivers.cell import Cell
from drivers.types import GripReport, MotionReport, Trajectory


class MeteredCell(WrappedCell):
    """Hands on to a cell; :meth:`lap` tells what happened since the last lap."""

    def __init__(self, cell: Cell) -> None:
        super().__init__(cell)
        self._held_s = 0.0
        self._moved = False

    def lap(self) -> tuple[float, bool]:
        """Seconds in HOLD and whether anything moved since the last call of this."""
        out = (self._held_s, self._moved)
        self._held_s, self._moved = 0.0, False
        return out

    def execute(self, arm: str, trajectory: Trajectory) -> MotionReport:
        report = super().execute(arm, trajectory)
        self._held_s += report.held_s
        self._moved = True
        return report

    def execute_together(self, trajectories: Mapping[str, Trajectory]) -> dict[str, MotionReport]:
        reports = super().execute_together(trajectories)
        self._held_s += max((r.held_s for r in reports.values()), default=0.0)
        self._moved = True
        return reports

    def grip(
        self, arm: str, width_m: float, force_N: float, speed_m_s: float | None = None
    ) -> GripReport:
        report = super().grip(arm, width_m, force_N, speed_m_s)
        self._held_s += report.held_s
        self._moved = True
        return report

    def wait(self, duration_s: float) -> None:
        self._moved = True
        super().wait(duration_s)
