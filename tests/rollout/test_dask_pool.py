"""Trials on a Dask cluster: the same jobs, and what happens when parts of it die."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from aspire_tui.environment.task_file import find_task
from aspire_tui.errors import ConfigError
from aspire_tui.events import TrialClosed
from aspire_tui.rollout.bulk import WorkerSpec
from aspire_tui.rollout.cluster_address import scheduler_of
from aspire_tui.rollout.dask_pool import DaskPool
from aspire_tui.rollout.journal import MemoryJournal
from aspire_tui.rollout.pool import WorkerLost
from aspire_tui.rollout.trial import TrialSpec

distributed = pytest.importorskip("distributed")
CELL = Path(__file__).parents[2] / "drivers" / "cells" / "yam.toml"
SPEC = WorkerSpec(str(CELL), True, ("A", "A-", "B", "D"), pictures="none")


@pytest.fixture
def cluster() -> Iterator[Any]:
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, protocol="tcp"
    ) as running:
        yield running


def pool_on(cluster: Any) -> DaskPool:
    return DaskPool(SPEC, cluster.scheduler_address.replace("tcp://", "dask://"))


def trial(number: int, program: str) -> TrialSpec:
    return TrialSpec(
        trial=number,
        task=find_task("cube_lift"),
        seed=number * 4,
        seed_set="dev",
        program=program,
        program_id="p",
        hypothesis=1,
        where="worker",
        clock="sim",
    )


def closed(journal: MemoryJournal) -> TrialClosed:
    last = journal.events[-1]
    assert isinstance(last, TrialClosed)
    return last


def test_a_lost_worker_loses_no_trial_and_a_lost_cluster_is_one_line(cluster: Any) -> None:
    pool = pool_on(cluster)
    try:
        assert pool.workers == 2
        assert pool.greet().result(120).cell.name == "yam"
        running: list[Future[MemoryJournal]] = [
            pool.submit(trial(n, "wait(2)\n")) for n in (1, 2, 3)
        ]
        victim = next(iter(cluster.workers.values()))
        os.kill(victim.pid, signal.SIGKILL)
        ended = [closed(f.result(150)) for f in running]
        assert [(c.trial, c.ended, c.outcome) for c in ended] == [
            (n, "returned", "FAIL") for n in (1, 2, 3)
        ]
        pool.hold(True)
        held = pool.submit(trial(4, "wait(1)\n"))
        cluster.close()
        with pytest.raises(WorkerLost, match=r"the Dask cluster at tcp://.* is gone; .*--resume"):
            held.result(60)
        with pytest.raises(WorkerLost, match="is gone"):
            pool.submit(trial(5, "wait(1)\n")).result(60)
    finally:
        pool.close()


@pytest.mark.parametrize("given", ["dask:/host", "ssh://host", "dask://", "dask://host:port"])
def test_what_names_no_scheduler_is_one_line(given: str) -> None:
    with pytest.raises(ConfigError, match=r"expected local, or dask://HOST\[:PORT\]"):
        scheduler_of(given)


def test_the_port_is_dasks_own_unless_given() -> None:
    assert scheduler_of("dask://gpu-3") == "tcp://gpu-3:8786"
    assert scheduler_of("dask://gpu-3:9000") == "tcp://gpu-3:9000"


def test_nobody_there_is_one_line() -> None:
    with pytest.raises(ConfigError, match=r"no Dask scheduler there") as said:
        DaskPool(SPEC, "dask://127.0.0.1:9")
    assert "\n" not in str(said.value)
