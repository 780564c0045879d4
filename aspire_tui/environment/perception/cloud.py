"""A depth picture as points over a table, with what is needed to tell things apart in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aspire_tui.environment.perception.camera import deproject_to, invert, rays
from aspire_tui.environment.perception.picture import Picture
from aspire_tui.environment.perception.plane import Plane, agree, dominant_plane, fit_table

FloatArray = NDArray[np.float64]
Mask = NDArray[np.bool_]

ABOVE_TABLE_M = 0.005
SAME_SURFACE_STEP_M = 0.02
"""Neighbouring pixels whose points are farther apart belong to different things."""


@dataclass(frozen=True, eq=False)
class TableCloud:
    """Points of one picture in a frame whose z is up from the table.

    Attributes:
        points: Shape (H, W, 3), float32, metres, base frame (or one of our own, see ``based``).
        valid: Shape (H, W): there is a reading.
        T_base_cam: Pose used for ``points``; the calibrated one, made to agree with the table seen.
        table_z_m: Height of the table in that frame.
        plane: The table as it was seen before agreement, None when it was not in view.
        based: The frame is the robot's base frame, not one built on the largest plane seen.
    """

    points: NDArray[np.float32]
    valid: Mask
    K: FloatArray
    T_base_cam: FloatArray
    table_z_m: float
    plane: Plane | None
    based: bool

    @classmethod
    def of(cls, picture: Picture, table_z_m: float | None) -> TableCloud | None:
        """From a picture of a calibrated camera."""
        return cls.build(picture.depth_m, picture.K, picture.T_base_cam, table_z_m)

    @classmethod
    def build(
        cls,
        depth_m: NDArray[np.float32] | None,
        K: FloatArray | None,
        T_base_cam: FloatArray | None = None,
        table_z_m: float | None = None,
    ) -> TableCloud | None:
        """None when there is no depth, no intrinsics, or nothing to tell up from down by."""
        if depth_m is None or K is None:
            return None
        valid = np.isfinite(depth_m) & (depth_m > 0)
        if not valid.any():
            return None
        depth = np.where(valid, depth_m, 0).astype(np.float32)
        if T_base_cam is None or table_z_m is None:
            seen = dominant_plane(deproject_to(depth, K, np.eye(4))[valid])
            if seen is None:
                return None
            T = frame_on(seen)
            return cls(deproject_to(depth, K, T), valid, K, T, 0.0, seen, based=False)
        T = np.asarray(T_base_cam, float)
        points = deproject_to(depth, K, T)
        plane = fit_table(points[valid], table_z_m)
        if plane is not None:
            T = agree(T, plane, table_z_m)
            points = deproject_to(depth, K, T)
        return cls(points, valid, K, T, table_z_m, plane, based=True)

    @property
    def shape(self) -> tuple[int, int]:
        return self.valid.shape[0], self.valid.shape[1]

    @property
    def height_m(self) -> NDArray[np.float32]:
        """Height above the table, shape (H, W); 0 where there is no reading."""
        return np.where(self.valid, self.points[..., 2] - np.float32(self.table_z_m), 0)

    @property
    def depth_noise_m(self) -> float:
        """One standard deviation, from how rough the flat table looks."""
        return self.plane.residual_m if self.plane is not None else 0.003

    def above_table(self) -> Mask:
        """Pixels whose point is higher than the table's own noise."""
        return self.height_m > max(ABOVE_TABLE_M, 3 * self.depth_noise_m)

    def eye(self) -> FloatArray:
        """Where the camera is, base frame."""
        eye: FloatArray = self.T_base_cam[:3, 3]
        return eye

    def on_level(self, mask: Mask, z_m: float) -> FloatArray:
        """Where the rays of pixels meet a level plane, shape (N, 2): free of depth noise."""
        directions = rays(self.shape, self.K)[mask] @ self.T_base_cam[:3, :3].T
        eye = self.eye()
        reach = (z_m - eye[2]) / np.where(np.abs(directions[:, 2]) < 1e-6, 1e-6, directions[:, 2])
        return np.asarray(eye[:2] + directions[:, :2] * reach[:, None], float)

    def in_camera(self, T_base: FloatArray) -> FloatArray:
        """A pose of this frame, expressed in the camera's."""
        return invert(self.T_base_cam) @ T_base

    def components(self, mask: Mask) -> tuple[NDArray[np.int32], int]:
        """Label pixels that hang together in the picture and in depth; 0 is none.

        Returns:
            Labels of shape (H, W) and their number.
        """
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import connected_components

        usable = mask & self.valid
        index = np.full(self.shape, -1, np.int64)
        n = int(np.count_nonzero(usable))
        index[usable] = np.arange(n)
        pairs = []
        for a, b in (
            ((slice(None), slice(0, -1)), (slice(None), slice(1, None))),
            ((slice(0, -1), slice(None)), (slice(1, None), slice(None))),
        ):
            both = usable[a] & usable[b]
            step = self.points[a][both] - self.points[b][both]
            close = np.einsum("ij,ij->i", step, step) < SAME_SURFACE_STEP_M**2
            pairs.append(np.stack([index[a][both][close], index[b][both][close]]))
        links = np.concatenate(pairs, axis=1)
        graph = coo_matrix((np.ones(links.shape[1], np.int8), (links[0], links[1])), shape=(n, n))
        count, labels = connected_components(graph, directed=False)
        out = np.zeros(self.shape, np.int32)
        out[usable] = labels + 1
        return out, int(count)


def frame_on(plane: Plane) -> FloatArray:
    """A frame on the plane: z up its normal, x as the picture's x as far as possible."""
    z = plane.normal
    x = np.array([1.0, 0.0, 0.0]) - z[0] * z
    x /= np.linalg.norm(x)
    R = np.stack([x, np.cross(z, x), z])
    T = np.eye(4)
    T[:3, :3] = R
    T[:3, 3] = -R @ (plane.normal * plane.offset_m)
    return T
