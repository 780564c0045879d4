"""A motion in flight: asked for once, done once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from drivers.types import GripReport, MotionReport, MotionStatus

TicketKind = Literal["trajectory", "grip", "wait", "stow"]


@dataclass(slots=True)
class Ticket:
    """What a start returns; ``report`` is there once ``done`` is (a wait has none)."""

    number: int
    kind: TicketKind
    arm: str
    who: str
    started_s: float
    done: bool = False
    report: MotionReport | GripReport | None = None
    held_s: float = 0.0
    ending: tuple[MotionStatus, str] | None = None
    """Set while the motion is being slowed down to end with this status."""
    remaining_s: float = 0.0
    """What is left of a wait."""
