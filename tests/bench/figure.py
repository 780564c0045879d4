"""One engineering figure: what was measured, beside what we hold ourselves to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Met = Literal["yes", "no", "-"]


@dataclass(frozen=True)
class Figure:
    """One row of ``make bench``.

    Attributes:
        name: What was measured, e.g. ``warm program start, median``.
        goal: The figure to hold, as text with its unit; ``-`` when there is none.
        value: What this machine measured, as text with its unit and n.
        command: What repeats the measurement.
        met: ``-`` when there is no goal, or no judgement on this machine.
    """

    name: str
    goal: str
    value: str
    command: str
    met: Met = "-"


def at_most(limit: float, measured: float) -> Met:
    """Whether a measured value stays within its goal."""
    return "yes" if measured <= limit else "no"


def at_least(limit: float, measured: float) -> Met:
    """Whether a measured value reaches its goal."""
    return "yes" if measured >= limit else "no"
