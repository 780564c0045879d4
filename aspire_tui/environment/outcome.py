"""What every primitive ends in: one status, one value for the program, one line for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aspire_tui.domain import Evidence, Status


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
    evidence: Evidence = Evidence()
