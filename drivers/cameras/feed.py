"""One camera, drained by a thread of its own: only its newest picture is kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from drivers.cameras.base import CameraTrouble
from drivers.cameras.freshness import Freshness, StreamStats

AGAIN_AFTER_S: Final = 1.0


@dataclass(frozen=True, eq=False)
class Grabbed:
    """A picture as the device gave it.

    Attributes:
        rgb: Shape (H, W, 3), uint8.
        depth: Shape (H, W), uint16 in units of the camera's ``depth_unit_m``, seen from the colour
            sensor; None without depth.
    """

    rgb: NDArray[np.uint8]
    depth: NDArray[np.uint16] | None = None


class Grabber(Protocol):
    """A device. Used by one thread; every method raises OSError when it is gone."""

    def open(self) -> None: ...

    def grab(self) -> Grabbed:
        """The next picture; waits for it, one second at most."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, eq=False)
class Taken:
    seq: int
    t_s: float
    picture: Grabbed


class CameraFeed:
    """Opens its device, and again when it was lost, until closed."""

    def __init__(
        self,
        name: str,
        grabber: Grabber,
        stale_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._grabber = grabber
        self._clock = clock
        self._fresh = Freshness(stale_s)
        self._changed = threading.Condition()
        self._taken: Taken | None = None
        self._trouble = ""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._drain, name=f"camera {name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def after(self, t_s: float, within_s: float) -> Taken:
        """A picture taken at or after a time.

        Raises:
            CameraTrouble: None came within the time, or the stream is stale or frozen.
        """
        until_s = self._clock() + within_s
        with self._changed:
            while True:
                taken, now_s = self._taken, self._clock()
                trouble = self._fresh.trouble(now_s)
                if taken is not None and taken.t_s >= t_s and trouble is None:
                    return taken
                if now_s >= until_s:
                    if self._trouble:
                        raise CameraTrouble("missing", self._trouble)
                    raise trouble or CameraTrouble("stale", f"no picture within {within_s:.1f} s")
                self._changed.wait(until_s - now_s)

    def stats(self) -> StreamStats:
        with self._changed:
            return self._fresh.stats(self._clock())

    def close(self) -> None:
        """Let go of the device."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(3.0)

    def _drain(self) -> None:
        seq = 0
        while not self._ended.is_set():
            try:
                self._grabber.open()
                while not self._ended.is_set():
                    picture = self._grabber.grab()
                    seq += 1
                    self._take(Taken(seq, self._clock(), picture))
            except OSError as error:
                with self._changed:
                    self._trouble = str(error)
                    self._changed.notify_all()
            finally:
                self._grabber.close()
            self._ended.wait(AGAIN_AFTER_S)

    def _take(self, taken: Taken) -> None:
        raw = taken.picture.rgb.tobytes()
        with self._changed:
            self._fresh.note(taken.t_s, raw)
            self._taken, self._trouble = taken, ""
            self._changed.notify_all()
