"""Pictures of nothing: a grey table whose shade tells the cell time. For worlds without physics."""

from __future__ import annotations

import math
import struct

import msgspec
import numpy as np

from drivers.types import CameraSpec, Frame


class SyntheticSource:
    """Implements :class:`drivers.cameras.base.CameraSource`."""

    def __init__(self, cameras: tuple[CameraSpec, ...]) -> None:
        self._cameras = {camera.name: camera for camera in cameras}
        self._seq = 0
        self._t_s = 0.0

    def specs(self) -> tuple[CameraSpec, ...]:
        return tuple(self._cameras.values())

    def update(self, state: bytes) -> None:
        (self._t_s,) = struct.unpack_from("<d", state)

    def frame(self, camera: str) -> Frame:
        spec = self._cameras[camera]
        self._seq += 1
        size = (spec.height, spec.width)
        focal = 0.5 * spec.height / math.tan(math.radians(0.5 * spec.fovy_deg))
        K = np.array([[focal, 0, spec.width / 2], [0, focal, spec.height / 2], [0, 0, 1.0]])
        shade = int(self._t_s * 10.0) % 256
        return Frame(
            camera=camera,
            seq=self._seq,
            t_s=self._t_s,
            age_s=0.0,
            rgb=np.full((*size, 3), shade, np.uint8),
            depth=np.full(size, 5000, np.uint16) if spec.depth else None,
            depth_unit_m=spec.depth_unit_m,
            K=K,
            T_mount_cam=np.eye(4),
            mount=spec.mount,
        )


def open_source(config: bytes) -> SyntheticSource:
    """``config``: the cameras, as msgpack."""
    return SyntheticSource(msgspec.msgpack.decode(config, type=tuple[CameraSpec, ...]))
