"""The sandbox: warm zygotes at a proven level, one program at a time.

with Sandbox.start() as sandbox:
    outcome = sandbox.run(text, namespace, serve, ProgramLimits())
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from aspire_tui.domain import SandboxLevel, SandboxReport
from aspire_tui.rollout.sandbox.api import (
    Answer,
    Call,
    Namespace,
    ProgramLimits,
    ProgramOutcome,
    SandboxUnavailable,
    Serve,
)
from aspire_tui.rollout.sandbox.levels import CONFINED, report, shortfall
from aspire_tui.rollout.sandbox.places import Places, find_places
from aspire_tui.rollout.sandbox.supervisor import Supervisor
from aspire_tui.rollout.sandbox.zygote_process import ZygoteFailed, ZygoteProcess

__all__ = ["CONFINED", "Sandbox", "SandboxUnavailable"]

_PROGRAMS_PER_ZYGOTE = 500
"""Forks share one address-space layout; a fresh zygote draws a new one."""
_PROBE_LIMITS = ProgramLimits(wall_s=10.0, idle_s=10.0, cpu_s=5, memory_mb=256)


class Sandbox:
    """Runs untrusted programs. ``kill`` may come from any thread, the rest from one at a time."""

    def __init__(
        self,
        zygote: ZygoteProcess,
        proof: SandboxReport,
        places: Places,
        python: str,
        clock: Callable[[], float],
    ) -> None:
        self._zygotes = {False: zygote}
        """By whether it is the heavy kind."""
        self._report = proof
        self._places = places
        self._python = python
        self._clock = clock
        self._guard = threading.Lock()
        self._running: Supervisor | None = None
        self._number = 1
        self._ran = {False: 0}
        self._heavy_is_possible = True

    @classmethod
    def start(
        cls,
        levels: Sequence[SandboxLevel] = CONFINED,
        *,
        places: Places | None = None,
        python: str = sys.executable,
        clock: Callable[[], float] = time.monotonic,
    ) -> Sandbox:
        """The first of ``levels`` that can be made and proved; each try is a new zygote.

        Args:
            levels: Best first. ``D`` (a mere process) has to be asked for by name.
            places: What programs may import; looked up here when None.

        Raises:
            SandboxUnavailable: None of them can be had; says why for each.
        """
        where = places or find_places()
        missed: list[str] = []
        for level in levels:
            try:
                zygote, proof = _prove(level, where, python, tuple(missed))
            except ZygoteFailed as failure:
                missed.append(f"{level}: {failure}")
                continue
            return cls(zygote, proof, where, python, clock)
        raise SandboxUnavailable("; ".join(missed) or "no level was asked for")

    @property
    def report(self) -> SandboxReport:
        """What the self-probe proved when this sandbox started."""
        return self._report

    def run(
        self,
        program: str,
        namespace: Namespace,
        serve: Serve,
        limits: ProgramLimits | None = None,
        on_output: Callable[[str], None] | None = None,
        *,
        on_refused: Callable[[Call, str], None] | None = None,
    ) -> ProgramOutcome:
        """Run one program to its end and say how it ended. Never raises for what a program does.

        Args:
            serve: Called in this thread for each call; the clocks stop while it works. ``Abort``
                kills the program; anything else it raises comes out of here after the kill.
            on_output: Hears captured output as it comes, up to what is kept.
            on_refused: Hears of calls answered INVALID without asking ``serve``: not finite,
                unsendable, undeclared or over budget. With the reason, one line.

        Raises:
            SandboxUnavailable: The zygote is gone and could not be started again at its level.
        """
        with self._guard:
            if self._running is not None:
                raise RuntimeError("a sandbox runs one program at a time")
            heavy, zygote = self._zygote_for(program)
            self._number += 1
            self._ran[heavy] += 1
            supervisor = self._running = Supervisor(
                zygote,
                self._number,
                namespace,
                serve,
                limits or ProgramLimits(),
                on_output=on_output,
                on_refused=on_refused,
                clock=self._clock,
            )
        try:
            return supervisor.run(program)
        finally:
            with self._guard:
                self._running = None
                if supervisor.lost_zygote:
                    self._let_go(heavy)

    def kill(self, reason: str) -> None:
        """End the program that is running, if one is: its outcome is ``aborted``."""
        with self._guard:
            if self._running is not None:
                self._running.condemn("aborted", reason)

    def close(self) -> None:
        """End the zygote and whatever it runs."""
        self.kill("the sandbox was closed")
        with self._guard:
            for heavy in tuple(self._zygotes):
                self._let_go(heavy)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _zygote_for(self, program: str) -> tuple[bool, ZygoteProcess]:
        """The heavy kind is a matter of speed: where it cannot be had, the light one does."""
        if self._heavy_is_possible and self._places.wants_more(program):
            try:
                return True, self._fresh_zygote(True)
            except SandboxUnavailable:
                self._heavy_is_possible = False
        return False, self._fresh_zygote(False)

    def _fresh_zygote(self, heavy: bool) -> ZygoteProcess:
        if heavy in self._zygotes and self._ran[heavy] < _PROGRAMS_PER_ZYGOTE:
            return self._zygotes[heavy]
        self._let_go(heavy)
        level = self._report.level
        try:
            self._zygotes[heavy], _ = _prove(level, self._places, self._python, (), heavy)
        except ZygoteFailed as failure:
            raise SandboxUnavailable(f"{level}: {failure}") from failure
        self._ran[heavy] = 0
        return self._zygotes[heavy]

    def _let_go(self, heavy: bool) -> None:
        zygote = self._zygotes.pop(heavy, None)
        if zygote is not None:
            zygote.close()


def _prove(
    level: SandboxLevel, places: Places, python: str, missed: tuple[str, ...], heavy: bool = False
) -> tuple[ZygoteProcess, SandboxReport]:
    """A zygote whose level its own child has tried to break. Raises ZygoteFailed."""
    zygote = ZygoteProcess(level, places, python, heavy)
    try:
        probe, end = Supervisor(zygote, 1, Namespace(()), _no_calls, _PROBE_LIMITS).probe()
        why = shortfall(level, probe, end)
    except BaseException:
        zygote.close()
        raise
    if why:
        zygote.close()
        raise ZygoteFailed(why, zygote.layers)
    return zygote, report(level, zygote.layers, probe, missed)


def _no_calls(call: Call) -> Answer:
    return Answer(error=("INVALID", f"{call.function} cannot be called here"))
