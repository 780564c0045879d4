"""Talks to an arm's own server from a thread, so that the control loop never waits for it."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from drivers.compat.ramp import Ramp

VALID_S: Final = 0.1
"""A set-point older than this is sent no more: the loop that made it stands."""
REOPEN_AFTER_S: Final = 0.1
RAMP_FORGETS_S: Final = 0.5
"""After so long without a message the ramp begins at what is measured."""


class BadAnswer(OSError):
    """The server answered with something that is no answer."""


class Peer(Protocol):
    """One server. Every method is bounded in time and raises OSError when it did not succeed.

    Whatever raises leaves the connection unusable: it is closed and opened anew, and nothing that
    was sent is sent again.
    """

    def open(self) -> None: ...

    def positions(self) -> tuple[float, ...]:
        """Joints and gripper as the server counts them."""
        ...

    def command(self, positions: Sequence[float]) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Heard:
    """The newest answer: joints (rad) and opening (m), their rates, and when it came."""

    values: tuple[float, ...]
    rates: tuple[float, ...]
    t_s: float


class Exchange:
    """Asks and tells one server at a steady rate; read and written from another thread."""

    def __init__(
        self,
        peer: Peer,
        ramp: Ramp,
        from_theirs: Callable[[Sequence[float]], tuple[float, ...]],
        to_theirs: Callable[[Sequence[float]], list[float]],
        period_s: float,
        clock: Callable[[], float],
    ) -> None:
        """``from_theirs`` raises BadAnswer for what is no pose of this arm."""
        self._peer, self._ramp = peer, ramp
        self._from_theirs, self._to_theirs = from_theirs, to_theirs
        self._period_s, self._clock = period_s, clock
        self._closing = threading.Event()
        self._news = threading.Event()
        self._thread: threading.Thread | None = None
        self._open = False
        self._wanted: tuple[tuple[float, ...], float] | None = None
        self._told_s = -math.inf
        self.heard: Heard | None = None
        self.trouble = "nothing was asked yet"
        """Why the last exchange failed; empty when it did not."""

    @property
    def running(self) -> bool:
        return self._thread is not None

    def start(self) -> None:
        self._closing.clear()
        self._thread = threading.Thread(target=self._run, name="served arm", daemon=True)
        self._thread.start()

    def wait(self, timeout_s: float) -> None:
        """Wait for the next exchange to end, well or not."""
        self._news.clear()
        self._news.wait(timeout_s)

    def want(self, values: tuple[float, ...]) -> None:
        """The newest set-point; sent with the next exchange, if that comes soon."""
        self._wanted = (values, self._clock())

    def forget(self) -> None:
        """Send nothing until something is wanted again."""
        self._wanted = None

    def close(self) -> None:
        self._closing.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._wanted, self.heard = None, None

    def _run(self) -> None:
        while not self._closing.is_set():
            begun = self._clock()
            try:
                if not self._open:
                    self._peer.open()
                    self._open = True
                self.step(begun)
                pause = self._period_s - (self._clock() - begun)
            except (OSError, ValueError) as error:
                self.trouble = str(error) or type(error).__name__
                self._peer.close()
                self._open = False
                pause = REOPEN_AFTER_S
            self._news.set()
            self._closing.wait(max(0.0, pause))
        self._peer.close()
        self._open = False

    def step(self, now_s: float) -> None:
        """One exchange: tell what is wanted, if it is new, and ask where the arm is."""
        wanted, heard = self._wanted, self.heard
        if wanted is not None and heard is not None and now_s - wanted[1] <= VALID_S:
            if now_s - self._told_s > RAMP_FORGETS_S:
                self._ramp.begin(heard.values, now_s)
            self._peer.command(self._to_theirs(self._ramp.toward(wanted[0], now_s)))
            self._told_s = now_s
        values = self._from_theirs(self._peer.positions())
        t_s = self._clock()
        self.heard = Heard(values, _rates(values, heard, t_s), t_s)
        self.trouble = ""


def _rates(values: Sequence[float], before: Heard | None, t_s: float) -> tuple[float, ...]:
    """Differences, smoothed: the servers' own velocities are not the same thing everywhere."""
    if before is None or not 0.0 < t_s - before.t_s < 0.5:
        return (0.0,) * len(values)
    dt_s = t_s - before.t_s
    raw = [(a - b) / dt_s for a, b in zip(values, before.values, strict=True)]
    return tuple(0.5 * (a + b) for a, b in zip(raw, before.rates, strict=True))
