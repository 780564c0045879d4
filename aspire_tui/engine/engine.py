"""The engine: one process that runs one session and outlives every screen."""

from __future__ import annotations

import asyncio
import signal
import socket
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aspire_tui.engine.attendance import Attendance, ProgramRejected
from aspire_tui.engine.bench import Bench, BenchLost, open_log
from aspire_tui.engine.book import Book, BudgetExhausted
from aspire_tui.engine.callout import Callout
from aspire_tui.engine.canary import Canary
from aspire_tui.engine.commands import Commands
from aspire_tui.engine.conversation import Conversation
from aspire_tui.engine.dry_runs import DryRuns
from aspire_tui.engine.evaluation import EvaluationRefused
from aspire_tui.engine.exec_queue import ExecQueue
from aspire_tui.engine.hashes import evaluation_of
from aspire_tui.engine.host_process import HostGone, HostProcess
from aspire_tui.engine.idea_verbs import IdeaVerbs
from aspire_tui.engine.ideas import Ideas
from aspire_tui.engine.improving import Improvement
from aspire_tui.engine.job import Job
from aspire_tui.engine.kept_file import SessionGone
from aspire_tui.engine.opening import Opening
from aspire_tui.engine.outcomes import (
    after_dry_run,
    exec_outcome,
    in_a_line,
    rate_of,
)
from aspire_tui.engine.probation import Probation
from aspire_tui.engine.protocol import Command, Reply
from aspire_tui.engine.reports import Reports
from aspire_tui.engine.resume import Past, read_past
from aspire_tui.engine.server import serve_commands
from aspire_tui.engine.sight_host import BY as PROGRAMS
from aspire_tui.engine.sight_host import host_sight
from aspire_tui.engine.toolbox import Toolbox
from aspire_tui.engine.trials import NoRoom, Stopped, Trials
from aspire_tui.environment.primitives import ALL
from aspire_tui.environment.primitives.registry import catalogue, embodiment_of
from aspire_tui.errors import DiskFull, PolicyRefused
from aspire_tui.events import (
    Note,
    RunEnded,
)
from aspire_tui.rollout.bulk import Hello, WorkerSpec
from aspire_tui.rollout.policy import check
from aspire_tui.rollout.pool import LocalPool, Pool, WorkerLost
from aspire_tui.rollout.sandbox.api import SandboxUnavailable
from aspire_tui.rollout.sandbox.levels import without_any
from aspire_tui.session.errors import RecorderFull
from aspire_tui.session.keeping import Room
from aspire_tui.session.reader import SessionReader
from aspire_tui.session.recorder import Recorder
from drivers.cellfile import load_cell
from drivers.errors import CellFault


