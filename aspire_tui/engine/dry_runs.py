"""Dry runs: look at the cell, run a program from there in the stand-in, keep the verdict."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from aspire_tui.domain import SeenCell, sha256_hex
from aspire_tui.engine.bench import BenchLost
from aspire_tui.engine.protocol import Command, Reply
from aspire_tui.environment.task import TaskDef
from aspire_tui.events import DryRunReported
from aspire_tui.rollout.bulk import WorkerSpec
from aspire_tui.rollout.dry_run import DryReport, DrySpec
from aspire_tui.rollout.pool import BrokenProcessPool, LocalPool
from aspire_tui.session.reader import SessionReader
from drivers.errors import CellFault, CellRefused

if TYPE_CHECKING:
    from aspire_tui.engine.engine import Engine


class _DryRun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A program of this session by its sha256."""

    program: str


class DryRuns:
    """One at a time, in a process of their own that no HOLD stops: nothing here moves the cell."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._pool: LocalPool | None = None
        self._one = asyncio.Lock()
        self._task: asyncio.Task[DryRunReported] | None = None

    async def act(self, c: Command) -> Reply:
        """Start one; what came of it is an event with the command's id."""
        bench = self._engine.bench
        if bench is None:
            return Reply(c.id, False, "a headless session has no bench to look at")
        if self._task is not None and not self._task.done():
            return Reply(c.id, False, "a dry run is under way")
        if not bench.can_look:
            return Reply(c.id, False, "the program runs; HOLD or step, so that it stands")
        try:
            wanted = msgspec.convert(c.args, _DryRun)
        except msgspec.ValidationError as error:
            return Reply(c.id, False, f"dry_run: {error}")
        text = await asyncio.to_thread(self._text, wanted.program)
        if text is None:
            return Reply(c.id, False, f"no program {wanted.program[:8] or '(none)'} in the session")
        run = self.run(text, self._engine.job.tasks[0], c.who, c.id)
        self._task = self._engine.watched(asyncio.create_task(run))
        return Reply(c.id, True, "the cell is looked at, then the stand-in runs it; nothing moves")

    async def run(self, program: str, task: TaskDef, who: str, id: str = "") -> DryRunReported:
        """Look, run, record."""
        async with self._one:
            blobs: dict[str, tuple[str, bytes]] = {}
            seen: SeenCell | None = None
            report: DryReport | None = None
            error = ""
            try:
                seen, blobs = await self._look(task)
                report = await self._in_stand_in(program, task, seen)
            except (BenchLost, CellFault, CellRefused, NotSeen, ValueError) as failed:
                error = str(failed)
            except BrokenProcessPool:
                error = "the stand-in's process died under it"
                self.close()
            event = _event(program, task, who, id, seen, report, error)
            await self._engine.book.program(program, "operator")
            await self._engine.book.write(event, blobs=blobs)
            return event

    async def _look(self, task: TaskDef) -> tuple[SeenCell, dict[str, tuple[str, bytes]]]:
        bench = self._engine.bench
        if bench is None:
            raise NotSeen("a headless session has no bench to look at")
        observed = await bench.observe(task)
        if observed.seen is None:
            raise NotSeen(observed.error)
        return observed.seen, observed.blobs

    async def _in_stand_in(self, program: str, task: TaskDef, seen: SeenCell) -> DryReport:
        job = self._engine.job
        worker = WorkerSpec(
            job.cell_file, job.spec.noise, job.levels, job.spec.tier, "none", sight=job.sight
        )
        if self._pool is None:
            self._pool = LocalPool(worker, 1)
        spec = DrySpec(worker, task, program, sha256_hex(program.encode()), seen)
        return await asyncio.wrap_future(self._pool.submit_dry(spec))

    def _text(self, program: str) -> str | None:
        with SessionReader(Path(self._engine.job.session)) as reader:
            row = reader.program(program)
        return None if row is None else row.text

    def close(self) -> None:
        """End what is under way; it is not recorded."""
        if self._task is not None:
            self._task.cancel()
        if self._pool is not None:
            self._pool.close()
            self._pool = None


class NotSeen(Exception):
    """The cell could not be looked at; the text says why."""


def _event(
    program: str,
    task: TaskDef,
    who: str,
    id: str,
    seen: SeenCell | None,
    report: DryReport | None,
    error: str,
) -> DryRunReported:
    name = sha256_hex(program.encode())
    if report is None:
        return DryRunReported(name, task.name, who, seen, error=error, id=id)
    return DryRunReported(
        program=name,
        task=task.name,
        who=who,
        seen=seen,
        ended=report.ended,
        error=report.error,
        claimed=report.claimed,
        calls=report.calls,
        verdict=report.verdict,
        cell_s=round(report.cell_s, 3),
        wall_s=round(report.wall_s, 3),
        brands=report.brands,
        id=id,
    )
