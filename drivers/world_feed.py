"""Feeds the camera process of a cell with what it may know, and keeps it alive."""

from __future__ import annotations

import contextlib
import logging
import struct
import subprocess
import sys
import time
from typing import Any, Final, Protocol

import msgspec
import zmq

from drivers.cameras.wire import WorldCopy
from drivers.loop import as_usual
from drivers.runtime_dir import CellPaths
from drivers.types import CellInfo

log = logging.getLogger("cell host")

FEED_PERIOD_S: Final = 0.02
LOOK_PERIOD_S: Final = 1.0
LONGEST_PAUSE_S: Final = 30.0
SOUND_AFTER_S: Final = 60.0
"""A camera process that lived this long did not die of what ended the one before."""


def pause_s(deaths: int) -> float:
    """How long after its start a process that died ``deaths`` times in a row is replaced."""
    return min(LOOK_PERIOD_S * 2.0 ** max(deaths - 1, 0), LONGEST_PAUSE_S)


class Pictured(Protocol):
    """What pictures are taken of: a simulated world, or a real bench's arms.

    Attributes:
        camera_factory: ``module:function`` that takes ``camera_config`` and makes a
            :class:`drivers.cameras.base.CameraSource` in the camera process.
    """

    info: CellInfo
    camera_factory: str
    camera_config: bytes

    def clock(self) -> float:
        """Cell time."""
        ...

    def world_state(self) -> bytes:
        """What the camera source's ``update`` takes."""
        ...


class WorldFeed:
    """Publishes the newest state; starts the camera process and starts it again if it dies.

    A picture is therefore never rendered in the control loop, nor from a state being changed.
    """

    def __init__(
        self, world: Pictured, paths: CellPaths, context: zmq.Context[zmq.Socket[bytes]]
    ) -> None:
        self._world = world
        self._paths = paths
        self._socket: Any = context.socket(zmq.PUB)
        self._socket.setsockopt(zmq.SNDHWM, 2)
        self._socket.setsockopt(zmq.LINGER, 0)
        paths.world.unlink(missing_ok=True)
        self._socket.bind(f"ipc://{paths.world}")
        self._fed_s = 0.0
        self._looked_s = 0.0
        self._started_s = 0.0
        self._deaths = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the camera process, if the cell has cameras."""
        if not self._world.info.cameras:
            return
        command = [sys.executable, "-m", "drivers.cameras.service"]
        command += ["--frames", f"ipc://{self._paths.frames}"]
        command += ["--world", f"ipc://{self._paths.world}"]
        command += ["--factory", self._world.camera_factory]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, preexec_fn=as_usual)
        config = self._world.camera_config
        pipe = self._process.stdin
        # A process that died at once is noticed, and started again, by the next look.
        with contextlib.suppress(BrokenPipeError):
            if pipe is not None:
                pipe.write(struct.pack(">I", len(config)) + config)
                pipe.flush()

    def after_tick(self, now_s: float) -> None:
        """Publish at most 50 times a second; look after the process once a second."""
        if self._process is None:
            return
        if now_s - self._fed_s >= FEED_PERIOD_S:
            self._fed_s = now_s
            copy = WorldCopy(
                self._world.clock(), int(time.monotonic() * 1e9), self._world.world_state()
            )
            self._socket.send(msgspec.msgpack.encode(copy))
        if now_s - self._looked_s >= LOOK_PERIOD_S:
            self._looked_s = now_s
            if self._process.poll() is not None:
                self._replace(now_s)
            elif now_s - self._started_s > SOUND_AFTER_S:
                self._deaths = 0

    def _replace(self, now_s: float) -> None:
        """Start the process again, more slowly each time it dies young."""
        if now_s - self._started_s < pause_s(self._deaths + 1):
            return
        self._deaths += 1
        self._started_s = now_s
        log.warning("the camera process ended; starting it again")
        self.start()

    def close(self) -> None:
        """Stop publishing and end the camera process."""
        self._socket.close(0)
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
        try:
            process.wait(1.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._paths.frames.unlink(missing_ok=True)
