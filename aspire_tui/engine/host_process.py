"""The cell host as the engine sees it: start it if none runs, watch its state, hold it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from aspire_tui.engine.job import Job
from aspire_tui.events import CellChanged, Note, PhaseChanged
from drivers.cellfile import load_cell
from drivers.client import StateStream, hold_now
from drivers.errors import CellFault
from drivers.hostlock import holder_of
from drivers.runtime_dir import CellPaths, cell_paths
from drivers.types import CellStatus

if TYPE_CHECKING:
    from aspire_tui.engine.bench import Bench
    from aspire_tui.engine.book import Book
    from aspire_tui.engine.engine import Engine

WATCH_PERIOD_S = 0.05
GONE_AFTER_S = 2.0
PARK_BEGINS_S = 2.0
PARK_AT_MOST_S = 60.0
SEEN_WITHIN_S = 1.0


class HostGone(Exception):
    """The cell host could not be started, or is another cell's; one line for the operator."""


@dataclass
class HostProcess:
    """A running cell host. The engine never kills it: a host outlives its engine."""

    name: str
    paths: CellPaths
    seen: CellStatus | None = field(default=None, kw_only=True)
    """The newest state that :meth:`watch` saw."""
    stand_in_elsewhere: str = ""
    """Where a local socket leads to the stand-in of a host on another machine."""
    _in_turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _seen_held: asyncio.Event = field(default_factory=asyncio.Event)
    """Clear from a HOLD of the engine's own until :meth:`watch` has seen it."""

    def __post_init__(self) -> None:
        self._seen_held.set()

    @classmethod
    async def ensure(cls, job: Job, log: int) -> HostProcess:
        """Find the host of this cell, or start one and wait until it serves.

        Raises:
            HostGone: It did not start; says why.
        """
        name = job.spec.cell
        paths = cell_paths(name)
        running, elsewhere = holder_of(paths.lock), load_cell(Path(job.cell_file)).remote
        if running is None and elsewhere is not None:
            return cls(name, paths, elsewhere.stand_in)
        if running is None:
            await _start(job, log)
        elif running.cell_file != job.cell_file:
            raise HostGone(
                f"a host already serves a cell named {name} from {running.cell_file}; "
                f"stop it first: aspire-tui cell shutdown {name}"
            )
        return cls(name, paths)

    @property
    def stand_in_path(self) -> str:
        """The stand-in socket; empty on hardware, which has none."""
        if self.stand_in_elsewhere:
            return self.stand_in_elsewhere
        return str(self.paths.sim) if self.paths.sim.exists() else ""

    def hold(self, who: str) -> None:
        """HOLD now, through the stop socket. Raises CellFault when the host is gone."""
        hold_now(self.name, who)

    async def hold_unless(self, resumed: Callable[[], bool], who: str) -> None:
        """HOLD, unless somebody resumed before it was this one's turn. Raises CellFault."""
        async with self._in_turn:
            if resumed():
                return
            self._seen_held.clear()
            try:
                await asyncio.to_thread(self.hold, who)
            except CellFault:
                self._seen_held.set()
                raise

    async def settled(self) -> None:
        """Wait until every HOLD of the engine's own is in force and was seen.

        A resume comes after that: a HOLD on its way, or seen late, would undo it, and nobody may be
        there to resume again.
        """
        async with self._in_turn:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._seen_held.wait(), SEEN_WITHIN_S)

    def hold_if_moving(self, who: str) -> None:
        """Leave a cell that stands as it is; HOLD one that moves, if it can be reached at all."""
        status = self.status()
        if status is not None and status.state == "RUN":
            hold_now(self.name, who)

    def status(self) -> CellStatus | None:
        """The driver's state now; None when it does not say."""
        stream = StateStream(self.name)
        try:
            seen = stream.wait(0.5)
        finally:
            stream.close()
        return None if seen is None else seen.status

    def wait_until_parked(self) -> bool:
        """Wait for the slow way to rest to end; whether the arms rest.

        Arms go one after the other. Gives up soon when none begins: something else moves, or it
        was refused.
        """
        began_s = under_way_s = time.monotonic()
        stream = StateStream(self.name)
        try:
            while (now_s := time.monotonic()) - began_s < PARK_AT_MOST_S:
                seen = stream.wait(0.2)
                if seen is None:
                    continue
                if seen.status.stowed:
                    return True
                if seen.status.state == "STOW":
                    under_way_s = now_s
                elif now_s - under_way_s > PARK_BEGINS_S:
                    return False
        finally:
            stream.close()
        return False

    def wait_until_free(self, timeout_s: float = 3.0) -> bool:
        """Wait until the cell is not held any more; whether that came."""
        until = time.monotonic() + timeout_s
        stream = StateStream(self.name)
        try:
            while time.monotonic() < until:
                seen = stream.wait(0.2)
                if seen is not None and not seen.status.held:
                    return True
        finally:
            stream.close()
        return False

    async def watch(self, engine: Engine) -> None:
        """Record every change of the driver's state; runs until cancelled.

        A HOLD that came past the engine (a second pane, a pedal) closes its gate as well.
        """
        book, bench = engine.book, engine.bench
        stream = StateStream(self.name)
        last: tuple[object, ...] = ()
        lost = was_held = False
        try:
            while True:
                await asyncio.sleep(WATCH_PERIOD_S)
                seen = stream.latest()
                if seen is None:
                    continue
                status, age_s = seen.status, seen.age_s
                self.seen = status
                if age_s > GONE_AFTER_S and not lost:
                    lost = True
                    await _record_loss(book, bench, status)
                key = (status.state, status.mode, status.cause, status.who)
                if key != last and age_s <= GONE_AFTER_S:
                    last, lost = key, False
                    await book.write(
                        CellChanged(status.state, status.mode, status.cause, status.who, status.t_s)
                    )
                # The edge, not the level: a resume takes the cell longer than this period.
                if status.held and not was_held and age_s <= GONE_AFTER_S:
                    await engine.held(f"HOLD by {status.who}")
                was_held = status.held
                if was_held:
                    self._seen_held.set()
                codes = tuple(a.code for arm in status.arms for a in arm.alarms)
                if codes:
                    await engine.attendance.alarms(codes)
        finally:
            stream.close()


async def _record_loss(book: Book, bench: Bench | None, status: CellStatus) -> None:
    text = f"no word from the cell host for {GONE_AFTER_S:g} s; start it: aspire-tui cell serve"
    await book.write(
        CellChanged("LOST", None, "the cell host is silent", "engine", status.t_s),
        Note(text, "error", "host_lost"),
    )
    if bench is not None and bench.trial is not None:
        await book.write(PhaseChanged(bench.trial, "fault", "the cell host is silent", status.t_s))


async def _start(job: Job, log: int) -> None:
    """A host of its own process session, which no terminal and no engine takes along."""
    read_fd, write_fd = os.pipe()
    command = [sys.executable, "-m", "drivers.host", job.cell_file, "--ready-fd", str(write_fd)]
    command += ["--speed", str(job.spec.speed), "--name", job.spec.cell]
    if not job.spec.noise:
        command.append("--noise-off")
    try:
        await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(write_fd,),
            start_new_session=True,
        )
    finally:
        os.close(write_fd)
    with os.fdopen(read_fd, "rb") as ready:
        line = await asyncio.to_thread(ready.readline)
    said = json.loads(line) if line else {"ready": False, "error": "the cell host died at start"}
    if not said["ready"]:
        raise HostGone(f"cell host of {job.spec.cell}: {said['error']}")
