"""What perception looks at: one colour picture with depth and the camera's calibrated geometry."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FloatArray = NDArray[np.float64]


class Picture(Protocol):
    """One camera's look.

    Attributes:
        rgb: Shape (H, W, 3), uint8.
        depth_m: Shape (H, W), metres along the optical axis, 0 where there is no reading.
        K: Shape (3, 3), pinhole intrinsics, pixels.
        T_base_cam: Shape (4, 4), optical frame (z forward, y down) to base frame.
    """

    @property
    def camera(self) -> str: ...
    @property
    def rgb(self) -> NDArray[np.uint8]: ...
    @property
    def depth_m(self) -> NDArray[np.float32]: ...
    @property
    def K(self) -> FloatArray: ...
    @property
    def T_base_cam(self) -> FloatArray: ...


@dataclass(frozen=True, eq=False)
class StillPicture:
    """A picture from files or from memory, without any cell."""

    camera: str
    rgb: NDArray[np.uint8]
    depth_m: NDArray[np.float32]
    K: FloatArray
    T_base_cam: FloatArray

    @classmethod
    def load(
        cls,
        camera: str,
        rgb_file: Path,
        depth_file: Path,
        depth_unit_m: float,
        K: FloatArray,
        T_base_cam: FloatArray,
    ) -> StillPicture:
        """Read an RGB image and a 16-bit depth PNG whose steps are ``depth_unit_m``."""
        with Image.open(rgb_file) as picture:
            rgb = np.asarray(picture.convert("RGB"))
        with Image.open(depth_file) as picture:
            depth = np.asarray(picture).astype(np.float32) * np.float32(depth_unit_m)
        return cls(camera, rgb, depth, np.asarray(K, float), np.asarray(T_base_cam, float))
