"""Cameras of a hosted stand-in, in a process of their own: they render published state copies."""

from __future__ import annotations

import msgspec

from drivers.sim.noise import NoiseSpec
from drivers.sim.world import World
from drivers.types import CameraSpec, CellInfo, Frame


class CameraConfig(msgspec.Struct, frozen=True):
    """What the camera process is told once."""

    info: CellInfo
    noise: NoiseSpec

    def encode(self) -> bytes:
        return msgspec.msgpack.encode(self)


class SimCameraSource:
    """Implements :class:`drivers.cameras.base.CameraSource` by ray casting."""

    def __init__(self, config: CameraConfig) -> None:
        self._world = World(config.info, config.noise)

    def specs(self) -> tuple[CameraSpec, ...]:
        """The cameras as calibrated."""
        return self._world.info.cameras

    def update(self, state: bytes) -> None:
        """Take over a published state; the next pictures show it."""
        self._world.follow(state)

    def frame(self, camera: str) -> Frame:
        """A picture of the newest state. Raises KeyError for an unknown camera."""
        return self._world.frame(camera)


def open_source(config: bytes) -> SimCameraSource:
    """What the camera process calls with the host's ``camera_config``."""
    return SimCameraSource(msgspec.msgpack.decode(config, type=CameraConfig))
