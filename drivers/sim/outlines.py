"""Where in a picture anything but the bare table top can appear: there rays are needed."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

NEAR_M = 0.002
CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=np.float64)
EDGES = np.array([[a, b] for a in range(8) for b in range(a + 1, 8) if (a ^ b).bit_count() == 1])


class Outlines:
    """Boxes round every geometry of a model but one, and their outlines in a camera."""

    def __init__(self, model: mujoco.MjModel, without: int) -> None:
        self._geoms = np.array([g for g in range(model.ngeom) if g != without])
        boxes = model.geom_aabb[self._geoms]
        self._corners = boxes[:, None, :3] + CORNERS * boxes[:, None, 3:]

    def mask(
        self,
        data: mujoco.MjData,
        origin_m: FloatArray,
        to_camera: FloatArray,
        right: FloatArray,
        up: FloatArray,
    ) -> BoolArray:
        """Which pixels may show one of the geometries, shape (len(up), len(right)).

        Args:
            to_camera: World to camera frame (x right, y up, z back), shape (3, 3).
            right: Sideways per unit of depth of every column, rising.
            up: Upwards per unit of depth of every row, falling.
        """
        R = data.geom_xmat[self._geoms].reshape(-1, 3, 3)
        world = np.einsum("gij,gkj->gki", R, self._corners) + data.geom_xpos[self._geoms][:, None]
        points = (world - origin_m) @ np.ascontiguousarray(to_camera.T)
        out = np.zeros((up.size, right.size), dtype=np.bool_)
        for box in points:
            seen = _in_front(box)
            if not len(seen):
                continue
            x, y = seen[:, 0] / -seen[:, 2], seen[:, 1] / -seen[:, 2]
            first, last = np.searchsorted(right, [x.min(), x.max()])
            top, bottom = np.searchsorted(-up, [-y.max(), -y.min()])
            out[max(top - 1, 0) : bottom + 1, max(first - 1, 0) : last + 1] = True
        return out


def _in_front(box: FloatArray) -> FloatArray:
    """Corners of the part of a box that is in front of the camera, shape (N, 3)."""
    depth = -box[:, 2]
    ahead = depth >= NEAR_M
    if ahead.all():
        return box
    if not ahead.any():
        return box[:0]
    a, b = EDGES[ahead[EDGES[:, 0]] != ahead[EDGES[:, 1]]].T
    share = (NEAR_M - depth[a]) / (depth[b] - depth[a])
    return np.vstack([box[ahead], box[a] + share[:, None] * (box[b] - box[a])])
