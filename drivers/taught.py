"""``[taught.NAME]`` of a cell file: poses and places a person showed the arm, and who and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from drivers.types import ArmSpec, TaughtRegion, TaughtStart, Workspace

Xyz = tuple[float, float, float]
TaughtKind = Literal["home", "rest", "start", "box", "region"]

LEAST_SIDE_M = 0.02
"""Of a box or region: less was not meant."""


class Taught(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that was shown.

    ``home``, ``rest`` and ``box`` are also written where the cell uses them (``home_rad``,
    ``rest_rad``, ``[workspace]``); ``start`` and ``region`` are read from here, by tasks that name
    them (``pose`` and ``region`` of their ``[start]``).
    """

    kind: TaughtKind
    arm: str
    at: str
    who: str
    q_rad: tuple[float, ...] = ()
    """Joints of a pose."""
    points_m: tuple[Xyz, ...] = ()
    """Corners of a box or region, base frame, as they were touched with the tool point."""


def box_of(points_m: Sequence[Xyz]) -> tuple[Xyz, Xyz]:
    """The smallest box round touched corners. Raises ValueError when it is flat."""
    lo = tuple(min(p[i] for p in points_m) for i in range(3))
    hi = tuple(max(p[i] for p in points_m) for i in range(3))
    for axis, a, b in zip("xyz", lo, hi, strict=True):
        if b - a < LEAST_SIDE_M:
            raise ValueError(
                f"the corners are only {1e3 * (b - a):.0f} mm apart along {axis}: touch two that "
                "lie diagonally opposite"
            )
    return (lo[0], lo[1], lo[2]), (hi[0], hi[1], hi[2])


def regions_of(taught: Mapping[str, Taught]) -> dict[str, TaughtRegion]:
    """The regions of a cell file as tasks use them: rectangles on the table."""
    out = {}
    for name, entry in taught.items():
        if entry.kind == "region":
            xs, ys = [p[0] for p in entry.points_m], [p[1] for p in entry.points_m]
            out[name] = TaughtRegion((min(xs), max(xs)), (min(ys), max(ys)))
    return out


def starts_of(taught: Mapping[str, Taught]) -> dict[str, TaughtStart]:
    """The start poses of a cell file."""
    return {
        name: TaughtStart(entry.arm, entry.q_rad)
        for name, entry in taught.items()
        if entry.kind == "start"
    }


def problem_of(name: str, taught: Taught, arms: Sequence[ArmSpec]) -> str:
    """Why an entry of a cell file is wrong; empty when it is right."""
    spec = next((arm for arm in arms if arm.name == taught.arm), None)
    if spec is None:
        return f"taught.{name}: no arm {taught.arm!r}"
    if taught.kind in ("box", "region"):
        few = len(taught.points_m) < 2
        return f"taught.{name}: a {taught.kind} needs two points at least" if few else ""
    if len(taught.q_rad) != len(spec.joints):
        return f"taught.{name}: q_rad has {len(taught.q_rad)} values for {len(spec.joints)} joints"
    for joint, q in zip(spec.joints, taught.q_rad, strict=True):
        if not joint.lo_rad <= q <= joint.hi_rad:
            return f"taught.{name}: {joint.name} is out of range"
    return ""


def inside(point_m: Xyz, box: Workspace) -> bool:
    """Whether a point may be worked at."""
    return all(a <= p <= b for a, p, b in zip(box.lo_m, point_m, box.hi_m, strict=True))
