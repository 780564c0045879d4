"""What a cell file says of cameras beyond their geometry: devices, and how they were calibrated."""

from __future__ import annotations

import math
from typing import Literal

import msgspec


class CameraDevice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[[camera_device]]``: what takes the pictures of one of ``[[cameras]]`` on a real bench."""

    camera: str
    driver: Literal["v4l2", "realsense", "file"]
    path: str
    """v4l2: a name under /dev/v4l/by-id or by-path, which stays. realsense: a serial number.
    file: a folder of pictures, played in order."""
    fps: float = 30.0
    fourcc: str = "MJPG"
    controls: dict[str, int] = {}
    """Exposure, white balance, focus as locked at set-up; names as in ``drivers/cameras/v4l2``."""
    intrinsics_px: tuple[float, ...] = ()
    """fx, fy, cx, cy as calibrated; empty: the pinhole of ``fovy_deg``."""
    distortion: tuple[float, ...] = ()
    """OpenCV's k1, k2, p1, p2, k3."""
    intrinsics_at: str = ""
    intrinsics_px_residual: float = 0.0
    stale_ms: float = 500.0
    """An older picture is an error."""


class CameraCalibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[calibrated.CAMERA]``: how its pose in ``[[cameras]]`` came about."""

    at: str
    who: str
    residual_px: float
    spread_mm: float
    spread_deg: float
    views: int
    square_mm: float


class HoverRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[hover]``: how far the tool was from where it should have been, above seen points.

    Four points for each arm, in the order of the arms.
    """

    at: str
    who: str
    error_mm: tuple[float, ...]
    measured_by: str
    """The camera that measured it, or ``ruler``."""


def problem_of(device: CameraDevice) -> str:
    """Why this device cannot be meant; empty when it can."""
    if not device.path:
        return "path is empty"
    if not 0.1 <= device.fps <= 240.0:
        return "fps must be 0.1 to 240"
    if len(device.fourcc) != 4:
        return "fourcc is four letters, such as MJPG"
    if len(device.intrinsics_px) not in (0, 4) or len(device.distortion) not in (0, 4, 5, 8):
        return "intrinsics_px has 4 numbers (fx, fy, cx, cy), distortion 4, 5 or 8"
    if device.intrinsics_px and not all(v > 0.0 for v in device.intrinsics_px):
        return "intrinsics_px must be positive"
    if not math.isfinite(device.stale_ms) or not 20.0 <= device.stale_ms <= 10_000.0:
        return "stale_ms must be 20 to 10000"
    return ""
