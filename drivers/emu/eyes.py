"""The cameras of an emulated cell: the stand-in's, which may get stuck on one picture."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Final

import msgspec

from drivers.sim.camera_source import CameraConfig, SimCameraSource
from drivers.sim.world import calibrated_pose
from drivers.types import CameraSpec, Frame

LIVE: Final = b"L"
FROZEN: Final = b"F"
STAMP: Final = struct.Struct("<d")


def live(state: bytes) -> bytes:
    """What is published while the cameras see."""
    return LIVE + state


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

    def specs(self) -> tuple[CameraSpec, ...]:
        return self._source.specs()

    def update(self, state: bytes) -> None:
        """Take over what was published."""
        if state.startswith(FROZEN):
            (self._stuck_at_s,) = STAMP.unpack(state[1:])
            return
        self._stuck_at_s = None
        self._source.update(state[1:])

    def frame(self, camera: str) -> Frame:
        """A picture; the last one again, to the bit, with a new number and time while stuck."""
        last = self._stuck.get(camera)
        if self._stuck_at_s is not None and last is not None:
            fresh = replace(last, seq=last.seq + 1, t_s=self._stuck_at_s)
        else:
            fresh = self._source.frame(camera)
            if camera in self._believed:
                fresh = replace(fresh, T_mount_cam=calibrated_pose(self._believed[camera]))
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
