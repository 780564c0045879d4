"""What joint limits cannot say: the workspace box, and arms that would touch. Pure but for models.

Trajectories are judged whole before they start; orders (jogging, streams) at every set-point, at
the point where the arm would come to rest if it braked now.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from drivers.body import CellBody, Touch
from drivers.hermite import Vector
from drivers.safety import BOX_TOLERANCE_M, TOUCH_SLACK_M, ToolXyz, Touching, outside_box
from drivers.types import Workspace

HARD_BOX_M: Final = 0.02
"""A tool this far outside while it is being steered is not clipped any more but stopped."""


class PoseGuard:
    """Judges poses of all arms of one cell against each other, themselves and the box."""

    def __init__(
        self,
        workspace: Workspace,
        tool_xyz: Mapping[str, ToolXyz],
        body: CellBody | None,
        setpoints: Callable[[], Mapping[str, Vector]],
    ) -> None:
        """``setpoints``: where every arm is being held or led to now."""
        self.workspace = workspace
        self.tool_xyz = tool_xyz
        self.body = body
        self._setpoints = setpoints

    def worse(self, arm: str, now_rad: Sequence[float], then_rad: Sequence[float]) -> str | None:
        """Why a pose may not be gone to from here, in words; coming back in always may."""
        return self._worse_box(arm, now_rad, then_rad) or self._worse_touch(arm, now_rad, then_rad)

    def beyond(self, arm: str, measured_rad: Sequence[float]) -> str | None:
        """Whether an arm is measured where no order may have led it, in words."""
        tool_xyz = self.tool_xyz.get(arm)
        if tool_xyz is None:
            return None
        outside_m, axis = outside_box(tool_xyz(measured_rad), self.workspace)
        if outside_m > HARD_BOX_M:
            return f"the tool is {1e3 * outside_m:.0f} mm outside the workspace along {'xyz'[axis]}"
        return None

    def touching(self, arm: str) -> Touching | None:
        """For trajectories of one arm while the others stay where they are."""
        body = self.body
        if body is None:
            return None
        others = {name: q for name, q in self._setpoints().items() if name != arm}
        return lambda q: body.touching({**others, arm: q})

    def all_touching(self) -> Callable[[Mapping[str, Sequence[float]]], Touch | None] | None:
        """For trajectories of several arms at once; arms that are not named stay where they are."""
        body = self.body
        if body is None:
            return None
        held = dict(self._setpoints())
        return lambda q: body.touching({**held, **q})

    def touch_ahead(self, ahead: Mapping[str, Vector]) -> Touch | None:
        """Whether the arms would touch where they come to rest; for arms moving at once."""
        return None if self.body is None else self.body.touching(ahead)

    def _worse_box(
        self, arm: str, now_rad: Sequence[float], then_rad: Sequence[float]
    ) -> str | None:
        tool_xyz = self.tool_xyz.get(arm)
        if tool_xyz is None:
            return None
        xyz = tool_xyz(then_rad)
        then_m, axis = outside_box(xyz, self.workspace)
        if then_m <= BOX_TOLERANCE_M:
            return None
        now_m, _ = outside_box(tool_xyz(now_rad), self.workspace)
        if then_m <= now_m:
            return None
        lo, hi = self.workspace.lo_m[axis], self.workspace.hi_m[axis]
        return (
            f"the tool would leave the workspace: {'xyz'[axis]} = {xyz[axis]:.3f} m, "
            f"allowed {lo:.3f} to {hi:.3f}"
        )

    def _worse_touch(
        self, arm: str, now_rad: Sequence[float], then_rad: Sequence[float]
    ) -> str | None:
        if self.body is None:
            return None
        others = {name: q for name, q in self._setpoints().items() if name != arm}
        then = self.body.touching({**others, arm: then_rad})
        if then is None:
            return None
        now = self.body.touching({**others, arm: now_rad})
        if now is not None and then.clearance_m >= now.clearance_m - TOUCH_SLACK_M:
            return None
        return f"{then.parts} would come within {1e3 * then.clearance_m:.0f} mm of each other"
