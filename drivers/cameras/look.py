"""Whether the cameras of a cell send pictures one can use, for ``cell check``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final

import numpy as np

from drivers.cameras.base import CameraTrouble
from drivers.cameras.client import PictureFault
from drivers.errors import CellFault
from drivers.findings import FINDINGS, found
from drivers.types import Finding, Frame

WATCHED_S: Final = 1.0
"""How long each camera is looked at: a stream has to repeat itself to be seen frozen."""
WAKES_UP_WITHIN_S: Final = 5.0
"""A camera that was not in use takes a while to send its first picture."""
BLACK: Final = 12.0
"""Of 255: where even the brightest hundredth of a picture is below, nothing is seen."""


def look(
    cameras: Iterable[str],
    take: Callable[[str], Frame],
    cell: str,
    now_s: Callable[[], float] = time.monotonic,
) -> list[Finding]:
    """One finding for each camera that is missing, stale, frozen or black.

    Args:
        take: A picture taken now; raises what :class:`~drivers.cameras.client.FrameClient` or
            :class:`~drivers.cameras.devices.DeviceSource` raise.
    """
    out = []
    for camera in cameras:
        trouble = _watch(camera, take, now_s)
        if trouble is not None:
            code, seen = trouble
            out.append(found(code, seen, camera=camera, cell=cell))
    return out


def _watch(
    camera: str, take: Callable[[str], Frame], now_s: Callable[[], float]
) -> tuple[str, str] | None:
    """Code and what was seen, or None where all is well."""
    began_s = now_s()
    first_s: float | None = None
    while True:
        try:
            frame = take(camera)
        except (CameraTrouble, PictureFault) as trouble:
            awake = first_s is not None or now_s() - began_s > WAKES_UP_WITHIN_S
            if trouble.code == "frozen" or awake:
                code = f"camera_{trouble.code}"
                return (code if code in FINDINGS else "camera_missing"), str(trouble)
            continue
        except (CellFault, OSError, KeyError) as error:
            return "camera_missing", str(error)
        brightest = float(np.percentile(frame.rgb, 99))
        if brightest < BLACK:
            return "camera_black", f"the brightest of it is {brightest:.0f} of 255"
        first_s = now_s() if first_s is None else first_s
        if now_s() - first_s >= WATCHED_S:
            return None
