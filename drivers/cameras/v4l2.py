"""USB cameras by their lasting names, and their controls, so that nothing adjusts itself.

Pictures come through OpenCV (extra ``vision``); controls are set by ioctl, which needs nothing.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from drivers.cameras.feed import Grabbed
from drivers.feetech.portlock import PortLock, PortTaken

BY_ID: Final = Path("/dev/v4l/by-id")
BY_PATH: Final = Path("/dev/v4l/by-path")

G_CTRL: Final = 0xC008561B
S_CTRL: Final = 0xC008561C
QUERYCTRL: Final = 0xC0445624
CTRL: Final = struct.Struct("=Ii")
QUERY: Final = struct.Struct("=II32siiiiI8x")
DISABLED: Final = 0x0001

CONTROLS: Final[dict[str, int]] = {
    "auto_exposure": 0x009A0901,
    "exposure_time_absolute": 0x009A0902,
    "exposure_dynamic_framerate": 0x009A0903,
    "white_balance_automatic": 0x0098090C,
    "white_balance_temperature": 0x0098091A,
    "focus_automatic_continuous": 0x009A090C,
    "focus_absolute": 0x009A090A,
    "gain": 0x00980913,
    "autogain": 0x00980912,
    "power_line_frequency": 0x00980918,
}
"""Names as ``v4l2-ctl --list-ctrls`` has them. What switches an automatism off goes before what it
had ruled; they are written in this order."""

AUTOMATIC: Final[dict[str, int]] = {
    "auto_exposure": 1,
    "exposure_dynamic_framerate": 0,
    "white_balance_automatic": 0,
    "focus_automatic_continuous": 0,
    "autogain": 0,
}
"""What each automatism is set to so that it rules nothing (exposure: 1 is manual)."""

Ioctl = Callable[[int, int, bytes], bytes]


@dataclass(frozen=True)
class CameraSeen:
    """One camera on USB. ``path`` is a name that stays."""

    path: str
    device: str
    usable: bool


def cameras(by_id: Path = BY_ID, by_path: Path = BY_PATH) -> list[CameraSeen]:
    """Cameras there are, each once; metadata nodes (index 1 and up) are left out. Opens none."""
    found: dict[str, CameraSeen] = {}
    for folder in (by_id, by_path):
        for link in sorted(folder.glob("*-video-index0")):
            device = str(link.resolve())
            usable = os.access(device, os.R_OK | os.W_OK)
            found.setdefault(device, CameraSeen(str(link), device, usable))
    return list(found.values())


@dataclass(frozen=True)
class Control:
    """One control of a camera, as it is now."""

    name: str
    value: int
    lowest: int
    highest: int


class Controls:
    """Exposure, white balance and focus of one open camera."""

    def __init__(self, fd: int, ioctl: Ioctl = fcntl.ioctl) -> None:
        self._fd = fd
        self._ioctl = ioctl

    def there(self) -> dict[str, Control]:
        """The controls it has, by name."""
        found = {}
        for name, number in CONTROLS.items():
            try:
                raw = self._ioctl(self._fd, QUERYCTRL, QUERY.pack(number, 0, b"", 0, 0, 0, 0, 0))
                _, _, _, lowest, highest, _, _, flags = QUERY.unpack(raw)
                if flags & DISABLED:
                    continue
                _, value = CTRL.unpack(self._ioctl(self._fd, G_CTRL, CTRL.pack(number, 0)))
            except OSError:  # this camera has no such control
                continue
            found[name] = Control(name, value, lowest, highest)
        return found

    def lock(self) -> dict[str, int]:
        """Switch every automatism off and keep what it had chosen. Returns what to put on file.

        Raises:
            OSError: The camera did not take a value.
        """
        before = self.there()
        wanted = {n: AUTOMATIC.get(n, control.value) for n, control in before.items()}
        self.set(wanted)
        return wanted

    def set(self, values: dict[str, int]) -> None:
        """Write values and read them back. Raises OSError naming the first that did not hold."""
        unknown = sorted(set(values) - set(CONTROLS))
        if unknown:
            raise OSError(f"no camera control is called {unknown[0]}; known: {', '.join(CONTROLS)}")
        for name, number in CONTROLS.items():
            if name not in values:
                continue
            try:
                self._ioctl(self._fd, S_CTRL, CTRL.pack(number, values[name]))
                _, now = CTRL.unpack(self._ioctl(self._fd, G_CTRL, CTRL.pack(number, 0)))
            except OSError as error:
                raise OSError(f"control {name} = {values[name]}: {error.strerror}") from None
            if now != values[name]:
                raise OSError(f"control {name} became {now}, not {values[name]}")


class V4l2Grabber:
    """Implements :class:`drivers.cameras.feed.Grabber`."""

    def __init__(
        self,
        path: str,
        size: tuple[int, int],
        fps: float,
        fourcc: str,
        controls: dict[str, int],
        lock_folder: Path | None = None,
    ) -> None:
        self._path = path
        self._size = size
        self._fps = fps
        self._fourcc = fourcc
        self._controls = controls
        self._lock_folder = lock_folder
        self._lock: PortLock | None = None
        self._capture: Any = None

    def open(self) -> None:
        device = Path(self._path)
        if not device.exists():
            names = ", ".join(seen.path for seen in cameras()) or "none"
            raise OSError(f"{self._path}: there is none; cameras there are now: {names}")
        try:
            self._lock = PortLock(device, self._lock_folder)
        except PortTaken as taken:
            raise OSError(f"{self._path} is held by {taken}") from None
        try:
            import cv2
        except ImportError:
            raise OSError("USB cameras need OpenCV: pip install 'aspire-tui[vision]'") from None
        self._capture = cv2.VideoCapture(str(device.resolve()), cv2.CAP_V4L2)
        if not self._capture.isOpened():
            raise OSError(f"{self._path} does not open: held by another program, or no rights")
        width, height = self._size
        self._capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*self._fourcc))
        self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
        self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
        self._capture.set(cv2.CAP_PROP_FPS, self._fps)
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        fd = os.open(device, os.O_RDWR | os.O_NONBLOCK)
        try:
            Controls(fd).set(self._controls)
        finally:
            os.close(fd)

    def grab(self) -> Grabbed:
        good, bgr = self._capture.read()
        if not good or bgr is None:
            raise OSError(f"{self._path} sends nothing: unplugged, or too little USB bandwidth")
        if (bgr.shape[1], bgr.shape[0]) != self._size:
            raise OSError(
                f"{self._path} gives {bgr.shape[1]}×{bgr.shape[0]}, the cell file says "
                f"{self._size[0]}×{self._size[1]}"
            )
        return Grabbed(np.ascontiguousarray(bgr[..., ::-1]))

    def close(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None
