"""Rough size and shape of a segment from its points, enough to rank candidates by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aspire_tui.environment.perception.boxes import area_of, hull_of, rotated, yaw_of
from aspire_tui.environment.perception.cloud import TableCloud
from aspire_tui.environment.perception.prompt import ShapeWord

FloatArray = NDArray[np.float64]
Mask = NDArray[np.bool_]

DISC_FILL, SQUARE_FILL = np.pi / 4, 1.0


@dataclass(frozen=True)
class Form:
    """Metres; heights above the table. ``fill`` is the top's hull over its rectangle."""

    long_m: float
    short_m: float
    low_m: float
    top_m: float
    fill: float
    flat_top: float
    """Share of the outline, seen from above, that is as high as the top."""

    @property
    def volume_m3(self) -> float:
        return self.long_m * self.short_m * max(self.top_m, 0.002)


def form_of(mask: Mask, cloud: TableCloud) -> Form | None:
    """None when too few pixels of the mask have depth."""
    usable = mask & cloud.valid
    points = cloud.points[usable]
    if len(points) < 8:
        return None
    height = points[:, 2] - cloud.table_z_m
    low, high = (float(v) for v in np.quantile(height, [0.03, 0.95]))
    band = max(0.008, 3 * cloud.depth_noise_m)
    is_top = height > high - band
    level = float(np.median(height[is_top]))
    top = np.zeros_like(usable)
    top[usable] = np.abs(height - level) < band
    ground = (
        cloud.on_level(top, cloud.table_z_m + level)
        if np.count_nonzero(top) >= 8
        else points[:, :2]
    )
    xy: FloatArray = np.asarray(ground, float)
    local = xy @ rotated(yaw_of(xy))
    lo, hi = np.quantile(local, [0.02, 0.98], axis=0)
    sides = np.maximum(hi - lo, 1e-4) / 0.96
    area = area_of(hull_of(xy))
    whole = area_of(hull_of(np.asarray(points[:, :2], float)))
    return Form(
        long_m=float(sides.max()),
        short_m=float(sides.min()),
        low_m=low,
        top_m=level,
        fill=float(np.clip(area / float(np.prod(sides)), 0, 1.1)),
        flat_top=float(np.clip(area / max(whole, 1e-8), 0, 1)),
    )


def shape_fit(shape: ShapeWord | None, form: Form | None) -> float:
    """A factor of at most 1 on the score; shape at a few hundred pixels is a hint, not a proof."""
    if shape is None or form is None:
        return 1.0
    square = float(np.clip((form.fill - 0.78) / 0.14, 0, 1))
    oblong = form.long_m / max(form.short_m, 1e-4)
    if shape == "ball":
        likeness = 1.0 - form.flat_top if oblong < 1.5 else 0.0
    elif shape == "cylinder":
        likeness = 1.0 - square
    elif shape == "cube":
        even = float(np.clip((1.9 - oblong) / 0.5, 0, 1))
        likeness = square * even
    else:
        likeness = square
    return 0.65 + 0.35 * likeness


def size_fits(
    words: Sequence[str], forms: Sequence[Form | None], masks: Sequence[Mask]
) -> list[float]:
    """For each candidate, a factor by its rank among all of them: 1 for the best, 0.5 the worst."""
    factors = np.ones(len(masks))
    if len(masks) < 2:
        return factors.tolist()
    for word in words:
        values = np.array([_size(word, f, m) for f, m in zip(forms, masks, strict=True)])
        span = float(np.ptp(values))
        if span > 0:
            factors *= 0.5 + 0.5 * (values - values.min()) / span
    return factors.tolist()


def _size(word: str, form: Form | None, mask: Mask) -> float:
    """Larger is a better fit."""
    pixels = float(np.count_nonzero(mask))
    if form is None:
        return -pixels if word in ("small", "flat") else pixels
    by_word = {
        "small": -form.volume_m3,
        "large": form.volume_m3,
        "tall": form.top_m,
        "flat": -form.top_m,
        "long": form.long_m,
    }
    return by_word[word]
