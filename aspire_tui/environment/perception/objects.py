"""Where a thing is: a level box from the surfaces the cameras see, each camera judged alone first.

What faces away from every camera is not seen. The height comes from the table unless the thing's
own sides show where it ends; notes say which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from aspire_tui.environment.perception.boxes import Footprint, footprint, yaw_of
from aspire_tui.environment.perception.camera import yaw_quaternion
from aspire_tui.environment.perception.cloud import TableCloud
from aspire_tui.environment.perception.occlusion import (
    hidden_below,
    stands_under_something,
    touches_border,
)
from aspire_tui.environment.perception.picture import Picture
from aspire_tui.environment.perception.prompt import Prompt, parse
from aspire_tui.environment.perception.segment import Segment, search
from aspire_tui.environment.perception.sides import fit_sides

FloatArray = NDArray[np.float64]
Mask = NDArray[np.bool_]

DISAGREE_M = 0.02
STANDS_M = 0.015
"""Seen down to this height above the table, a thing stands on it."""

TRIM = 0.02
TOP_BAND_SD = 2.0
LEAST_TOP_PIXELS = 25
LEAST_SIDE_M = 0.02
SEEN_SHARE = 0.75
NO_CUBE, ODD_CUBE = 0.4, 0.75

CALIBRATION_SD_M = 0.003
"""Position along the table that a calibrated camera still gets wrong after the table is aligned."""

CALIBRATION_SD_RAD = 0.006

COVERED_SD_M = 0.004
"""Added when a thing is measured by its sides or its outline instead of its top."""


@dataclass(frozen=True, eq=False)
class ObjectEstimate:
    """A thing on or above the table, base frame, metres.

    Attributes:
        position: Centre of the box, shape (3,).
        wxyz: Yaw-only orientation; x along the box's first side.
        extent: Full sides of the box, shape (3,).
        points: Shape (N, 3): the surface as seen.
        mask: Of the camera that fits best, shape (H, W).
        sigma_m: One standard deviation of the horizontal position, calibration included.
        fit_sd_m: The same without calibration: what differs between things in one picture.
        cameras: Cameras that saw it, the best first.
        per_camera: Each camera's own estimate; one entry, itself, when a single camera saw it.
        spread_m: Largest horizontal distance between cameras' estimates.
        notes: What was assumed rather than seen.
    """

    position: FloatArray
    wxyz: FloatArray
    extent: FloatArray
    yaw_rad: float
    points: NDArray[np.float32]
    mask: Mask
    box: tuple[int, int, int, int]
    score: float
    sigma_m: float
    fit_sd_m: float
    cameras: tuple[str, ...]
    per_camera: tuple[ObjectEstimate, ...] = ()
    spread_m: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def top_z_m(self) -> float:
        return float(self.position[2] + self.extent[2] / 2)

    @property
    def bottom_z_m(self) -> float:
        return float(self.position[2] - self.extent[2] / 2)


@dataclass(frozen=True)
class NotFound:
    """Nothing fits; ``seen`` has one line for each candidate that was refused."""

    reason: str
    seen: tuple[str, ...] = ()


def locate(
    views: Sequence[Picture], prompt: str, *, table_z_m: float | None = None
) -> ObjectEstimate | NotFound:
    """Find a thing in one or more pictures of the same still scene.

    Args:
        table_z_m: Height of the table in the base frame; None takes the largest plane for it, and
            then works only if the pictures are of one camera.
    """
    asked = parse(prompt)
    found: list[ObjectEstimate] = []
    reasons: list[str] = []
    refused: list[str] = []
    for view in views:
        one = locate_in(view, asked, table_z_m)
        if isinstance(one, ObjectEstimate):
            found.append(one)
        else:
            reasons.append(f"{view.camera}: {one.reason}")
            refused += [f"{view.camera}: {line}" for line in one.seen]
    if not found:
        return NotFound("; ".join(reasons) or "no picture to look at", tuple(refused))
    return fuse(found)


def locate_in(view: Picture, prompt: Prompt, table_z_m: float | None) -> ObjectEstimate | NotFound:
    """One camera's own judgement."""
    cloud = TableCloud.of(view, table_z_m)
    sighted = search(view.rgb, prompt, cloud)
    if not sighted.segments:
        return NotFound(sighted.reason, sighted.rejected)
    if cloud is None:
        return NotFound(f"{prompt.text!r} is in the picture but there is no depth")
    refused: list[str] = []
    for s in sighted.segments:
        estimate = measure(s, cloud, prompt, view.camera)
        if isinstance(estimate, str):
            refused.append(f"{estimate}, at {s.box}")
            continue
        others = [f"{o.score:.2f}" for o in sighted.segments if o is not s]
        if others:
            extra = f"{len(others)} more fit the words (score {', '.join(others)})"
            return replace(estimate, notes=(*estimate.notes, extra))
        return estimate
    return NotFound(f"{prompt.text!r} {refused[0]}", (*refused, *sighted.rejected))


