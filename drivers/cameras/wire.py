"""What travels between a camera process, the host that feeds it, and local clients."""

from __future__ import annotations

import msgspec
import numpy as np

from drivers.types import Frame


class WorldCopy(msgspec.Struct, frozen=True):
    """One published state of a simulated world. ``t_mono_ns`` is the machine's monotonic clock."""

    t_s: float
    t_mono_ns: int
    state: bytes


class FrameRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ask for a picture.

    Attributes:
        fresh: It must be taken after this request arrived; else the newest will do.
        after_s: And at this cell time or later.
    """

    id: int
    camera: str
    fresh: bool = True
    after_s: float = 0.0


class FrameReply(msgspec.Struct, frozen=True):
    """A picture, or why there is none: ``error`` in words, and a ``code``.

    no_such_camera, missing, stale, frozen or fault.
    """

    id: int
    code: str = ""
    error: str = ""
    camera: str = ""
    seq: int = 0
    t_s: float = 0.0
    age_s: float = 0.0
    height: int = 0
    width: int = 0
    rgb: bytes = b""
    depth: bytes | None = None
    depth_unit_m: float = 0.0
    K: tuple[float, ...] = ()
    T_mount_cam: tuple[float, ...] = ()
    mount: str = ""
    q_rad: tuple[float, ...] = ()
    packing: str = ""
    """Empty: pixels travel raw. ``jpeg``: colour as JPEG, depth as 16-bit PNG (over a network)."""


def pack_frame(request_id: int, frame: Frame, age_s: float) -> FrameReply:
    """A frame as a reply; pixels travel raw."""
    height, width = frame.rgb.shape[:2]
    return FrameReply(
        id=request_id,
        camera=frame.camera,
        seq=frame.seq,
        t_s=frame.t_s,
        age_s=age_s,
        height=height,
        width=width,
        rgb=np.ascontiguousarray(frame.rgb).tobytes(),
        depth=None if frame.depth is None else frame.depth.astype("<u2").tobytes(),
        depth_unit_m=frame.depth_unit_m,
        K=tuple(np.asarray(frame.K, np.float64).ravel().tolist()),
        T_mount_cam=tuple(np.asarray(frame.T_mount_cam, np.float64).ravel().tolist()),
        mount=frame.mount,
        q_rad=frame.q_rad,
    )


def unpack_frame(reply: FrameReply) -> Frame:
    """The frame of a reply that carries one."""
    shape = (reply.height, reply.width)
    depth = None
    if reply.depth is not None:
        depth = np.frombuffer(reply.depth, "<u2").reshape(shape).astype(np.uint16)
    return Frame(
        camera=reply.camera,
        seq=reply.seq,
        t_s=reply.t_s,
        age_s=reply.age_s,
        rgb=np.frombuffer(reply.rgb, np.uint8).reshape(*shape, 3),
        depth=depth,
        depth_unit_m=reply.depth_unit_m,
        K=np.array(reply.K).reshape(3, 3),
        T_mount_cam=np.array(reply.T_mount_cam).reshape(4, 4),
        mount=reply.mount,
        q_rad=reply.q_rad,
    )
