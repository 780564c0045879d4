"""The cameras of an emulated cell: the stand-in's, to which what happens to cameras happens.

What is noticed of it is noticed as with real ones: a stream that repeats itself is frozen.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Final

import msgspec
import numpy as np

from drivers.cameras.base import CameraTrouble
from drivers.cameras.freshness import Freshness
from drivers.sim.camera_source import CameraConfig, SimCameraSource
from drivers.sim.world import calibrated_pose
from drivers.types import CameraSpec, Frame

LIVE: Final = b"L"
COVERED: Final = b"C"
FROZEN: Final = b"F"
MISSING: Final = b"M"
STALE_S: Final = 0.5
DARK: Final = 3
"""The largest value behind a covered lens: a sensor's own noise."""
STAMP: Final = struct.Struct("<d")


def live(state: bytes, covered: bool = False) -> bytes:
    """What is published while the cameras see, or would see if their lenses were free."""
    return (COVERED if covered else LIVE) + state


def frozen(t_s: float) -> bytes:
    """What is published while they go on sending what they last saw, as if it were new."""
    return FROZEN + STAMP.pack(t_s)


class StickingCameras:
    """Implements :class:`drivers.cameras.base.CameraSource`."""

    def __init__(self, source: SimCameraSource, believed: tuple[CameraSpec, ...] = ()) -> None:
        """``believed``: where the cell file has the cameras, which pictures are labelled with."""
        self._source = source
        self._believed = {camera.name: camera for camera in believed}
        self._stuck: dict[str, Frame] = {}
        self._stuck_at_s: float | None = None
        self._streams: dict[str, Freshness] = {}
        self._state = LIVE

    def specs(self) -> tuple[CameraSpec, ...]:
        return self._source.specs()

    def update(self, state: bytes) -> None:
        """Take over what was published."""
        self._state = state[:1]
        if self._state == MISSING:
            return
        if self._state == FROZEN:
            (self._stuck_at_s,) = STAMP.unpack(state[1:])
            for camera, frame in self._stuck.items():
                stream = self._streams.setdefault(camera, Freshness(STALE_S))
                stream.note(self._stuck_at_s, frame.rgb.tobytes())
            return
        self._stuck_at_s = None
        self._streams.clear()
        self._source.update(state[1:])

    def frame(self, camera: str) -> Frame:
        """A picture; the last one again, to the bit, with a new number and time while stuck.

        Raises:
            CameraTrouble: It is unplugged, or its stream was seen to be frozen.
        """
        if self._state == MISSING:
            raise CameraTrouble("missing", "it is unplugged")
        stream = self._streams.get(camera)
        trouble = stream.trouble(self._stuck_at_s or 0.0) if stream is not None else None
        if trouble is not None:
            raise trouble
        last = self._stuck.get(camera)
        if self._stuck_at_s is not None and last is not None:
            fresh = replace(last, seq=last.seq + 1, t_s=self._stuck_at_s)
        else:
            fresh = self._source.frame(camera)
            if camera in self._believed:
                fresh = replace(fresh, T_mount_cam=calibrated_pose(self._believed[camera]))
            if self._state == COVERED:
                fresh = replace(fresh, rgb=np.minimum(fresh.rgb, DARK))
        self._stuck[camera] = fresh
        return fresh


class EyesConfig(msgspec.Struct, frozen=True):
    """What the camera process is told once: the cameras as they stand, and as they are believed."""

    stand: CameraConfig
    believed: tuple[CameraSpec, ...]

    def encode(self) -> bytes:
        return msgspec.msgpack.encode(self)


def open_source(config: bytes) -> StickingCameras:
    """What the camera process calls."""
    told = msgspec.msgpack.decode(config, type=EyesConfig)
    return StickingCameras(SimCameraSource(told.stand), told.believed)
