"""A task object's footprint and heights, as perception fits them. Pure."""

from __future__ import annotations

import numpy as np

from aspire_tui.environment.perception.outlines import OutlineFit, Patch, fit_outline
from aspire_tui.environment.perception.picture import Picture
from aspire_tui.environment.task import ObjectDef

FINGER_M, FINGER_HALF_M = 0.043, 0.008
"""An open finger's distance from the middle of the hand, and half its breadth."""

Row = tuple[float, float, float, float]
Rows = tuple[Row, ...]
"""Rectangles of an outline: x, y, length along x, width."""


def patches_of(thing: ObjectDef, colour: str = "") -> tuple[Patch, ...]:
    """What a thing covers seen from above, in its own frame; of one colour's parts if given."""
    if not thing.parts:
        x, y, _ = thing.size_m
        return (Patch(0.0, 0.0, x, y, 0.0, thing.shape != "box"),)
    parts = [p for p in thing.parts if not colour or (p.colour or thing.colour) == colour]
    return tuple(
        Patch(p.xyz_m[0], p.xyz_m[1], p.size_m[0], p.size_m[1], p.yaw_rad, p.shape != "box")
        for p in parts
    )


def heights_of(thing: ObjectDef, colour: str = "") -> tuple[float, float]:
    """Bottom and top above what it stands on, metres; of one colour's parts if given."""
    half = thing.size_m[2] / 2
    parts = [p for p in thing.parts if not colour or (p.colour or thing.colour) == colour]
    if not parts:
        return 0.0, thing.size_m[2]
    low = min(half + p.xyz_m[2] - p.size_m[2] / 2 for p in parts)
    high = max(half + p.xyz_m[2] + p.size_m[2] / 2 for p in parts)
    return max(0.0, low), high


def find_by_outline(
    picture: Picture,
    thing: ObjectDef,
    table_z_m: float,
    colour: str = "",
    raised_m: float = 0.0,
    near: tuple[float, float, float] | None = None,
) -> OutlineFit | None:
    """Where one camera sees a thing of known outline; None when its colour is not in view."""
    own = colour or thing.colour
    low, high = heights_of(thing, own)
    base = table_z_m + raised_m
    patches = patches_of(thing, own)
    return fit_outline(picture, own, patches, base + low, base + high, table_z_m, near)


def handle_at(picture: Picture, thing: ObjectDef, table_z_m: float) -> tuple[float, float] | None:
    """Where one camera sees the middle of the handle of a thing on a rail, base frame."""
    if thing.rail is None:
        return None
    colour = thing.rail.handle
    found = find_by_outline(picture, thing, table_z_m, colour)
    if found is None or not found.good:
        return None
    # Whichever way round the handle was fitted, its middle is the same.
    x, y = handle_offset(thing)
    c, s = np.cos(found.yaw_rad), np.sin(found.yaw_rad)
    return float(found.x_m + c * x - s * y), float(found.y_m + s * x + c * y)


def handle_offset(thing: ObjectDef) -> tuple[float, float]:
    """Middle of the handle in the thing's own frame."""
    patches = patches_of(thing, "" if thing.rail is None else thing.rail.handle)
    areas = [p.long_m * p.wide_m for p in patches]
    x = sum(a * p.x_m for a, p in zip(areas, patches, strict=True)) / sum(areas)
    y = sum(a * p.y_m for a, p in zip(areas, patches, strict=True)) / sum(areas)
    return x, y


def rows_of(thing: ObjectDef) -> Rows:
    """A thing's outline as rectangles in its own frame."""
    return tuple((p.xyz_m[0], p.xyz_m[1], p.size_m[0], p.size_m[1]) for p in thing.parts)


def bar_to_hold(rows: Rows) -> Row | None:
    """The first bar of an outline beside whose middle both open fingers come down clear of it."""
    for row in rows:
        x, y, long, wide = row
        aside = (0.0, FINGER_M) if long >= wide else (FINGER_M, 0.0)
        spots = [(x + k * aside[0], y + k * aside[1]) for k in (-1, 1)]
        if not any(
            abs(u - r[0]) < r[2] / 2 + FINGER_HALF_M and abs(v - r[1]) < r[3] / 2 + FINGER_HALF_M
            for u, v in spots
            for r in rows
        ):
            return row
    return None
