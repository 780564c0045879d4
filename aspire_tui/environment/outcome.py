"""What every primitive ends in: one status, one value for the program, one line for people."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from aspire_tui.domain import Evidence, Status


class MotionResult(msgspec.Struct, frozen=True):
    """What a program gets from a motion call; truthy only on OK. Poses in the base frame."""

    status: Status
    detail: str
    target_xyz_m: tuple[float, float, float] | None = None
    target_wxyz: tuple[float, float, float, float] | None = None
    reached_xyz_m: tuple[float, float, float] | None = None
    """From measured joints after the motion, whatever was commanded."""
    reached_wxyz: tuple[float, float, float, float] | None = None
    error_m: float | None = None
    error_rad: float | None = None
    lean_rad: float | None = None
    """How far the approach axis is from the one asked for, on an arm that cannot always take it."""
    duration_s: float = 0.0
    contact_direction: tuple[float, float, float] | None = None
    """Unit vector along which the arm was pushed back, when something stopped it."""
    joints_rad: tuple[float, ...] = ()
    """Measured joints after the motion."""

    def __bool__(self) -> bool:
        return self.status == "OK"


class NavigationResult(msgspec.Struct, frozen=True):
    """What a program gets for a drive; truthy only on OK. Poses are x, y, yaw in the room."""

    status: Status
    detail: str
    target: tuple[float, float, float]
    reached: tuple[float, float, float]
    """Where the base takes itself to be after the drive."""
    error_m: float
    error_rad: float
    duration_s: float = 0.0
    contact_direction: tuple[float, float, float] | None = None
    """Unit vector along which the base was pushed back, when something stopped it."""

    def __bool__(self) -> bool:
        return self.status == "OK"


class GripResult(msgspec.Struct, frozen=True):
    """What a program gets from a gripper call; truthy only on OK. All values are measured."""

    status: Status
    detail: str
    width_m: float
    opening: float
    """0 closed to 1 open."""
    force_N: float
    target_width_m: float
    stalled: bool
    holding: Literal["held", "empty", "unknown"]
    duration_s: float = 0.0

    def __bool__(self) -> bool:
        return self.status == "OK"


class AnswerResult(msgspec.Struct, frozen=True):
    """What a program gets for a question to the operator; truthy only on OK."""

    status: Status
    detail: str
    text: str = ""

    def __bool__(self) -> bool:
        return self.status == "OK"


@dataclass(frozen=True)
class PrimitiveOutcome:
    """The typed end of one call.

    Attributes:
        status: OK or what went wrong.
        value: What the program gets when nothing is raised.
        summary: One line: what was reached, found or refused, with numbers and units.
        raises: The upstream name raised here, so the program gets ``PrimitiveError``.
        error_m: Distance between target and reached tool position, metres, for motions.
        evidence: Keyframes, grasps, path; before and after are filled in by the caller.
    """

    status: Status
    value: Any
    summary: str
    raises: bool = False
    error_m: float | None = None
    evidence: Evidence = field(default_factory=Evidence)
