"""Programs an operator asks a running engine to run: between its trials, in its session."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from aspire_tui.domain import JSON, Outcome, sha256_hex
from aspire_tui.engine.attendance import ProgramRejected
from aspire_tui.engine.bench import BenchLost
from aspire_tui.engine.book import BudgetExhausted
from aspire_tui.engine.evaluation import Evaluation, EvaluationRefused
from aspire_tui.engine.order import ExecOrder
from aspire_tui.engine.protocol import Command, Reply
from aspire_tui.engine.trials import NoRoom, Stopped
from aspire_tui.events import Note, TrialClosed
from aspire_tui.rollout.policy import check
from aspire_tui.rollout.pool import WorkerLost

if TYPE_CHECKING:
    from aspire_tui.engine.engine import Engine

MOST_WAITING = 16
REFUSED = (
    BenchLost,
    BudgetExhausted,
    EvaluationRefused,
    NoRoom,
    ProgramRejected,
    Stopped,
    WorkerLost,
)
"""What may keep an order from being carried out; the text is for whoever gave it."""
State = Literal["queued", "running", "done", "failed", "cancelled"]


class _Which(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    number: int


def brief(command: Command) -> dict[str, JSON]:
    """Arguments for the record: a program by its name there, a task by its own."""
    args = command.args
    if command.verb == "fork" and args.get("program"):
        return {**args, "program": sha256_hex(str(args["program"]).encode())}
    if command.verb != "exec":
        return args
    program, task = str(args.get("program", "")), args.get("task")
    named = str(task.get("name", ""))[:80] if isinstance(task, dict) else ""
    return {**args, "program": sha256_hex(program.encode()), "task": named}


@dataclass
class Execution:
    """One order and how far it has come."""

    number: int
    order: ExecOrder
    who: str
    state: State = "queued"
    closed: list[TrialClosed] = field(default_factory=list)
    dry: Outcome | None = None
    error: str = ""
    judged_by: Evaluation | None = None
    """The task file it brought, as it was when it was ordered."""

    def told(self) -> dict[str, JSON]:
        return {
            "number": self.number,
            "state": self.state,
            "trials": [c.trial for c in self.closed],
            "dry": self.dry,
            "error": self.error,
        }


class ExecQueue:
    """Takes orders while the run goes on, and carries them out one after the other."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[int, Execution] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._doing: dict[int, asyncio.Task[None]] = {}
        self._over = False

    async def act(self, c: Command) -> Reply:
        """``exec`` puts one into the queue, ``cancel`` takes it out, ``job`` says how far it is."""
        try:
            if c.verb == "cancel":
                return self._cancel(c, msgspec.convert(c.args, _Which).number)
            if c.verb == "job":
                return self._tell(c, msgspec.convert(c.args, _Which).number)
            return await self._take(c, msgspec.convert(c.args, ExecOrder))
        except msgspec.ValidationError as error:
            return Reply(c.id, False, f"{c.verb}: {error}")

    async def _take(self, c: Command, order: ExecOrder) -> Reply:
        refused = self._why_not(order)
        if refused:
            return Reply(c.id, False, refused)
        one = Execution(len(self._known) + 1, order, c.who)
        self._known[one.number] = one
        engine = self._engine
        if order.task_file and order.task_file not in engine.job.task_files:
            path = Path(order.task_file)
            one.judged_by = await asyncio.to_thread(
                Evaluation, {f"task file {path.stem} of exec {one.number}": [path]}
            )
        if order.task not in engine.job.tasks:
            digest = sha256_hex(msgspec.json.encode(order.task))[:12]
            text = f"exec {one.number} brings a task of its own: {order.task.name} {digest}"
            await engine.book.write(Note(text, "info", "exec_task"))
        task = asyncio.create_task(self._carry_out(one))
        self._tasks.add(task)
        self._doing[one.number] = task
        task.add_done_callback(self._tasks.discard)
        said = f"exec {one.number} is queued: it runs at the bench between trials"
        return Reply(c.id, True, said, one.told())

    def _why_not(self, order: ExecOrder) -> str:
        spec = self._engine.job.spec
        if self._engine.bench is None:
            return "this engine has no bench; exec runs in an instance of its own"
        if self._over or self._engine.stopping.is_set():
            return "the run is ending; start exec again when the engine is gone"
        if sum(e.state in ("queued", "running") for e in self._known.values()) >= MOST_WAITING:
            return f"{MOST_WAITING} programs are waiting already"
        if order.tier != spec.tier or order.noise != spec.noise:
            return (
                f"this engine runs with tier {spec.tier or 'all'} and noise "
                f"{'on' if spec.noise else 'off'}; exec cannot change that"
            )
        if (order.perception, order.perception_model) != (spec.perception, spec.perception_model):
            return (
                f"this engine's programs see by {spec.perception or 'the stack of the cell'}, "
                f"model {spec.perception_model or 'none'}; exec cannot change that"
            )
        return ""

    def _tell(self, c: Command, number: int) -> Reply:
        one = self._known.get(number)
        if one is None:
            return Reply(c.id, False, f"there is no exec {number}")
        return Reply(c.id, True, one.state, one.told())

    def _cancel(self, c: Command, number: int) -> Reply:
        """Take an order back before it runs; a trial of it that runs is aborted, not cancelled."""
        one = self._known.get(number)
        if one is None:
            return Reply(c.id, False, f"there is no exec {number}")
        if one.state not in ("queued", "running"):
            return Reply(c.id, False, f"exec {number} is {one.state}")
        bench = self._engine.bench
        name = sha256_hex(one.order.program.encode())
        if bench is not None and bench.trial is not None and bench.program == name:
            return Reply(c.id, False, f"trial {bench.trial} of exec {number} runs; abort ends it")
        one.state, one.error = "cancelled", f"cancelled by {c.who}"
        self._doing[number].cancel()
        return Reply(c.id, True, f"exec {number} is cancelled", one.told())

    async def _carry_out(self, one: Execution) -> None:
        engine, order = self._engine, one.order
        try:
            await engine.book.program(order.program, one.who)
            await engine.book.advise(check(order.program, engine.known))
            one.state = "running"
            if order.dry_run:
                said = await engine.dry_runs.run(order.program, order.task, one.who)
                one.dry = said.verdict.outcome if said.verdict else None
                one.error = said.error if said.seen is None else ""
            if not order.dry_run or (order.then_run and one.dry == "PASS"):
                await self._run(one)
            one.state = "failed" if one.error else "done"
        except asyncio.CancelledError:
            if one.state == "cancelled":
                return
            one.state, one.error = "failed", "the engine ended before it ran"
            raise
        except REFUSED as error:  # the run goes on without it; whoever asked has to hear why
            one.state, one.error = "failed", str(error)
            await engine.book.write(Note(f"exec {one.number}: {error}", "error", "exec"))
        except Exception as defect:
            one.state, one.error = "failed", f"the engine failed: {defect!r}"
            engine.fail(defect)

    async def _run(self, one: Execution) -> None:
        trials, order, own = self._engine.trials, one.order, one.judged_by
        if order.trials == 1:
            one.closed.append(
                await trials.at_bench(
                    order.program, None, order.seed, "operator", order.task, own, order.retries
                )
            )
            return
        seeds = [order.seed + i for i in range(order.trials)]
        one.closed += await trials.in_workers(
            order.program, None, seeds, "operator", order.task, own, order.retries
        )

    async def drain(self) -> None:
        """Take no more, and wait for what was promised."""
        self._over = True
        while self._tasks and not self._engine.stopping.is_set():
            await asyncio.wait(self._tasks, timeout=0.2)

    def close(self) -> None:
        self._over = True
        for task in self._tasks:
            task.cancel()
