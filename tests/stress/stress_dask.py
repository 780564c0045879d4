"""A search on a Dask cluster that loses a worker, then its scheduler: nothing that ended is lost,
nothing comes into the library, and the run goes on when the cluster is there again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from aspire_tui.session.reader import SessionReader
from tests.stress.result import Result

N = 1
"""Times the whole is done."""
PATIENCE_S = 300.0
WHOLE_RUN_S = 1200.0
"""Some fifty trials, on a machine that may be busy."""
CRITERION = "[criterion]\nheld_out_n = 4\nmin_lower_bound = 0.05\ndev_n = 6\nselection_n = 8\n"


def run(n: int, seed: int) -> list[Result]:
    wrong: list[str] = []
    kept: list[int] = []
    for i in range(n):
        with tempfile.TemporaryDirectory(prefix="dask-", dir="/tmp") as folder:
            found, ended = _once(Path(folder), seed + i)
            wrong += found
            kept.append(ended)
    told = f"{n} runs, {kept} trials kept at the loss, {len(wrong)} wrong"
    told += f": {'; '.join(wrong[:3])}" if wrong else ""
    return [Result("a Dask worker, then the scheduler, lost in a search", told, not wrong)]


def _once(home: Path, seed: int) -> tuple[list[str], int]:
    wrong: list[str] = []
    port = _free_port()
    cluster = _Cluster(home, port)
    aspire = [sys.executable, "-c", "from aspire_tui.entry import main; main()"]
    aspire += ["--workspace", str(home)]
    begin = [*aspire, "run", _small_task(home), "--headless", "--json", "--seed", str(seed)]
    begin += ["--executor", f"dask://127.0.0.1:{port}", "--worker-pictures", "none"]
    begin += ["--rounds", "1", "--candidates", "2"]
    try:
        first = _started(begin, home, "first")
        session = _appears(home / "sessions", first)
        _until_closed(session, 3, first)
        cluster.kill_worker()
        _until_closed(session, 7, first)
        cluster.kill_scheduler()
        code = first.wait(PATIENCE_S)
        said = (home / "first.err").read_text().strip().splitlines()
        if code != 5:
            wrong.append(f"exit code {code} when the scheduler was lost, not 5")
        if not any("is gone" in line for line in said) or any("Traceback" in x for x in said):
            wrong.append(f"not told in one line: {said[-1:]}")
        before = _closed(session)
        ledger = home / "skills" / ".ledger" / "ledger.jsonl"
        if ledger.is_file() or any((home / "skills").glob("*/SKILL.md")):
            wrong.append("something came into the library")
        cluster.start()
        again = _started([*aspire, "run", "--resume", session.stem, "--headless"], home, "again")
        if again.wait(WHOLE_RUN_S) not in (0, 1):
            wrong.append(f"resumed: exit code {again.returncode}")
        after = _closed(session)
        if before - after:
            wrong.append(f"{len(before - after)} trials that had ended are gone")
        # An agent may look at a scene once more; what had ended is not run again to go on.
        twice = [key for key, times in before.items() if after[key] > times]
        if twice:
            wrong.append(f"{len(twice)} trials ran again")
        with SessionReader(session) as reader:
            wrong += [f"the recording: {p}" for p in reader.verify()]
            last = reader.snapshot().ended
        if last is None or last.stopped_by != "done":
            wrong.append(f"the resumed run ended {last}")
        return wrong, before.total()
    finally:
        cluster.close()


def _closed(session: Path) -> Counter[tuple[str, int, str]]:
    """Judged trials, by program, scene and kind of scene."""
    with SessionReader(session) as reader:
        rows = reader.trials()
    return Counter((r.program, r.seed, r.seed_set) for r in rows if r.outcome is not None)


class _Cluster:
    """A scheduler and two workers, each a process of its own, as a person would start them."""

    def __init__(self, home: Path, port: int) -> None:
        self._home, self._port = home, port
        self._scheduler: subprocess.Popen[bytes] | None = None
        self._workers: list[subprocess.Popen[bytes]] = []
        self.start()

    def start(self) -> None:
        at = f"tcp://127.0.0.1:{self._port}"
        self._scheduler = self._run(
            "scheduler", "--host", "127.0.0.1", "--port", str(self._port), "--no-dashboard"
        )
        _until_open(self._port)
        self._workers = [
            self._run("worker", at, "--nthreads", "1", "--no-dashboard") for _ in range(2)
        ]

    def kill_worker(self) -> None:
        """The whole of one worker: its nanny and what the nanny started."""
        _kill(self._workers.pop())

    def kill_scheduler(self) -> None:
        if self._scheduler is not None:
            _kill(self._scheduler)
        for worker in self._workers:
            _kill(worker)
        self._scheduler, self._workers = None, []

    def close(self) -> None:
        self.kill_scheduler()

    def _run(self, *args: str) -> subprocess.Popen[bytes]:
        log = (self._home / "dask.log").open("ab")
        command = [sys.executable, "-m", "distributed.cli.dask_" + args[0], *args[1:]]
        return subprocess.Popen(
            command, stdout=log, stderr=log, cwd=self._home, start_new_session=True
        )


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _started(command: list[str], home: Path, name: str) -> subprocess.Popen[bytes]:
    out, err = (home / f"{name}.out").open("wb"), (home / f"{name}.err").open("wb")
    return subprocess.Popen(command, stdout=out, stderr=err)


def _small_task(home: Path) -> str:
    from aspire_tui.environment.task_file import SHIPPED

    text = (SHIPPED / "cube_lift.toml").read_text()
    path = home / "small.toml"
    head = text.partition("[criterion]")[0]
    path.write_text(head.replace('"cube_lift"', '"small"', 1) + "\n" + CRITERION)
    return str(path)


def _appears(folder: Path, process: subprocess.Popen[bytes]) -> Path:
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends and process.poll() is None:
        found = list(folder.glob("*.db"))
        if found:
            return found[0]
        time.sleep(0.2)
    raise RuntimeError(f"no session: exit code {process.poll()}")


def _until_closed(session: Path, n: int, process: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        if _closed(session).total() >= n:
            return
        if process.poll() is not None:
            raise RuntimeError(f"the run ended by itself: exit code {process.returncode}")
        time.sleep(0.2)
    raise RuntimeError(f"{n} trials never ended")


def _until_open(port: int) -> None:
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
            return
        time.sleep(0.2)
    raise RuntimeError("no scheduler")


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])
