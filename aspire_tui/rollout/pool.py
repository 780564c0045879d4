"""The local pool of bulk workers: processes that die with the engine and lose no trial."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Protocol

from aspire_tui.rollout.bulk import Hello, WorkerSpec, greet, run_job, start_process
from aspire_tui.rollout.canary import CanaryReport, run_canary
from aspire_tui.rollout.dry_run import DryReport, DrySpec, run_dry
from aspire_tui.rollout.journal import MemoryJournal
from aspire_tui.rollout.trial import TrialSpec

TRIES = 3


class WorkerLost(Exception):
    """The same trial took its worker process down every time it was tried."""


class Pool(Protocol):
    """Where bulk trials run. Whatever it is, a future that fails with BrokenProcessPool may be
    tried again after ``restart``."""

    @property
    def workers(self) -> int: ...

    def greet(self) -> Future[Hello]: ...

    def submit(self, trial: TrialSpec) -> Future[MemoryJournal]: ...

    def submit_canary(self, seed: int) -> Future[CanaryReport]: ...

    def hold(self, on: bool) -> None: ...

    def restart(self) -> None: ...

    def close(self) -> None: ...


class LocalPool:
    """Runs trials on worker processes. ``hold`` freezes simulated time in all of them."""

    def __init__(self, spec: WorkerSpec, workers: int) -> None:
        self._spec = spec
        self._workers = workers
        self._context = multiprocessing.get_context("spawn")
        self._hold = self._context.Value("i", 0)
        self._executor = self._start()

    def _start(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self._workers,
            mp_context=self._context,
            initializer=start_process,
            initargs=(self._hold,),
        )

    @property
    def workers(self) -> int:
        return self._workers

    def greet(self) -> Future[Hello]:
        """Start one worker and learn its sandbox and cell."""
        return self._executor.submit(greet, self._spec)

    def submit(self, trial: TrialSpec) -> Future[MemoryJournal]:
        """Run one trial. The future fails with BrokenProcessPool when a worker died."""
        return self._executor.submit(run_job, self._spec, trial)

    def submit_dry(self, spec: DrySpec) -> Future[DryReport]:
        """Run a program from what a cell's sensors saw."""
        return self._executor.submit(run_dry, spec)

    def submit_canary(self, seed: int) -> Future[CanaryReport]:
        """Run the canary in a worker, as it would run a trial."""
        return self._executor.submit(run_canary, self._spec, seed)

    def hold(self, on: bool) -> None:
        """Freeze or release simulated time in every worker."""
        self._hold.value = int(on)

    def restart(self) -> None:
        """Replace the processes after one died; what was in flight must be submitted again."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._executor = self._start()

    def close(self) -> None:
        """Stop the workers at once; a trial in flight is not recorded."""
        self._hold.value = 0
        processes: Sequence[multiprocessing.Process] = tuple(
            (self._executor._processes or {}).values()
        )
        self._executor.shutdown(wait=False, cancel_futures=True)
        for p in processes:
            p.kill()


__all__ = ["BrokenProcessPool", "LocalPool", "Pool", "WorkerLost", "TRIES"]
