"""What judging has to go on: what cameras, sensors and the referee measured, and one range."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from aspire_tui.domain import Check, Outcome
from aspire_tui.environment.perception.picture import Picture
from aspire_tui.environment.task import Relation, TaskDef

HEIGHT_SD_M = 0.004
"""Camera measurement of a height: closer than this to a limit is UNSURE, not a guess."""

HELD_AFAR_SD_M = 0.03
"""The same of a thing in the hand, by a camera across the table: fingers hide parts of it, and the
highest of what is left was read up to 25 mm too high or too low."""

AFAR_M = 0.4
"""From so far on a camera looks across the table, not from the hand that holds the thing."""

RELEASE_GAP_M = 0.006
"""A gripper this much wider than the object has let go of it."""


@dataclass(frozen=True)
class Sighting:
    """One object as one camera measured it: centre of its top face, base frame, metres."""

    x_m: float
    y_m: float
    top_z_m: float
    height_sd_m: float = HEIGHT_SD_M
    """How far off its height may be."""


@dataclass(frozen=True)
class Sensed:
    """What the verifier knows besides pictures."""

    width_m: float
    tool_xyz_m: tuple[float, float, float]
    table_z_m: float
    grip_force_N: float = 0.0
    widths_m: tuple[float, ...] = ()
    """The opening of every arm's gripper, in the cell's order."""
    answer: str = ""
    """What the operator said, where a relation asks them."""


@dataclass(frozen=True)
class Look:
    """One camera's two looks, a second apart; a missing name was not seen."""

    camera: str
    first: Mapping[str, Sighting]
    second: Mapping[str, Sighting]
    measured: Mapping[str, float] = field(default_factory=dict)
    """What a relation's own :class:`Measurer` found in the second look."""


@dataclass(frozen=True)
class TruthPose:
    """Where an object really is. Only the referee has these."""

    xyz_m: tuple[float, float, float]
    speed_m_s: float
    wxyz: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Truth:
    objects: Mapping[str, TruthPose]
    gripped: frozenset[str]
    """Objects that touch a finger."""
    table_z_m: float
    slides_m: Mapping[str, float] = field(default_factory=dict)
    film_left: float | None = None
    holding: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Which objects touch each arm's fingers."""


Marks = Mapping[str, Any]
"""What one camera measured at the verified start of the trial, by name."""


class Measurer(Protocol):
    """Measures what a relation needs in one camera's picture; a missing name was not seen."""

    def __call__(
        self, picture: Picture, task: TaskDef, relation: Relation, marks: Marks, table_z_m: float
    ) -> dict[str, float]: ...


class Marker(Protocol):
    """Measures, at the verified start, what the end is compared with by the same camera."""

    def __call__(
        self, picture: Picture, task: TaskDef, relation: Relation, table_z_m: float
    ) -> dict[str, Any]: ...


Checker = Callable[[TaskDef, Relation, list[Look], Sensed], list[Check]]
Judge = Callable[[TaskDef, Relation, Truth], tuple[bool | None, dict[str, float]]]


@dataclass(frozen=True)
class RelationKind:
    """One word a task may use in its goal or start."""

    name: str
    needs_target: bool
    parked: bool
    """The arm goes home before the cameras judge."""
    checks: Checker
    truth: Judge
    measure: Measurer | None = None
    """With one, the plain sighting of the objects is not needed."""
    mark: Marker | None = None


def judge_range(
    name: str,
    source: str,
    value: float | None,
    unit: str,
    lo: float | None,
    hi: float | None,
    *,
    sd: float,
    why: str = "",
) -> Check:
    """PASS inside the range, FAIL outside, UNSURE within ``sd`` of a limit or without a value."""
    outcome: Outcome
    if value is None:
        return Check(name, source, None, unit, lo, hi, "UNSURE", why or "not seen")
    margin = min(
        value - lo if lo is not None else np.inf,
        hi - value if hi is not None else np.inf,
    )
    outcome = "UNSURE" if abs(margin) < sd else ("PASS" if margin > 0 else "FAIL")
    return Check(name, source, round(float(value), 4), unit, lo, hi, outcome, why)


def judge_looks(
    name: str,
    looks: list[Look],
    measured: str,
    unit: str,
    lo: float | None,
    hi: float | None,
    *,
    sd: float,
) -> list[Check]:
    """One check per camera, of what each measured under the name ``measured``."""
    return [
        judge_range(name, look.camera, look.measured.get(measured), unit, lo, hi, sd=sd)
        for look in looks
    ]
