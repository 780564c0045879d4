"""Starts a zygote and talks to it: the parent's handle on the confined side."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aspire_tui.domain import Layer, SandboxLevel
from aspire_tui.rollout.sandbox.inside.channel import Channel
from aspire_tui.rollout.sandbox.places import Places

ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
"""All there is: no secret can leak from an environment that never held one. A numeric library that
may not start threads ends the process unless it is told to use one."""

_BOOT = (
    "import sys; sys.dont_write_bytecode = True; sys.path.insert(0, {place!r}); "
    "import inside.boot as boot; sys.path.pop(0); boot.main({fd})"
)
_READY_WITHIN_S = 60.0
_GONE_WITHIN_S = 2.0
_WORDS_OF_DEATH = 2000


class ZygoteFailed(Exception):
    """The zygote could not be made, or is gone. Carries the layers it had."""

    def __init__(self, why: str, layers: tuple[Layer, ...] = ()) -> None:
        super().__init__(why)
        self.layers = layers


@dataclass(frozen=True)
class Ended:
    """How the process of one program went away."""

    run: int
    signal: int = 0
    code: int = 0
    why: str = ""


class ZygoteProcess:
    """One zygote. ``kill`` and ``where`` may come from any thread; the rest from one."""

    def __init__(
        self,
        level: SandboxLevel,
        places: Places,
        python: str = sys.executable,
        heavy: bool = False,
    ) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._sending = threading.Lock()
        self._control = Channel(ours)
        boot = _BOOT.format(place=str(Path(__file__).parent), fd=theirs.fileno())
        with theirs:
            self._process = subprocess.Popen(
                [python, "-I", "-S", "-c", boot],
                env=ENVIRONMENT,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        try:
            self.layers = self._handshake(level, places, heavy)
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """Of the process that was started; at levels with namespaces its child is the zygote."""
        return self._process.pid

    def fileno(self) -> int:
        return self._control.fileno()

    def start(
        self, run: int, what: str, limits: Mapping[str, int], descriptors: tuple[int, ...]
    ) -> None:
        """Fork a program. Descriptors: its calls, its output, where it hangs, its pictures."""
        order = {"do": "run", "run": run, "what": what, "limits": limits, "engine": os.getpid()}
        self._send(order, descriptors)

    def kill(self, run: int) -> None:
        self._send({"do": "kill", "run": run})

    def where(self, run: int) -> None:
        """Ask the program's process to write down the line it is at."""
        self._send({"do": "where", "run": run})

    def receive(self) -> Ended:
        """The end of a program; blocks. Raises ZygoteFailed when the zygote is gone."""
        try:
            message = self._control.receive()
        except (EOFError, OSError) as error:
            raise ZygoteFailed("the sandbox's own process is gone") from error
        return Ended(
            run=message["ended"],
            signal=message.get("signal", 0),
            code=message.get("code", 0),
            why=message.get("why", ""),
        )

    def close(self) -> None:
        """Let go: the zygote ends, and whatever it was running."""
        self._control.close()
        if self._process.stderr is not None:
            self._process.stderr.close()
        try:
            self._process.wait(_GONE_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _send(self, message: dict[str, Any], descriptors: tuple[int, ...] = ()) -> None:
        with self._sending:
            try:
                self._control.send(message, descriptors)
            except OSError as error:
                raise ZygoteFailed("the sandbox's own process is gone") from error

    def _handshake(self, level: SandboxLevel, places: Places, heavy: bool) -> tuple[Layer, ...]:
        plan = {
            "level": level,
            "packages": places.packages,
            "companions": places.companions,
            "preload": [*places.preload, *(places.on_demand if heavy else ())],
        }
        try:
            self._control.send(plan)
            if not select.select([self._control], [], [], _READY_WITHIN_S)[0]:
                raise ZygoteFailed(f"not ready within {_READY_WITHIN_S:.0f} s")
            answer = self._control.receive()
        except (EOFError, OSError) as error:
            raise ZygoteFailed(self._last_words() or f"it ended at once: {error}") from error
        layers = tuple(Layer(name, on, why) for name, on, why in answer["layers"])
        if not answer["ready"]:
            raise ZygoteFailed(answer["why"], layers)
        return layers

    def _last_words(self) -> str:
        stderr = self._process.stderr
        if stderr is None:
            return ""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_GONE_WITHIN_S)
        flags = fcntl.fcntl(stderr, fcntl.F_GETFL)
        fcntl.fcntl(stderr, fcntl.F_SETFL, flags | os.O_NONBLOCK)
        words = stderr.read(_WORDS_OF_DEATH) or b""
        lines = words.decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else ""
