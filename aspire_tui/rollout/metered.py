"""A cell that counts what a call used of it: time in HOLD, and whether it moved."""

from __future__ import annotations

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


class MeteredCell:
    """Delegates to a cell; :meth:`lap` tells what happened since the last lap."""

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self._held_s = 0.0
        self._moved = False

    def lap(self) -> tuple[float, bool]:
        """Seconds in HOLD and whether anything moved since the last call of this."""
        out = (self._held_s, self._moved)
        self._held_s, self._moved = 0.0, False
        return out

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
        report = self._cell.execute(arm, trajectory)
        self._held_s += report.held_s
        self._moved = True
        return report

    def grip(
        self, arm: str, width_m: float, force_N: float, speed_m_s: float | None = None
    ) -> GripReport:
        report = self._cell.grip(arm, width_m, force_N, speed_m_s)
        self._held_s += report.held_s
        self._moved = True
        return report

    def wait(self, duration_s: float) -> None:
        self._moved = True
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
