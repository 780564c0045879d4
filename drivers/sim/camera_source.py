"""Cameras of a hosted stand-in, in a process of their own: they render published state copies."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from typing import Final

import msgspec
import mujoco

from drivers.sim.glcam import GlEye, GlReport, probe, report_of
from drivers.sim.noise import NoiseSpec
from drivers.sim.world import World
from drivers.types import CameraSpec, CellInfo, Frame

PROBE_WITHIN_S: Final = 30.0
PICTURES_BEFORE_PROBE: Final = 50
"""A cell that is only looked at now and then has no use for GL; trying it costs two seconds."""


class CameraConfig(msgspec.Struct, frozen=True):
    """What the camera process is told once."""

    info: CellInfo
    noise: NoiseSpec

    def encode(self) -> bytes:
        return msgspec.msgpack.encode(self)


class SimCameraSource:
    """Implements :class:`drivers.cameras.base.CameraSource`.

    Rays from the first picture on; GL takes over once it has proved itself in another process.
    """

    def __init__(self, config: CameraConfig, now_s: Callable[[], float] = time.monotonic) -> None:
        self._world = World(config.info, config.noise)
        self._now_s = now_s
        self._pictures = 0
        self._started_s = 0.0
        self._probe: subprocess.Popen[bytes] | None = None
        self.gl: GlReport | None = None
        """What trying GL gave, once that is known."""

    def specs(self) -> tuple[CameraSpec, ...]:
        """The cameras as calibrated."""
        return self._world.info.cameras

    def update(self, state: bytes) -> None:
        """Take over a published state; the next pictures show it."""
        self._world.follow(state)
        self._consider_gl()

    def frame(self, camera: str) -> Frame:
        """A picture of the newest state. Raises KeyError for an unknown camera."""
        frame = self._world.frame(camera)
        self._pictures += 1
        if self._pictures == PICTURES_BEFORE_PROBE:
            self._probe, self._started_s = probe(self._world.info), self._now_s()
        return frame

    def _consider_gl(self) -> None:
        if self._probe is None:
            return
        if self._probe.poll() is None:
            if self._now_s() - self._started_s > PROBE_WITHIN_S:
                self._probe.kill()
            return
        self.gl, self._probe = report_of(self._probe), None
        if self.gl.faster:
            self._world.use_eye(_OneEye())


class _OneEye:
    """Keeps one GL context for all scenes of a process."""

    def __init__(self) -> None:
        self._eye: GlEye | None = None

    def __call__(self, model: mujoco.MjModel) -> GlEye:
        if self._eye is None:
            self._eye = GlEye(model)
        else:
            self._eye.enter(model)
        return self._eye


def open_source(config: bytes) -> SimCameraSource:
    """What the camera process calls with the host's ``camera_config``."""
    return SimCameraSource(msgspec.msgpack.decode(config, type=CameraConfig))
