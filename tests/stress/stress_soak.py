"""A search of a hundred thousand trials through the engine itself, watched: memory stays flat.

Engine, toolbox, tree, book, recorder, session file and agent channel are the real ones; an agent
at the other end of a real socket pair asks for the trials, and a console's reader follows. Only
what a worker process takes seconds for is made up: the pool answers with the events of a trial.
"""

from __future__ import annotations

import asyncio
import random
import socket
import sys
import tempfile
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

import aspire_tui.engine.engine as engine_module
from aspire_tui.domain import Budget, RunSpec, SandboxReport
from aspire_tui.engine.job import Job
from aspire_tui.environment.task_file import SHIPPED, load_task
from aspire_tui.events import Samples, TrialOpened
from aspire_tui.improvement import wire
from aspire_tui.improvement.remote import RemoteTools
from aspire_tui.rollout.bulk import Hello, WorkerSpec
from aspire_tui.rollout.journal import MemoryJournal
from aspire_tui.rollout.trial import TrialSpec
from aspire_tui.session.keeping import Retention
from aspire_tui.session.reader import SessionReader
from drivers.cellfile import load_cell
from tests.stress.result import Result

sys.path.insert(0, str(Path(__file__).parents[1] / "session"))

from story import BLOBS, trial

N = 100_000
PER_HYPOTHESIS = 50
"""Trials an agent asks for at once."""
WORKERS = 32
"""As many trials end together; the recorder writes them in common transactions."""
FLAT_MB = 24.0
"""What the process may grow by between the first quarter and the end."""
CELL = Path(__file__).parents[2] / "drivers" / "cells" / "yam.toml"
TASK = SHIPPED / "cube_lift.toml"
PROGRAM = "goto_pose([0.3, 0.0, 0.2], [0, 0, 1, 0])\nn = {n}\n"


class MadeUpPool:
    """Answers at once, with what a worker would have recorded."""

    rng = random.Random(0)

    def __init__(self, spec: WorkerSpec, workers: int) -> None:
        self.workers = workers
        self._cell = load_cell(Path(spec.cell_file)).info

    def greet(self) -> Future[Hello]:
        return _done(Hello(SandboxReport("A", "", (), ()), self._cell, ""))

    def submit(self, spec: TrialSpec) -> Future[MemoryJournal]:
        journal = MemoryJournal()
        told = trial(self.rng, spec.trial, "worker", spec.seed_set, spec.hypothesis)
        assert isinstance(told[0], TrialOpened)
        told[0] = msgspec.structs.replace(told[0], seed=spec.seed, program=spec.program_id)
        journal.events, journal.blobs = told, dict(BLOBS)
        rows = self.rng.randbytes(400)
        journal.sampled = [Samples(spec.trial, 0, "arm", 0.0, 1.0, 50, ("t_s", "q0"), rows)]
        return _done(journal)

    def hold(self, on: bool) -> None: ...
    def restart(self) -> None: ...
    def close(self) -> None: ...


def _done(value: Any) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(value)
    return future


@dataclass
class Watch:
    """Memory of this process as the search goes on, and the console's reader beside it."""

    path: Path
    n: int
    marks: list[float] = field(default_factory=list)

    def agent(self, sock: socket.socket) -> None:
        """Hypothesis after hypothesis, each run on many scenes; then done."""
        with sock:  # however this ends, the engine hears of it
            self._search(RemoteTools(sock))
            wire.send(sock, wire.AgentDone(""))

    def _search(self, tools: RemoteTools) -> None:
        asked = 0
        self.marks.append(resident_mb())
        with SessionReader(self.path) as reader:
            while asked < self.n:
                text = PROGRAM.format(n=asked)
                opened = tools.open_hypothesis(
                    claim=f"claim {asked}", difference="", if_wrong="", program=text, parent=None
                )
                assert opened.hypothesis is not None, opened
                share = min(PER_HYPOTHESIS, self.n - asked)
                tools.run(opened.hypothesis, list(range(share)), bench=False)
                asked += share
                reader.snapshot()
                reader.trials(newest=20)
                if asked * 4 // self.n > len(self.marks) - 1:
                    self.marks.append(resident_mb())
                    print(f"{asked} trials, {self.marks[-1]:.0f} MB", file=sys.stderr, flush=True)


def run(n: int, seed: int) -> list[Result]:
    MadeUpPool.rng = random.Random(seed)
    engine_module.LocalPool = MadeUpPool  # type: ignore[assignment,misc]
    with tempfile.TemporaryDirectory(prefix="soak-", dir="/tmp") as folder:
        return [_soak(Path(folder), n)]


def _soak(folder: Path, n: int) -> Result:
    session, runtime = folder / "s.db", folder / "rt"
    runtime.mkdir(mode=0o700)
    task = load_task(TASK)
    spec = RunSpec(
        "run", (task.name,), "yam", "rules", 1, False, Budget(), skills="none", workers=WORKERS
    )
    job = Job(
        spec, (task,), (str(TASK),), str(session), str(CELL), str(runtime), (),
        str(folder / "key"), ("A",), Retention(),
    )  # fmt: skip
    ours, theirs = socket.socketpair()
    watch = Watch(session, n)
    agent = threading.Thread(target=watch.agent, args=(theirs,), daemon=True)
    began = time.monotonic()
    code = asyncio.run(engine_module.Engine(job, ready=agent.start, agent=ours).run())
    seconds = time.monotonic() - began
    with SessionReader(session) as reader:
        seen, problems = reader.snapshot(), reader.verify()
    marks = ", ".join(f"{mark:.0f}" for mark in watch.marks)
    said = (
        f"{n} trials, {seen.seq} events, {seen.seq / seconds:.0f} events/s, "
        f"{session.stat().st_size / 1e6:.0f} MB on disk; resident {marks} MB at start, quarters "
        f"and end; exit {code}, {len(problems)} problems in the file"
    )
    whole = code == 0 and seen.trials_closed >= n and not problems
    flat = len(watch.marks) == 5 and watch.marks[-1] - watch.marks[1] <= FLAT_MB
    return Result("soak of a whole engine", said, whole and flat)


def resident_mb() -> float:
    """Memory of this process that is its own, in MB."""
    fields = Path("/proc/self/smaps_rollup").read_text(encoding="utf-8").splitlines()
    kilobytes = sum(int(f.split()[1]) for f in fields if f.startswith("Private_"))
    return kilobytes / 1e3
