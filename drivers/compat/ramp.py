"""What is sent to a server that would jump anywhere: near the last, in range, finite. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from drivers.types import ArmSpec

CATCH_UP: Final = 1.5
"""How much faster than the arm's own speeds a set-point that fell behind is caught up with."""
LONGEST_STEP_S: Final = 0.05
"""However long nothing was sent, one message moves no further than this time allows."""


class Ramp:
    """Follows set-points at no more than the arm's speeds, whatever was lost in between."""

    def __init__(self, spec: ArmSpec) -> None:
        self._lo = [*(j.lo_rad for j in spec.joints), spec.gripper.closed_width_m]
        self._hi = [*(j.hi_rad for j in spec.joints), spec.gripper.open_width_m]
        self._speed = [*(j.vmax_rad_s for j in spec.joints), spec.gripper.max_speed_m_s]
        self._sent: list[float] = []
        self._sent_s = -math.inf

    def begin(self, measured: Sequence[float], now_s: float) -> None:
        """Start where the arm is: joints (rad) and opening (m)."""
        self._sent = list(measured)
        self._sent_s = now_s

    def toward(self, wanted: Sequence[float], now_s: float) -> list[float]:
        """What to send now. Raises ValueError for what is not finite or of another length."""
        if len(wanted) != len(self._lo) or not all(map(math.isfinite, wanted)):
            raise ValueError("a set-point that is not finite, or of the wrong length")
        dt_s = min(max(now_s - self._sent_s, 0.0), LONGEST_STEP_S)
        out = []
        for at, to, lo, hi, speed in zip(
            self._sent, wanted, self._lo, self._hi, self._speed, strict=True
        ):
            step = CATCH_UP * speed * dt_s
            goal = min(max(to, lo), hi)
            out.append(at + min(max(goal - at, -step), step))
        self._sent, self._sent_s = out, now_s
        return out
