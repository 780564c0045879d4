"""Fits a level box to one segment from the surfaces one camera sees.

What faces away from the camera is not seen. The height comes from the table unless the thing's own
sides show where it ends; notes say which.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aspire_tui.environment.perception.boxes import Footprint, footprint, yaw_of
from aspire_tui.environment.perception.camera import yaw_quaternion
from aspire_tui.environment.perception.cloud import TableCloud
from aspire_tui.environment.perception.estimate import ObjectEstimate
from aspire_tui.environment.perception.occlusion import (
    hidden_below,
    stands_under_something,
    touches_border,
)
from aspire_tui.environment.perception.prompt import Prompt
from aspire_tui.environment.perception.segment import Segment
from aspire_tui.environment.perception.sides import fit_sides

FloatArray = NDArray[np.float64]
Mask = NDArray[np.bool_]

STANDS_M = 0.015
"""Seen down to this height above the table, a thing stands on it."""

TRIM = 0.02
TOP_BAND_SD = 2.0
LEAST_TOP_PIXELS = 25
LEAST_SIDE_M = 0.02
SEEN_SHARE = 0.75
NO_CUBE, ODD_CUBE = 0.4, 0.75

CALIBRATION_SD_M, CALIBRATION_SD_RAD = 0.005, 0.014
"""What a calibration is trusted to get wrong along the table, where no plane corrects it."""

COVERED_SD_M = 0.004
"""Added when a thing is measured by its sides or its outline instead of its top."""


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
    from scipy import ndimage

    total = ndimage.uniform_filter(np.where(usable, z_m, 0), 3, mode="constant")
    share = ndimage.uniform_filter(usable.astype(np.float32), 3, mode="constant")
    return np.asarray(total[usable] / share[usable], np.float32)


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
    from scipy import ndimage

    near = ndimage.convolve(top.astype(np.uint8), np.ones((3, 3), np.uint8), mode="constant")
    return np.asarray((top & (near >= 4)) | (unread & (near >= 3)), bool)


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
