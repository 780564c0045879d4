"""What hides part of a thing: something on it, something before it, the edge of the picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aspire_tui.environment.perception.camera import invert, project
from aspire_tui.environment.perception.cloud import TableCloud

FloatArray = NDArray[np.float64]
Mask = NDArray[np.bool_]

HIGHER_M = 0.006
NEARER_M = 0.012
COVERED_SHARE = 0.3
RIM_SHARE = 0.25
HIDDEN_SHARE = 0.3
LOOK_PX = (2, 3, 4)


def touches_border(mask: Mask) -> bool:
    """The thing may go on outside the picture."""
    return bool(mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any())


def stands_under_something(mask: Mask, usable: Mask, top_z: float, cloud: TableCloud) -> bool:
    """Is something higher over the same spot, above the upper edge or round much of the rim?"""
    from scipy import ndimage

    points = cloud.points[usable]
    middle = np.median(points[:, :2], axis=0)
    reach = float(np.quantile(np.linalg.norm(points[:, :2] - middle, axis=1), 0.95)) + 0.015
    away = np.linalg.norm(cloud.points[..., :2] - middle, axis=2)
    higher = cloud.valid & (away < reach) & (cloud.points[..., 2] > top_z + HIGHER_M)
    rim = ndimage.binary_dilation(mask, iterations=4) & ~ndimage.binary_dilation(mask)
    for edge, share in ((_beyond(mask, _upwards(usable, cloud)), COVERED_SHARE), (rim, RIM_SHARE)):
        seen = edge & cloud.valid
        if np.count_nonzero(seen) >= 5 and float(np.mean(higher[seen])) > share:
            return True
    return False


def hidden_below(mask: Mask, usable: Mask, cloud: TableCloud) -> bool:
    """Does something nearer to the camera cover the segment's lower edge?"""
    edge = _beyond(mask, -_upwards(usable, cloud)) & cloud.valid
    if np.count_nonzero(edge) < 5:
        return False
    eye = cloud.eye().astype(np.float32)
    nearest = float(np.quantile(np.linalg.norm(cloud.points[usable] - eye, axis=1), 0.05))
    before = np.linalg.norm(cloud.points[edge] - eye, axis=1) < nearest - NEARER_M
    return float(np.mean(before)) > HIDDEN_SHARE


def _upwards(usable: Mask, cloud: TableCloud) -> FloatArray:
    """Direction (x, y) in the picture in which a point of the segment moves when it is raised."""
    middle = np.median(cloud.points[usable], axis=0).astype(float)
    pair = middle + np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.01]])
    inverse = invert(cloud.T_base_cam)
    pixels = project(pair @ inverse[:3, :3].T + inverse[:3, 3], cloud.K)
    step = pixels[1] - pixels[0]
    length = float(np.linalg.norm(step))
    return step / length if length > 1e-6 else np.array([0.0, -1.0])


def _beyond(mask: Mask, direction: FloatArray) -> Mask:
    """Pixels just outside a mask on the side a direction points to."""
    out = np.zeros_like(mask)
    height, width = mask.shape
    rows, cols = np.nonzero(mask)
    for k in LOOK_PX:
        r = np.round(rows + k * direction[1]).astype(int)
        c = np.round(cols + k * direction[0]).astype(int)
        inside = (r >= 0) & (r < height) & (c >= 0) & (c < width)
        out[r[inside], c[inside]] = True
    return out & ~mask