def measure(
    segment: Segment, cloud: TableCloud, prompt: Prompt, camera: str
) -> ObjectEstimate | str:
    """Fit the level box of one segment, or say why it cannot be measured."""
    mask = segment.mask
    usable = mask & cloud.valid
    points = cloud.points[usable]
    if len(points) < LEAST_TOP_PIXELS // 2:
        return "has no usable depth"
    if touches_border(mask):
        return "is cut off by the edge of the picture"
    notes: list[str] = []
    smooth = _smooth(cloud.points[..., 2], usable)
    top_z, is_top = _top_face(smooth, points[:, 2], cloud.depth_noise_m)
    rect, slack = None, 0.0
    if stands_under_something(mask, usable, top_z, cloud):
        top_z = float(np.quantile(points[:, 2], 0.97))
        rect = _from_sides(points, top_z, cloud, prompt)
        if rect is None:
            return "is covered by something on it, and too little of its sides is in view"
        slack = COVERED_SD_M
        notes.append("something stands on it: position from its sides")
    else:
        top = np.zeros_like(usable)
        top[usable] = is_top
        top = _with_edge(top, mask & ~cloud.valid)
        if np.count_nonzero(top) < LEAST_TOP_PIXELS:
            if len(points) < 2 * LEAST_TOP_PIXELS:
                return "is too small in the picture to measure"
            top = usable
            slack = COVERED_SD_M
            notes.append("top too small in the picture: outline of everything seen")
        xy = cloud.on_level(top, top_z)
        rect = footprint(xy, yaw_of(xy), TRIM)
    bottom_z, how = _bottom(mask, usable, is_top, points, cloud, rect, prompt, top_z)
    notes += how
    height = max(top_z - bottom_z, 0.001)
    extent = np.array([*rect.sides_m, height])
    if prompt.shape == "cube":
        share = float(extent.min() / extent.max())
        if share < NO_CUBE:
            size = " x ".join(f"{1000 * v:.0f}" for v in extent)
            return f"would be {size} mm, no cube: most of it is hidden, or it is something else"
        if share < ODD_CUBE:
            slack = max(slack, float(extent.max() - extent.min()) / 3)
            notes.append("uneven for a cube: part of it may be hidden")
    distance = float(np.linalg.norm(np.append(rect.centre_m, top_z) - cloud.eye()))
    pixel = distance / float(cloud.K[0, 0])
    fit_sd = float(np.hypot(np.hypot(pixel / 3, 0.0005), slack))
    sigma = float(np.hypot(np.hypot(CALIBRATION_SD_M, CALIBRATION_SD_RAD * distance), fit_sd))
    return ObjectEstimate(
        position=np.array([*rect.centre_m, (top_z + bottom_z) / 2]),
        wxyz=yaw_quaternion(rect.yaw_rad),
        extent=extent,
        yaw_rad=rect.yaw_rad,
        points=points,
        mask=mask,
        box=segment.box,
        score=segment.score,
        sigma_m=sigma,
        fit_sd_m=fit_sd,
        cameras=(camera,),
        notes=tuple(notes),
    )


def _from_sides(
    points: NDArray[np.float32], top_z: float, cloud: TableCloud, prompt: Prompt
) -> Footprint | None:
    upright = points[points[:, 2] < top_z - max(0.004, 2 * cloud.depth_noise_m)]
    even = prompt.shape in ("cube", "ball")
    fit = fit_sides(np.asarray(upright[:, :2], float), cloud.eye()[:2], even)
    if fit is None:
        return None
    # A face much narrower than the thing is high is the corner of one that something overhangs.
    least = max(LEAST_SIDE_M, SEEN_SHARE * (top_z - cloud.table_z_m))
    if fit.footprint.sides_m.max() < least:
        return None
    return fit.footprint


def _smooth(z_m: NDArray[np.float32], usable: Mask) -> NDArray[np.float32]:
    """Heights of the usable pixels, each the mean of its usable neighbours, shape (N,)."""
    total = ndimage.uniform_filter(np.where(usable, z_m, 0), 3, mode="constant")
    share = ndimage.uniform_filter(usable.astype(np.float32), 3, mode="constant")
    return (total[usable] / share[usable]).astype(np.float32)


