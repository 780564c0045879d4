"""Bulk trials on a Dask cluster: the same jobs as in the local pool, through Dask's own executor.

Every Dask worker needs this release installed and the cell file at the same path; one whose code or
cell file differs refuses the trial. Dask starts a trial again elsewhere when its worker dies.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from typing import Any, Final, TypeVar

from aspire_tui.errors import ConfigError
from aspire_tui.rollout.bulk import Hello, WorkerSpec, greet, hold_here, run_job
from aspire_tui.rollout.canary import CanaryReport, run_canary
from aspire_tui.rollout.cluster_address import scheduler_of
from aspire_tui.rollout.journal import MemoryJournal
from aspire_tui.rollout.pool import WorkerLost
from aspire_tui.rollout.trial import TrialSpec

CONNECT_S: Final = 10.0
LOST: Final = 3
"""Workers one trial may take down before it is given up."""

T = TypeVar("T")

_one_at_a_time = threading.Lock()
"""A worker process has one cell, however many threads Dask gives it."""


class DaskPool:
    """Runs trials on the workers of a Dask cluster."""

    def __init__(self, spec: WorkerSpec, executor: str) -> None:
        """Connect.

        Raises:
            ConfigError: Dask is not installed, nobody answers, or there is no worker.
        """
        self._spec = spec
        self.address = scheduler_of(executor)
        try:
            from distributed import Client
        except ImportError:
            raise ConfigError(
                f"--executor {executor}: Dask is not installed: pip install 'aspire-tui[dask]'"
            ) from None
        try:
            self._client: Any = Client(self.address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, TimeoutError) as error:
            why = str(error).splitlines()[0][:200] if str(error) else "no answer"
            raise ConfigError(f"--executor {executor}: no Dask scheduler there: {why}") from None
        try:
            self._check(executor)
        except ConfigError:
            self._client.close()
            raise
        self._holding = ThreadPoolExecutor(1)
        """One after the other, beside whoever holds: a worker may be slow to answer."""
        self._executor: Executor = self._client.get_executor(pure=False, retries=0)

    def _check(self, executor: str) -> None:
        """Every worker can load what it will be asked to run: one that cannot would never say so.

        Raises:
            ConfigError: There is no worker, or one without this release.
        """
        if not self.workers:
            raise ConfigError(f"--executor {executor}: this cluster has no worker; start some")
        try:
            self._client.run(hold_here, False)
        except Exception as error:
            raise ConfigError(
                f"--executor {executor}: a worker cannot load this release: {error}"[:300]
            ) from None

    @property
    def workers(self) -> int:
        """Threads of all workers there are now."""
        try:
            return sum(self._client.nthreads().values())
        except Exception as error:  # whatever a broken connection raises, it is gone
            raise self._gone() from error

    def greet(self) -> Future[Hello]:
        """Start one worker and learn its sandbox and cell."""
        return self._submit(_greet, self._spec)

    def submit(self, trial: TrialSpec) -> Future[MemoryJournal]:
        """Run one trial. The future fails with WorkerLost when the cluster is gone, or the trial
        took down every worker it was given to."""
        return self._submit(_run, self._spec, trial)

    def submit_canary(self, seed: int) -> Future[CanaryReport]:
        """Run the canary on whichever worker is free, as it would run a trial."""
        return self._submit(_canary, self._spec, seed)

    def _submit(self, job: Callable[..., T], *args: Any) -> Future[T]:
        answer: Future[T] = Future()
        try:
            running = self._executor.submit(job, *args)
        except Exception as error:
            raise self._gone() from error
        running.add_done_callback(lambda done: self._hand_on(done, answer))
        return answer

    def _hand_on(self, done: Future[T], answer: Future[T]) -> None:
        """An end of Dask's as one of ours: what Dask cancels, it lost."""
        if answer.cancelled():
            return
        try:
            value = done.result()
        except CancelledError:
            answer.set_exception(self._gone())
        except Exception as error:
            answer.set_exception(self._as_ours(error))
        else:
            answer.set_result(value)

    def _as_ours(self, error: Exception) -> Exception:
        name = type(error).__name__
        if name == "KilledWorker":
            return WorkerLost(f"a trial took its Dask worker down {LOST} times")
        if type(error).__module__.split(".")[0] in ("distributed", "tornado"):
            return self._gone()
        return error

    def _gone(self) -> WorkerLost:
        return WorkerLost(
            f"the Dask cluster at {self.address} is gone; every trial that ended is kept: "
            "start it again, then run --resume SESSION"
        )

    def hold(self, on: bool) -> None:
        """Freeze or release simulated time in every worker there is."""
        self._holding.submit(self._client.run, hold_here, on, on_error="ignore")

    def restart(self) -> None:
        """Nothing to do: Dask replaces its own workers."""

    def close(self) -> None:
        """Leave the cluster; what is in flight there is not recorded."""
        self._holding.shutdown(wait=False, cancel_futures=True)
        with contextlib.suppress(OSError, TimeoutError):
            self._client.close(timeout=2)


def _greet(spec: WorkerSpec) -> Hello:
    with _one_at_a_time:
        return greet(spec)


def _canary(spec: WorkerSpec, seed: int) -> CanaryReport:
    with _one_at_a_time:
        return run_canary(spec, seed)


def _run(spec: WorkerSpec, trial: TrialSpec) -> MemoryJournal:
    with _one_at_a_time:
        return run_job(spec, trial)
