"""Finds what a prompt describes: by colour, by standing on the table, by shape and size."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from aspire_tui.environment.perception.cloud import TableCloud
from aspire_tui.environment.perception.colour import (
    FAMILIES,
    SHADES,
    Hsv,
    families,
    membership,
    same_surface,
)
from aspire_tui.environment.perception.forms import Form, form_of, shape_fit, size_fits
from aspire_tui.environment.perception.prompt import Prompt, parse

FloatArray = NDArray[np.float64]
Mask = NDArray[np.bool_]

LEAST_SCORE = 0.3
LEAST_PIXELS = 20
LARGEST_SHARE = 0.4
"""A mask larger than this share of the picture is background, not a thing."""

LARGEST_THING_M = 0.30
SMALLEST_THING_M = 0.006
TALL_M = 0.22
"""What reaches higher than this without a break, and is wider than a hand, is taken for the arm."""

MOST_SEGMENTS = 8
STRONG = 0.5
WEAK = 0.12


@dataclass(frozen=True, eq=False)
class Segment:
    """One thing in a picture.

    Attributes:
        mask: Shape (H, W).
        box: x1, y1, x2, y2 in pixels, the last ones exclusive.
        score: 0..1, how well colour, shape and size fit the prompt.
    """

    mask: Mask
    box: tuple[int, int, int, int]
    score: float
    label: str
    form: Form | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Sighted:
    """All of a search: what fits, best first, and one line about each candidate that did not."""

    prompt: Prompt
    segments: tuple[Segment, ...]
    rejected: tuple[str, ...]

    @property
    def reason(self) -> str:
        """Why there is nothing, in one line."""
        if self.prompt.sees_nothing:
            return f"no word in {self.prompt.text!r} names a colour, shape or size"
        if self.rejected:
            return f"nothing fits {self.prompt.text!r}; seen and refused: " + "; ".join(
                self.rejected[:3]
            )
        return f"no pixels fit {self.prompt.text!r}"


def segment(
    rgb: NDArray[np.uint8],
    prompt: str,
    depth_m: NDArray[np.float32] | None = None,
    K: FloatArray | None = None,
    T_base_cam: FloatArray | None = None,
    table_z_m: float | None = None,
) -> list[Segment]:
    """What fits the prompt, best first; empty when nothing does.

    Args:
        rgb: Shape (H, W, 3).
        depth_m: Shape (H, W), metres; with ``K`` it adds table removal, shape and size.
        T_base_cam: Optical frame to base frame; without it the largest plane is the table.
    """
    cloud = TableCloud.build(depth_m, K, T_base_cam, table_z_m)
    return list(search(rgb, parse(prompt), cloud).segments)


def search(rgb: NDArray[np.uint8], prompt: Prompt, cloud: TableCloud | None) -> Sighted:
    """Like :func:`segment`, with what was refused and why."""
    if prompt.sees_nothing:
        return Sighted(prompt, (), ())
    hsv = Hsv.of(rgb)
    if prompt.colours:
        fit, wide = _by_colour(hsv, prompt)
    else:
        fit, wide = np.ones(hsv.value.shape, np.float32), None
    candidates = _candidates(hsv, fit, wide, cloud)
    kept: list[Segment] = []
    rejected: list[str] = []
    trunk = _Trunk(cloud)
    for mask in candidates:
        form = form_of(mask, cloud) if cloud is not None else None
        plain = not prompt.colours or any(c in ("white", "grey", "black") for c in prompt.colours)
        why = _implausible(mask, form, trunk if plain else None)
        box = _box(mask)
        if why:
            rejected.append(f"{why} at {box}")
            continue
        strong = fit[mask]
        score = float(np.clip(np.mean(strong[strong > WEAK]) if np.any(strong > WEAK) else 0, 0, 1))
        if not prompt.colours:
            score = 0.8
        score *= shape_fit(prompt.shape, form)
        if prompt.unknown:
            score *= 0.85
        kept.append(Segment(mask, box, score, prompt.text, form))
    kept = _sized(kept, prompt)
    good = [s for s in kept if s.score >= LEAST_SCORE]
    rejected += [f"score {s.score:.2f} at {s.box}" for s in kept if s.score < LEAST_SCORE]
    good.sort(key=lambda s: (-s.score, -int(np.count_nonzero(s.mask))))
    return Sighted(prompt, tuple(good[:MOST_SEGMENTS]), tuple(rejected[:MOST_SEGMENTS]))


def _by_colour(hsv: Hsv, prompt: Prompt) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    words = [w for c in prompt.colours for w in (c, *SHADES.get(c, ()))]
    fits = [membership(hsv, w) for w in words]
    wides = [same_surface(hsv, c) for c in prompt.colours]
    return np.max(fits, axis=0), np.max(wides, axis=0)


def _candidates(
    hsv: Hsv,
    fit: NDArray[np.float32],
    wide: NDArray[np.float32] | None,
    cloud: TableCloud | None,
) -> list[Mask]:
    """Connected groups of pixels, largest first."""
    if wide is not None:
        # Only groups with pixels that surely have the colour count; their shaded sides belong too.
        groups = _groups(wide > WEAK, cloud)
        groups = [g for g in groups if np.count_nonzero(fit[g] > STRONG) >= LEAST_PIXELS // 2]
        if cloud is None and any(np.count_nonzero(g) > LARGEST_SHARE * g.size for g in groups):
            # A table of nearly this colour, and no depth to take it away: what surely has it.
            groups = [g for g in (*groups, *_groups(fit > STRONG, None)) if _small(g)]
        if not groups and cloud is not None:
            # Too flat to stand out from the table: colour alone.
            groups = [g for g in _groups(fit > STRONG, None) if _small(g)]
        return groups
    family = families(hsv)
    groups = []
    for index in range(-1, len(FAMILIES)):
        groups += _groups(family == index, cloud)
    return groups


def _groups(mask: Mask, cloud: TableCloud | None) -> list[Mask]:
    from scipy import ndimage

    if cloud is not None:
        above = cloud.above_table()
        labels, _ = cloud.components(mask & above)
        # Pixels without a reading belong to the thing they touch.
        holes = mask & ~cloud.valid
        if holes.any():
            grown = ndimage.grey_dilation(labels, size=(3, 3))
            labels = np.where(holes & (labels == 0), grown, labels)
    else:
        opened = ndimage.binary_opening(mask, iterations=1)
        labels, _ = ndimage.label(opened)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    order = np.argsort(-sizes)[: 2 * MOST_SEGMENTS]
    return [labels == k for k in order if sizes[k] >= LEAST_PIXELS]


def _small(mask: Mask) -> bool:
    return bool(np.count_nonzero(mask) < 0.1 * mask.size)


class _Trunk:
    """Which pixels hang together with something tall, whatever their colour: the arm, a wall."""

    def __init__(self, cloud: TableCloud | None) -> None:
        self._tall: Mask | None = None
        self._cloud = cloud

    def share(self, mask: Mask) -> float:
        """How much of a mask belongs to something tall."""
        from scipy import ndimage

        if self._cloud is None:
            return 0.0
        if self._tall is None:
            labels, count = self._cloud.components(self._cloud.above_table())
            top = ndimage.maximum(self._cloud.height_m, labels, np.arange(count + 1))
            tall = np.asarray(top) > TALL_M
            tall[0] = False
            self._tall = tall[labels]
        return float(np.mean(self._tall[mask]))


def _implausible(mask: Mask, form: Form | None, trunk: _Trunk | None) -> str:
    """Why a group of pixels is not a thing one could pick, or nothing."""
    if np.count_nonzero(mask) > LARGEST_SHARE * mask.size:
        return "fills the picture"
    rows, cols = np.any(mask, axis=1), np.any(mask, axis=0)
    if form is None and ((rows[0] and rows[-1]) or (cols[0] and cols[-1])):
        return "spans the picture"
    if form is not None:
        largest = max(form.long_m, form.top_m - form.low_m)
        if largest > LARGEST_THING_M:
            return f"{largest:.2f} m large"
        if form.long_m < SMALLEST_THING_M:
            return f"{form.long_m * 1000:.0f} mm small"
    if trunk is not None and trunk.share(mask) > 0.5:
        return "part of something tall, such as the arm"
    return ""


def _sized(segments: list[Segment], prompt: Prompt) -> list[Segment]:
    """Size words compare: the small one of two, however large both are."""
    if not prompt.sizes or not segments:
        return segments
    fits = size_fits(prompt.sizes, [s.form for s in segments], [s.mask for s in segments])
    return [replace(s, score=s.score * f) for s, f in zip(segments, fits, strict=True)]


def _box(mask: Mask) -> tuple[int, int, int, int]:
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(cols[0]), int(rows[0]), int(cols[-1]) + 1, int(rows[-1]) + 1


def segment_point(
    rgb: NDArray[np.uint8],
    pixel: tuple[float, float],
    depth_m: NDArray[np.float32] | None = None,
    K: FloatArray | None = None,
    T_base_cam: FloatArray | None = None,
    table_z_m: float | None = None,
) -> list[Segment]:
    """The thing under a pixel (x, y), grown over like colour and unbroken depth; empty for none."""
    return segment_at(rgb, pixel, TableCloud.build(depth_m, K, T_base_cam, table_z_m))


def segment_at(
    rgb: NDArray[np.uint8], pixel: tuple[float, float], cloud: TableCloud | None
) -> list[Segment]:
    """Like :func:`segment_point`, with the cloud of the picture."""
    from scipy import ndimage

    x, y = round(pixel[0]), round(pixel[1])
    if not (0 <= x < rgb.shape[1] and 0 <= y < rgb.shape[0]):
        return []
    like = _like(rgb, x, y)
    if cloud is not None and cloud.valid[y, x]:
        if not cloud.above_table()[y, x]:
            return []
        labels, _ = cloud.components(like & cloud.above_table())
    else:
        labels, _ = ndimage.label(like)
    if labels[y, x] == 0:
        return []
    mask = ndimage.binary_fill_holes(labels == labels[y, x])
    form = form_of(mask, cloud) if cloud is not None else None
    if np.count_nonzero(mask) < LEAST_PIXELS or _implausible(mask, form, None):
        return []
    score = float(np.mean(like[ndimage.binary_dilation(mask)]))
    return [Segment(mask, _box(mask), score, f"({x}, {y})", form)]


def _like(rgb: NDArray[np.uint8], x: int, y: int) -> Mask:
    """Pixels whose colour is that round a pixel, up to brightness."""
    patch = rgb[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].reshape(-1, 3).astype(np.float32)
    seed = np.median(patch, axis=0)
    c = rgb.astype(np.float32)
    total, seed_total = c.sum(axis=2) + 1, float(seed.sum()) + 1
    tint = np.abs(c / total[..., None] - seed / seed_total).sum(axis=2)
    brightness = np.abs(np.log(total / seed_total))
    loose = 0.10 + 12.0 / np.minimum(total, seed_total)  # dark pixels have noisy tints
    like: Mask = (tint < loose) & (brightness < 0.8)
    return like
