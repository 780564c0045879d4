"""Trials in a worker process, free of wall time: the stand-in in process, recorded in memory.

``run_job`` is the unit of work for any ``concurrent.futures`` executor. A worker process keeps one
cell and one sandbox between jobs, because starting them costs more than a trial.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Protocol

import msgspec

from aspire_tui.domain import SandboxLevel, SandboxReport, WorkerPictures
from aspire_tui.rollout.in_force import LOADED, OtherCode, differing, digest
from aspire_tui.rollout.journal import MemoryJournal, OpenGate
from aspire_tui.rollout.model_link import SightSpec
from aspire_tui.rollout.sandbox.launcher import Sandbox
from aspire_tui.rollout.station import Station
from aspire_tui.rollout.trial import TrialRunner, TrialSpec
from drivers.cellfile import load_cell
from drivers.types import CellInfo

PR_SET_PDEATHSIG = 1
HOLD_POLL_S = 0.02


class WorkerSpec(msgspec.Struct, frozen=True):
    """What a worker is built from."""

    cell_file: str
    noise: bool
    levels: tuple[SandboxLevel, ...]
    tier: str = ""
    pictures: WorkerPictures = "all"
    judged_by: dict[str, str] = {}
    """Hashes of the code and cell file this session is judged by."""
    pace: float = 0.0
    """A trial takes its cell time at so many times wall time, as a bench would; 0: no waiting."""
    sight: SightSpec = SightSpec()


class Hello(msgspec.Struct, frozen=True):
    """What a worker found: proof of its sandbox, and its cell."""

    sandbox: SandboxReport
    cell: CellInfo
    camera_path: str


@dataclass
class _Worker:
    spec: WorkerSpec
    runner: TrialRunner
    hello: Hello
    in_force: dict[str, str]


class Hold(Protocol):
    """Simulated time stands still while ``value`` is not 0."""

    value: int


@dataclass
class _Held:
    """The flag of a process that shares no memory with the engine."""

    value: int = 0


class _Process:
    """The one thing a worker process keeps between jobs."""

    worker: _Worker | None = None
    hold: Hold = _Held()


def hold_here(on: bool) -> None:
    """Freeze or release simulated time in this worker process."""
    _Process.hold.value = int(on)


def start_process(hold: Synchronized[int] | None) -> None:
    """Initialise a pool process: die with the engine, leave ctrl+c to it, share its HOLD flag."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    engine = multiprocessing.parent_process()
    if engine is not None and os.getppid() != engine.pid:
        os._exit(1)  # it died while this process was starting, before it could take us along
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hold is not None:
        _Process.hold = hold


def greet(spec: WorkerSpec) -> Hello:
    """Build the worker and say what it is, without running a trial."""
    return worker_of(spec).hello


def run_job(spec: WorkerSpec, trial: TrialSpec) -> MemoryJournal:
    """Run one trial and return its whole record.

    Raises:
        OtherCode: This process was built from other code or another cell file than the session.
    """
    worker = worker_of(spec)
    other = differing(spec.judged_by, worker.in_force)
    if other:
        raise OtherCode(other)
    journal = MemoryJournal()
    began_s = time.monotonic()
    closed = worker.runner.run(trial, journal, OpenGate())
    _sleep(still_to_wait_s(spec.pace, closed.cell_s, time.monotonic() - began_s))
    if spec.pictures == "none" or (spec.pictures == "failed" and closed.outcome == "PASS"):
        journal.drop_pictures()
    return journal


def still_to_wait_s(pace: float, cell_s: float, spent_s: float) -> float:
    """What is left of a trial's time at this pace, once it was computed."""
    return max(0.0, cell_s / pace - spent_s) if pace > 0 else 0.0


def _sleep(left_s: float) -> None:
    """HOLD makes it longer, as it does a trial."""
    while left_s > 0:
        time.sleep(min(left_s, HOLD_POLL_S))
        left_s -= 0.0 if _Process.hold.value else HOLD_POLL_S


def worker_of(spec: WorkerSpec) -> _Worker:
    """This process's cell and sandbox, made when they are first asked for."""
    if _Process.worker is None or _Process.worker.spec != spec:
        _Process.worker = _build(spec)
    return _Process.worker


def _waits_while(hold: Hold) -> Callable[[float], None]:
    """Simulated time stands still while the engine holds; read at every control tick."""

    def tick(_t_s: float) -> None:
        while hold.value:
            time.sleep(HOLD_POLL_S)

    return tick


def _build(spec: WorkerSpec) -> _Worker:
    from drivers.sim.cell import SimCell
    from drivers.sim.raycam import camera_path

    cell_file = Path(spec.cell_file)
    in_force = {**LOADED, "cell file": digest([cell_file.read_bytes()])}
    cell = SimCell(load_cell(cell_file), noise=spec.noise)
    cell.on_tick = _waits_while(_Process.hold)
    station = Station.on(cell, cell.stand_in, spec.tier, sight=spec.sight)
    sandbox = Sandbox.start(spec.levels)
    return _Worker(
        spec,
        TrialRunner(station, sandbox),
        Hello(sandbox.report, cell.info, camera_path()),
        in_force,
    )