def _top_face(
    smooth_z_m: NDArray[np.float32], z_m: NDArray[np.float32], noise_m: float
) -> tuple[float, Mask]:
    """Height of the highest level face and which points are surely on it.

    The band is tight: a strip of a side face taken for the top would stretch the outline towards
    the camera, while top pixels lost to noise are spread evenly and shift nothing.
    """
    high = float(np.quantile(z_m, 0.95))
    level = float(np.median(z_m[z_m > high - max(0.006, 2.5 * noise_m)]))
    for band in (max(0.004, 2.5 * noise_m), max(0.003, 2.0 * noise_m)):
        on_it = np.abs(z_m - level) < band
        if np.any(on_it):
            level = float(np.median(z_m[on_it]))
    return level, np.abs(smooth_z_m - level) < max(0.0015, TOP_BAND_SD * noise_m)


def _with_edge(top: Mask, unread: Mask) -> Mask:
    """Without stray pixels, with those of its colour that lost their depth at its edge."""
    near = ndimage.convolve(top.astype(np.uint8), np.ones((3, 3), np.uint8), mode="constant")
    return (top & (near >= 4)) | (unread & (near >= 3))


def _bottom(
    mask: Mask,
    usable: Mask,
    is_top: Mask,
    points: NDArray[np.float32],
    cloud: TableCloud,
    rect: Footprint,
    prompt: Prompt,
    top_z: float,
) -> tuple[float, list[str]]:
    """Height where the thing ends below, and how that is known."""
    table = cloud.table_z_m
    sides = points[~is_top & (points[:, 2] < top_z), 2]
    inside = len(sides) >= max(12, len(points) // 12)
    even = prompt.shape in ("cube", "ball")
    mean_side = float(rect.sides_m.mean())
    if not inside:
        if even and top_z - table > 1.4 * mean_side:
            return top_z - mean_side, ["height taken from its width: no side in view"]
        return table, ["height taken from the table: no side in view"]
    low = float(np.quantile(sides, 0.04))
    lowest = low - 0.04 * (top_z - low) / 0.96  # what the quantile cut off
    if lowest - table < STANDS_M + cloud.depth_noise_m:
        return table, []
    if hidden_below(mask, usable, cloud):
        if even and top_z - table > 1.4 * mean_side:
            return top_z - mean_side, ["height taken from its width: lower part hidden"]
        return table, ["height taken from the table: lower part hidden"]
    return lowest, [f"ends {(lowest - table) * 1000:.0f} mm above the table"]


def fuse(found: Sequence[ObjectEstimate]) -> ObjectEstimate:
    """Join what several cameras said; where they disagree, take the surer one and say so."""
    if len(found) == 1:
        return found[0]
    ranked = sorted(found, key=lambda e: (e.fit_sd_m > COVERED_SD_M, -e.score))
    best = ranked[0]
    xy = np.array([e.position[:2] for e in found])
    spread = float(np.max(np.linalg.norm(xy[:, None] - xy[None], axis=2)))
    notes = [f"{e.cameras[0]}: {n}" for e in found for n in e.notes]
    cameras = tuple(e.cameras[0] for e in ranked)
    if spread > DISAGREE_M:
        notes.append(
            f"cameras disagree by {spread * 1000:.0f} mm; took {best.cameras[0]}, not the mean"
        )
        return replace(
            best, cameras=cameras, per_camera=tuple(found), spread_m=spread, notes=tuple(notes)
        )
    weight = np.array([1 / e.sigma_m**2 for e in found])
    weight /= weight.sum()
    top = float(sum(w * e.top_z_m for w, e in zip(weight, found, strict=True)))
    seen_below = [e for e in found if not any("height taken" in n for n in e.notes)] or [best]
    bottom = float(np.mean([e.bottom_z_m for e in seen_below]))
    position = np.append(weight @ xy, (top + bottom) / 2)
    extent = np.array([best.extent[0], best.extent[1], max(top - bottom, 0.001)])
    sigma = float(np.sqrt(np.sum((weight * [e.sigma_m for e in found]) ** 2)))
    return replace(
        best,
        position=position,
        extent=extent,
        points=np.concatenate([e.points for e in found]),
        sigma_m=sigma,
        cameras=cameras,
        per_camera=tuple(found),
        spread_m=spread,
        notes=tuple(notes),
    )
