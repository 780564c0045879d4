"""What a real cell would not know exactly: camera poses, depth, joint readings, colour.

Everything is drawn from one ``noise_seed`` at a reset, so the same seed repeats exactly. A
:class:`NoiseSpec` of zeros is an ideal cell; results from it carry the brand ``noise-off``.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache

import msgspec
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

READ_NOISE_ROWS = 4096
"""Joint read noise is a fixed table indexed by physics step, so it does not depend on who reads."""

GRAIN_SHEET = 1 << 20

CORRELATION_PX = 8
"""Neighbouring pixels of a matched window share part of their depth error."""


class NoiseSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sizes of all errors; ``[sim.noise]`` of the cell file.

    Depth: standard deviation ``depth_floor_m + depth_per_m2 * z**2``. The quadratic law is that of
    any triangulating camera (error = z² · subpixel / (focal · baseline)); Nguyen, Izadi and Lovell
    (3DIMPVT 2012) measured 1.2 mm + 1.9 mm/m² · (z − 0.4 m)² on a Kinect. Our floor is lower, as
    for short-range stereo cameras.
    """

    camera_xyz_sd_m: float = 0.003
    camera_rotation_sd_deg: float = 0.4
    wrist_xyz_sd_m: float = 0.001
    wrist_rotation_sd_deg: float = 0.25
    depth_floor_m: float = 0.0006
    depth_per_m2: float = 0.002
    depth_edge_dropout: float = 0.35
    """Fraction of pixels on a depth edge that give no reading."""
    depth_edge_flying: float = 0.2
    """Fraction of pixels on a depth edge that read somewhere between both sides."""
    depth_holes: float = 0.003
    """Fraction of all pixels that give no reading."""
    joint_offset_sd_deg: float = 0.15
    joint_read_sd_rad: float = 0.0002
    width_read_sd_m: float = 0.00002
    rgb_sd: float = 2.0
    """Sensor noise in steps of 1/255."""
    exposure_sd: float = 0.08
    white_balance_sd: float = 0.03
    base_xy_sd_m: float = 0.0
    """How far off a driving base takes itself to be, per axis."""
    base_yaw_sd_deg: float = 0.0

    @classmethod
    def off(cls) -> NoiseSpec:
        """No error of any kind."""
        return cls(**dict.fromkeys(cls.__struct_fields__, 0.0))


@dataclass(frozen=True, eq=False)
class PoseError:
    """Small displacement of a camera: metres and a rotation vector in radians, optical frame."""

    xyz_m: FloatArray
    rotvec_rad: FloatArray


