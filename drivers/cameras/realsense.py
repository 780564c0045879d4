"""RealSense cameras by serial number: colour, depth aligned to it. Needs extra ``realsense``."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from drivers.cameras.feed import Grabbed

WITHIN_MS: Final = 1000


def sdk() -> Any:
    """librealsense. Raises OSError when it is not installed."""
    try:
        import pyrealsense2
    except ImportError:
        raise OSError("RealSense needs its library: pip install 'aspire-tui[realsense]'") from None
    return pyrealsense2


class RealSenseGrabber:
    """Implements :class:`drivers.cameras.feed.Grabber`."""

    def __init__(
        self, serial: str, size: tuple[int, int], fps: float, depth: bool, depth_unit_m: float
    ) -> None:
        self._serial = serial
        self._size = size
        self._fps = round(fps)
        self._depth = depth
        self._unit_m = depth_unit_m
        self._pipeline: Any = None
        self._align: Any = None
        self._scale = 1.0

    def open(self) -> None:
        rs = sdk()
        config = rs.config()
        config.enable_device(self._serial)
        width, height = self._size
        config.enable_stream(rs.stream.color, width, height, rs.format.rgb8, self._fps)
        if self._depth:
            config.enable_stream(rs.stream.depth, width, height, rs.format.z16, self._fps)
            self._align = rs.align(rs.stream.color)
        self._pipeline = rs.pipeline()
        try:
            profile = self._pipeline.start(config)
            if self._depth:
                sensor = profile.get_device().first_depth_sensor()
                self._scale = float(sensor.get_depth_scale()) / self._unit_m
        except RuntimeError as error:
            self._pipeline = None
            raise OSError(f"RealSense {self._serial}: {error}") from None

    def grab(self) -> Grabbed:
        try:
            frames = self._pipeline.wait_for_frames(WITHIN_MS)
            if self._depth:
                frames = self._align.process(frames)
            rgb = np.array(frames.get_color_frame().get_data(), np.uint8)
            depth = np.array(frames.get_depth_frame().get_data()) if self._depth else None
        except RuntimeError as error:
            raise OSError(f"RealSense {self._serial}: {error}") from None
        if depth is None:
            return Grabbed(rgb)
        units = np.clip(np.rint(depth * self._scale), 0, np.iinfo(np.uint16).max)
        return Grabbed(rgb, units.astype(np.uint16))

    def close(self) -> None:
        if self._pipeline is not None:
            self._pipeline.stop()
            self._pipeline = None