@dataclass
class Engine:
    """Joins worker processes, agent and session file for one job."""

    job: Job
    ready: Callable[[], object]
    """Called once the session is being written and commands are answered."""
    agents: tuple[socket.socket, ...] = ()
    """To the agent workers, which were started beside this process."""
    sight: socket.socket | None = None
    """To the process that asks a model for programs, when the run has one."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    stopped_by: str = "done"
    toolbox: Toolbox | None = None
    improvement: Improvement | None = None
    """The search of a run; None until it begins, and in an exec."""
    begun: bool = False
    watchers: list[asyncio.Task[Any]] = field(default_factory=list)
    """Over cell host, session file and who is there, for as long as the engine runs."""

    async def run(self) -> int:
        """Run the job to its end; returns the exit code of the process.

        The session file is complete after every event: killing this process loses nothing that
        was acknowledged.
        """
        job = self.job
        self._failed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        self.evaluation = evaluation_of(Path(job.cell_file), [Path(p) for p in job.task_files])
        self.past = self._past()
        self.pool = self._pool()
        recorder = (Recorder.open if self.past else Recorder.create)(Path(job.session))
        self.book = Book(recorder, job.spec.budget)
        callout = Callout(job.on_event, job.session, self.book.write)
        self.book.saw = callout.saw
        self.log = open_log(f"{job.runtime_dir}/{Path(job.session).stem}.log")
        self._join_parts()
        try:
            ended = await self._to_its_end()
        finally:
            await self._release()
            if not self.begun:
                await asyncio.to_thread(recorder.close)
                if self.past is None:
                    Path(job.session).unlink(missing_ok=True)
        await self.book.write(self.book.spent(), ended)
        await callout.over()
        await asyncio.to_thread(recorder.close)
        self.socket_path.unlink(missing_ok=True)
        if job.sight.socket:
            Path(job.sight.socket).unlink(missing_ok=True)
        return 5 if ended.stopped_by in ("fault", "agent") else 0

    def _join_parts(self) -> None:
        """Everything that works on this session, none of it begun."""
        job = self.job
        cell = load_cell(Path(job.cell_file))
        self.bench = Bench(self.book) if job.spec.attended else None
        self.names = catalogue(ALL, job.tasks[0].api, job.spec.tier, embodiment_of(cell.info))
        self.known = {*self.names, *job.tasks[0].in_scope}
        self.trials = Trials(
            self.book,
            job.tasks[0],
            self.pool,
            self.bench,
            self.evaluation,
            Room(Path(job.session).parent, job.keep),
            self.stopping,
            attempts=job.spec.retries,
        )
        if self.past is not None:
            self.book.go_on(self.past)
            self.trials.finished = self.past.finished
        self.attendance = Attendance(self, cell, job.started_by)
        self.trials.bench_only = not cell.has_workers
        self.conversation = Conversation(self.book, self.attendance.someone)
        if self.bench is not None:
            self.bench.ask_person = self.attendance.ask
            self.bench.withdraw = self.conversation.withdraw
            self.bench.why_ask_move = self.attendance.approvals.why_ask_move
            self.trials.approve_first = self.attendance.approve_first
            self.trials.bench_ended = self.attendance.trial_ended
        self.dry_runs, self.execs = DryRuns(self), ExecQueue(self)
        self.idea_verbs = IdeaVerbs(self)
        self.canary, self.probation = Canary(self), Probation(self)
        self.host: HostProcess | None = None
        self.server: asyncio.AbstractServer | None = None

    async def _to_its_end(self) -> RunEnded:
        """Begin, work, and say how it ended, whatever ended it.

        Raises:
            CellFault, DiskFull, PolicyRefused: Before it began: there is no session to say it in.
        """
        try:
            hello = await self._begin()
            self.ready()
            return await self._work_unless_failed(hello)
        except (BenchLost, HostGone, WorkerLost, SessionGone) as lost:
            if not self.begun:
                raise CellFault(str(lost)) from None
            return RunEnded(None, "fault", reason=str(lost))
        except RecorderFull:
            if not self.begun:
                raise DiskFull(f"{self.job.session}: the disk is full; make room first") from None
            return RunEnded(None, "fault", reason="disk full, cell stopped")
        except Exception as defect:
            if not self.begun:
                raise
            return self._told(defect)

    async def _begin(self) -> Hello:
        """Open the cell and the session, and answer commands from here on."""
        try:
            hello = await Opening(self).begin()
        except SandboxUnavailable as missing:
            raise PolicyRefused(without_any(str(missing))) from None
        if self.sight is not None:
            reports = Reports(self.book, self.conversation, PROGRAMS)
            self.watchers.append(self.watched(asyncio.create_task(host_sight(self.sight, reports))))
        self.commands = Commands(self)
        self.server = await serve_commands(self.socket_path, self._answer)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, lambda: None)  # a terminal's end is not ours
        for sig in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sig, self.stop, f"signal {sig.name}")
        return hello

    @property
    def socket_path(self) -> Path:
        return Path(self.job.runtime_dir) / f"{Path(self.job.session).stem}.sock"

    def fail(self, defect: BaseException) -> None:
        """Something in here is broken that nobody waits for: the session ends and says so."""
        if not self._failed.done():
            self._failed.set_result(defect)

    def watched(self, task: asyncio.Task[Any]) -> asyncio.Task[Any]:
        """The same task; an exception in it ends the session."""
        task.add_done_callback(self._task_ended)
        return task

    def _task_ended(self, task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and (defect := task.exception()) is not None:
            self.fail(defect)

    async def _answer(self, command: Command) -> Reply:
        """Answer a client; a defect under a command is not the client's to guess."""
        try:
            return await self.commands.handle(command)
        except (BenchLost, CellFault) as lost:
            return Reply(command.id, False, str(lost))
        except Exception as defect:
            self.fail(defect)
            return Reply(command.id, False, f"the engine failed: {in_a_line(defect)}")

    async def _work_unless_failed(self, hello: Hello) -> RunEnded:
        """The job; what watches over it must not end before it does.

        Raises:
            BaseException: What ended a watcher, a command or another task of ours.
        """
        work = asyncio.ensure_future(self._work(hello))
        await asyncio.wait((work, self._failed), return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            return work.result()
        work.cancel()
        raise self._failed.result()

    def _told(self, defect: BaseException) -> RunEnded:
        """How a session ends that a defect of ours ended: one line there, the rest in the log."""
        traceback.print_exception(defect)
        text = f"the engine failed: {in_a_line(defect)}; its log has the rest"
        return RunEnded(None, "fault", reason=text)

    def stop(self, who: str) -> None:
        """End the run: no new trial starts, the one in flight is aborted, the cell holds."""
        self.stopped_by = "operator"
        self.stopping.set()
        self.trials.resumed.set()
        if self.toolbox is not None:
            self.toolbox.paused.set()  # an agent that waits has to hear of the end
        self.pool.hold(False)
        if self.bench is not None and self.bench.trial is not None:
            self.bench.gate.abort(f"stopped by {who}")
            self.bench.gate_changed()
            self.bench.kill_program(who)

    async def held(self, reason: str) -> None:
        """Somebody holds, here or past the engine: no call, no trial starts until resume."""
        if not self.trials.resumed.is_set() or self.stopping.is_set():
            return  # a run that is being stopped must not wait for a resume
        self.trials.resumed.clear()
        self.pool.hold(True)
        if self.bench is not None:
            self.bench.gate.hold(reason)
            await self.bench.stand_held()

    async def _improve(self, hello: Hello) -> RunEnded:
        self.improvement = Improvement(self)
        return await self.improvement.run(self.job.tasks, hello)

    def ideas_at(self, hypothesis: int) -> Ideas | None:
        """The tree a hypothesis is of; None where there is no search."""
        search = self.improvement
        return None if search is None or not search.on else search.ideas_at(hypothesis)

    def _pool(self) -> Pool:
        """Where bulk trials run.

        Raises:
            ConfigError: The cluster that was asked for is not there.
        """
        spec = self.job.spec
        worker = WorkerSpec(
            self.job.cell_file,
            spec.noise,
            self.job.levels,
            spec.tier,
            spec.worker_pictures,
            self.evaluation.hashes(),
            spec.pace,
            self.job.sight,
        )
        if spec.executor == "local":
            return LocalPool(worker, spec.workers)
        from aspire_tui.rollout.dask_pool import DaskPool  # half a second, and rarely asked for

        return DaskPool(worker, spec.executor)

    def _past(self) -> Past | None:
        """What a run that is resumed has done; None for a new session."""
        if not self.job.resume_by:
            return None
        with SessionReader(Path(self.job.session)) as reader:
            return read_past(reader)

    async def _work(self, hello: Hello) -> RunEnded:
        job, trials = self.job, self.trials
        try:
            if job.spec.verb == "exec":
                ended = await self._exec(trials)
            else:
                ended = await self._improve(hello)
            await self.execs.drain()
            return ended
        except Stopped:
            return RunEnded(None, "operator", reason="stopped by the operator")
        except BudgetExhausted as spent:
            return RunEnded(None, "budget", reason=str(spent))
        except NoRoom as lacking:
            await self.book.write(Note(str(lacking), "error", "no_room"))
            return RunEnded(None, "fault", reason=str(lacking))
        except ProgramRejected as rejected:
            return RunEnded(None, "operator", reason=str(rejected))
        except EvaluationRefused as refused:
            return RunEnded(None, "evaluation", reason=str(refused))

    async def _exec(self, trials: Trials) -> RunEnded:
        spec = self.job.spec
        await self.book.program(spec.program, "operator")
        await self.book.advise(check(spec.program, self.known))
        if spec.dry_run:
            dry = await self.dry_runs.run(spec.program, trials.task, self.job.started_by)
            passed = dry.verdict is not None and dry.verdict.outcome == "PASS"
            if not (passed and spec.then_run):
                return after_dry_run(dry)
        seeds = [spec.seed + i for i in range(spec.trials)]
        if spec.trials == 1:
            closed = [await trials.at_bench(spec.program, None, seeds[0], "operator")]
        else:
            closed = await trials.in_workers(spec.program, None, seeds, "operator")
        r = rate_of(closed)
        outcome = exec_outcome(closed)
        stopped = "operator" if self.stopping.is_set() else "done"
        return RunEnded(outcome, stopped, None, r.k, r.n, r.lo, r.hi, closed[0].reason)

    async def _release(self) -> None:
        """Leave the cell in HOLD and no process behind but the cell host."""
        if self.server is not None:
            self.server.close()
        for watcher in self.watchers:
            watcher.cancel()
        if self.host is not None:
            await asyncio.to_thread(self.host.hold_if_moving, "engine")
        self.execs.close()
        self.idea_verbs.close()
        self.dry_runs.close()
        if self.bench is not None:
            await self.bench.close()
        self.pool.close()
