"""The cameras of a real bench: what ``[[camera_device]]`` names, as one source.

Pictures are rectified to the ideal pinhole that ``[[cameras]]`` describes, so nobody above needs to
know of lenses.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from drivers.cameras.feed import CameraFeed, Grabbed, Grabber
from drivers.cameras.file import FileGrabber
from drivers.cameras.realsense import RealSenseGrabber
from drivers.cameras.section import CameraDevice
from drivers.cameras.v4l2 import V4l2Grabber
from drivers.types import CameraSpec, Frame

FloatArray = NDArray[np.float64]


class BenchPose(msgspec.Struct, frozen=True):
    """What the host publishes: where each arm is measured to be."""

    t_s: float
    q_rad: dict[str, tuple[float, ...]]


class DeviceConfig(msgspec.Struct, frozen=True):
    """What the camera process is told once. ``folder``: of the cell file."""

    cameras: tuple[CameraSpec, ...]
    devices: tuple[CameraDevice, ...]
    folder: str

    def encode(self) -> bytes:
        return msgspec.msgpack.encode(self)


def grabber_of(spec: CameraSpec, device: CameraDevice, folder: Path) -> Grabber:
    """The device of a camera; opens nothing."""
    size = (spec.width, spec.height)
    match device.driver:
        case "v4l2":
            return V4l2Grabber(device.path, size, device.fps, device.fourcc, device.controls)
        case "realsense":
            return RealSenseGrabber(device.path, size, device.fps, spec.depth, spec.depth_unit_m)
        case "file":
            return FileGrabber(folder / device.path, device.fps)


def pinhole(spec: CameraSpec) -> FloatArray:
    """The matrix that pictures of a camera are rectified to, shape (3, 3)."""
    focal = spec.height / 2.0 / math.tan(math.radians(spec.fovy_deg) / 2.0)
    cx, cy = (spec.width - 1) / 2.0, (spec.height - 1) / 2.0
    return np.array([[focal, 0.0, cx], [0.0, focal, cy], [0.0, 0.0, 1.0]])


class Rectifier:
    """Takes the lens out of pictures; does nothing where none was measured."""

    def __init__(self, spec: CameraSpec, device: CameraDevice) -> None:
        """Raises OSError when a lens was measured and OpenCV is not there."""
        self._maps: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
        if not device.intrinsics_px:
            return
        try:
            import cv2
        except ImportError:
            raise OSError("rectifying needs OpenCV: pip install 'aspire-tui[vision]'") from None
        fx, fy, cx, cy = device.intrinsics_px
        K = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1.0]])
        lens = np.array(device.distortion or (0.0,) * 5)
        size = (spec.width, spec.height)
        self._cv2 = cv2
        self._maps = cv2.initUndistortRectifyMap(K, lens, None, pinhole(spec), size, cv2.CV_32FC1)

    def __call__(self, picture: Grabbed) -> Grabbed:
        if self._maps is None:
            return picture
        cv2, depth = self._cv2, picture.depth
        rgb = cv2.remap(picture.rgb, *self._maps, cv2.INTER_LINEAR)
        # Depth between two surfaces lies on neither: it is never blended.
        flat = None if depth is None else cv2.remap(depth, *self._maps, cv2.INTER_NEAREST)
        return Grabbed(rgb, flat)


class DeviceSource:
    """Implements :class:`drivers.cameras.base.CameraSource`."""

    def __init__(self, config: DeviceConfig, clock: Callable[[], float] = time.monotonic) -> None:
        """Start draining every camera. Raises OSError when a lens cannot be taken out."""
        self._specs: Mapping[str, CameraSpec] = {c.name: c for c in config.cameras}
        self._clock = clock
        self._pose = BenchPose(0.0, {})
        self._feeds: dict[str, CameraFeed] = {}
        self._rectifiers: dict[str, Rectifier] = {}
        self._stale_s: dict[str, float] = {}
        for device in config.devices:
            spec, stale_s = self._specs[device.camera], device.stale_ms * 1e-3
            grabber = grabber_of(spec, device, Path(config.folder))
            self._rectifiers[spec.name] = Rectifier(spec, device)
            self._feeds[spec.name] = CameraFeed(spec.name, grabber, stale_s, clock)
            self._stale_s[spec.name] = stale_s
        for feed in self._feeds.values():
            feed.start()

    def specs(self) -> tuple[CameraSpec, ...]:
        return tuple(self._specs.values())

    def update(self, state: bytes) -> None:
        """Take over where the arms are: a camera on a hand rides on one."""
        self._pose = msgspec.msgpack.decode(state, type=BenchPose)

    def frame(self, camera: str) -> Frame:
        """A picture taken after this call began. Raises KeyError, OSError as the seam says."""
        spec = self._specs[camera]
        taken = self._feeds[camera].after(self._clock(), self._stale_s[camera])
        picture = self._rectifiers[camera](taken.picture)
        if spec.depth and picture.depth is None:
            raise OSError("no depth came with the picture, the cell file says depth")
        return Frame(
            camera=camera,
            seq=taken.seq,
            t_s=taken.t_s,
            age_s=self._clock() - taken.t_s,
            rgb=picture.rgb,
            depth=picture.depth if spec.depth else None,
            depth_unit_m=spec.depth_unit_m,
            K=pinhole(spec),
            T_mount_cam=_mounted(spec),
            mount=spec.mount,
            q_rad=self._pose.q_rad.get(spec.mount, ()),
        )

    def close(self) -> None:
        """Let go of every camera."""
        for feed in self._feeds.values():
            feed.close()


def _mounted(spec: CameraSpec) -> FloatArray:
    w, x, y, z = np.array(spec.mount_wxyz) / np.linalg.norm(spec.mount_wxyz)
    T = np.eye(4)
    T[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    T[:3, 3] = spec.mount_xyz_m
    return T


def open_source(config: bytes) -> DeviceSource:
    """What the camera process calls."""
    return DeviceSource(msgspec.msgpack.decode(config, type=DeviceConfig))
