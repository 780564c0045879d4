"""Every primitive there is. A new one is declared in its module and listed there."""

from __future__ import annotations

from aspire_tui.environment.primitives import gripper, motion
from aspire_tui.environment.primitives.registry import Primitive

ALL: tuple[Primitive, ...] = (
    *motion.PRIMITIVES,
    *gripper.PRIMITIVES,
)