@dataclass(frozen=True, eq=False)
class CellNoise:
    """All draws of one reset."""

    spec: NoiseSpec
    seed: int

    def camera_error(self, camera: str, on_arm: bool) -> PoseError:
        """How far the true camera is from where its calibration says."""
        rng = self._rng("camera pose", camera)
        xyz_sd = self.spec.wrist_xyz_sd_m if on_arm else self.spec.camera_xyz_sd_m
        deg = self.spec.wrist_rotation_sd_deg if on_arm else self.spec.camera_rotation_sd_deg
        return PoseError(
            xyz_m=rng.normal(size=3) * xyz_sd, rotvec_rad=rng.normal(size=3) * np.deg2rad(deg)
        )

    def joint_offsets(self, arm: str, n_joints: int) -> FloatArray:
        """Measured minus true joint angle, radians, shape (n_joints,)."""
        sd = np.deg2rad(self.spec.joint_offset_sd_deg)
        return np.asarray(self._rng("joint offset", arm).normal(size=n_joints) * sd)

    def localisation_error(self) -> FloatArray:
        """Measured minus true x, y (metres) and yaw (radians) of a driving base, shape (3,)."""
        xy, yaw = self.spec.base_xy_sd_m, np.deg2rad(self.spec.base_yaw_sd_deg)
        return np.asarray(self._rng("base").normal(size=3) * np.array((xy, xy, yaw)))

    def read_noise(self, arm: str, n_joints: int) -> FloatArray:
        """Shape (READ_NOISE_ROWS, n_joints + 1): joints in radians, then the opening in metres."""
        table = self._rng("joint read", arm).normal(size=(READ_NOISE_ROWS, n_joints + 1))
        table[:, :n_joints] *= self.spec.joint_read_sd_rad
        table[:, n_joints] *= self.spec.width_read_sd_m
        return table

    def colour_gain(self, camera: str) -> FloatArray:
        """Exposure and white balance of a camera at this reset: gain per channel, shape (3,)."""
        rng = self._rng("colour", camera)
        exposure = np.exp(rng.normal() * self.spec.exposure_sd)
        return np.asarray(exposure * np.exp(rng.normal(size=3) * self.spec.white_balance_sd))

    def disturb_rgb(
        self, rgb: NDArray[np.float32], camera: str, picture: int
    ) -> NDArray[np.float32]:
        """Gain, drift and sensor noise on linear 0..1 colour, shape (H, W, 3)."""
        if self.spec.rgb_sd == 0.0 and self.spec.exposure_sd == 0.0:
            return rgb
        rng = self._rng("rgb", camera, picture)
        drift = 1.0 + 0.1 * self.spec.exposure_sd * rng.normal()
        noisy = rgb * (self.colour_gain(camera) * drift).astype(np.float32)
        grain = np.float32(self.spec.rgb_sd / 255.0)
        for channel in range(3):
            noisy[..., channel] += grain * _grain(rng, (rgb.shape[0], rgb.shape[1]))
        return noisy

    def disturb_depth(
        self, depth_m: NDArray[np.float32], camera: str, picture: int
    ) -> NDArray[np.float32]:
        """What a stereo camera would have measured, shape (H, W), metres, 0 is no reading."""
        s = self.spec
        ideal = s.depth_floor_m == 0.0 and s.depth_per_m2 == 0.0 and s.depth_holes == 0.0
        if ideal and s.depth_edge_dropout == 0.0 and s.depth_edge_flying == 0.0:
            return depth_m
        rng = self._rng("depth", camera, picture)
        shape = (depth_m.shape[0], depth_m.shape[1])
        noisy = np.float32(0.8) * _grain(rng, shape)
        noisy += np.float32(0.6) * _smooth_field(rng, shape)
        noisy *= np.float32(s.depth_floor_m) + np.float32(s.depth_per_m2) * depth_m**2
        noisy += depth_m
        rows, cols, other = _depth_edges(depth_m)
        lot = rng.random(rows.size, dtype=np.float32)
        flying = lot < s.depth_edge_flying
        mix = rng.random(rows.size, dtype=np.float32)[flying]
        noisy[rows[flying], cols[flying]] += mix * (other - depth_m[rows, cols])[flying]
        dropped = lot > 1.0 - s.depth_edge_dropout
        noisy[rows[dropped], cols[dropped]] = 0.0
        holes = rng.integers(0, depth_m.size, size=rng.poisson(s.depth_holes * depth_m.size))
        noisy.ravel()[holes] = 0.0
        noisy[depth_m == 0.0] = 0.0
        return noisy

    def _rng(self, *what: str | int) -> np.random.Generator:
        words = [w if isinstance(w, int) else zlib.crc32(w.encode()) for w in what]
        return np.random.Generator(np.random.SFC64([self.seed, *words]))


@lru_cache(maxsize=1)
def _grain_sheet() -> NDArray[np.float32]:
    sheet = np.random.Generator(np.random.SFC64(0)).standard_normal(GRAIN_SHEET, dtype=np.float32)
    sheet.setflags(write=False)
    return sheet


def _grain(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Unit-variance noise per pixel: a random stretch of one long sheet, cheaper than drawing."""
    count = shape[0] * shape[1]
    if count >= GRAIN_SHEET:
        return rng.standard_normal(shape, dtype=np.float32)
    start = int(rng.integers(0, GRAIN_SHEET - count))
    return _grain_sheet()[start : start + count].reshape(shape)


def _smooth_field(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Unit-variance noise, bilinear between knots ``CORRELATION_PX`` apart."""
    coarse = rng.standard_normal(
        (shape[0] // CORRELATION_PX + 2, shape[1] // CORRELATION_PX + 2), dtype=np.float32
    )
    down = _interpolate(coarse, shape[0])
    both = _interpolate(np.ascontiguousarray(down.T), shape[1]).T
    return np.asarray(both * np.float32(1.5), dtype=np.float32)


def _interpolate(knots: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    at = np.arange(count, dtype=np.float32) / CORRELATION_PX
    below = at.astype(np.intp)
    frac = (at - below)[:, None]
    return np.asarray(knots[below] * (1 - frac) + knots[below + 1] * frac, dtype=np.float32)


EDGE_STEP_M = 0.012


def _depth_edges(
    depth_m: NDArray[np.float32],
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Pixels beside a depth step: their rows, columns, and the depth on the other side."""
    rows, cols, other = [], [], []
    for axis in (0, 1):
        step = np.diff(depth_m, axis=axis)
        r, c = np.nonzero(np.abs(step) > EDGE_STEP_M)
        r2, c2 = (r + 1, c) if axis == 0 else (r, c + 1)
        rows += [r, r2]
        cols += [c, c2]
        other += [depth_m[r2, c2], depth_m[r, c]]
    return np.concatenate(rows), np.concatenate(cols), np.concatenate(other)
