"""Pictures from a folder, played in the order of their names, over and over."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from drivers.cameras.feed import Grabbed

ENDINGS: Final = (".png", ".jpg", ".jpeg")
DEPTH: Final = ".depth.png"
"""Beside NAME.png: NAME.depth.png, 16 bit."""


class FileGrabber:
    """Implements :class:`drivers.cameras.feed.Grabber`."""

    def __init__(
        self, folder: Path, fps: float, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._folder = folder
        self._period_s = 1.0 / fps
        self._sleep = sleep
        self._files: list[Path] = []
        self._at = 0

    def open(self) -> None:
        if not self._folder.is_dir():
            raise OSError(f"{self._folder}: no such folder of pictures")
        files = sorted(p for p in self._folder.iterdir() if p.suffix.lower() in ENDINGS)
        self._files = [p for p in files if not p.name.endswith(DEPTH)]
        if not self._files:
            raise OSError(f"{self._folder}: no {', '.join(ENDINGS)} in it")

    def grab(self) -> Grabbed:
        from PIL import Image, UnidentifiedImageError

        self._sleep(self._period_s)
        file = self._files[self._at % len(self._files)]
        self._at += 1
        beside = file.with_name(file.stem + DEPTH)
        try:
            rgb = np.asarray(Image.open(file).convert("RGB"), np.uint8)
            depth = np.asarray(Image.open(beside), np.uint16) if beside.exists() else None
        except UnidentifiedImageError:
            raise OSError(f"{file}: not a picture") from None
        return Grabbed(rgb, depth)

    def close(self) -> None:
        self._files = []
