"""A cell around a cell: what a wrapper does not change is handed on here, once."""

from __future__ import annotations

from collections.abc import Mapping

from drivers.cell import Cell
from drivers.types import (
    CellInfo,
    CellStatus,
    Frame,
    GripReport,
    MotionReport,
    SampleLog,
    Trajectory,
)


class WrappedCell:
    """Implements :class:`drivers.cell.Cell` by handing everything on."""

    def __init__(self, cell: Cell) -> None:
        self._cell = cell

    @property
    def info(self) -> CellInfo:
        return self._cell.info

    def now_s(self) -> float:
        return self._cell.now_s()

    def status(self) -> CellStatus:
        return self._cell.status()

    def frame(self, camera: str) -> Frame:
        return self._cell.frame(camera)

    def execute(self, arm: str, trajectory: Trajectory) -> MotionReport:
        return self._cell.execute(arm, trajectory)

    def execute_together(self, trajectories: Mapping[str, Trajectory]) -> dict[str, MotionReport]:
        return self._cell.execute_together(trajectories)

    def grip(
        self, arm: str, width_m: float, force_N: float, speed_m_s: float | None = None
    ) -> GripReport:
        return self._cell.grip(arm, width_m, force_N, speed_m_s)

    def wait(self, duration_s: float) -> None:
        self._cell.wait(duration_s)

    def hold(self, cause: str, who: str) -> None:
        self._cell.hold(cause, who)

    def resume(self, who: str) -> None:
        self._cell.resume(who)

    def abort(self, who: str) -> None:
        self._cell.abort(who)

    def samples(self, arm: str, since_s: float) -> SampleLog:
        return self._cell.samples(arm, since_s)

    def close(self) -> None:
        self._cell.close()
