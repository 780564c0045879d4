"""The beginning of a session: the cell is met, and nothing moves before the first event."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from aspire_tui.domain import AGENT_UNCONFINED, NO_SANDBOX, TOLD_THE_TRUTH, SourceChange
from aspire_tui.engine.grant import granted_by
from aspire_tui.engine.hashes import evaluation_hashes
from aspire_tui.engine.host_process import HostProcess
from aspire_tui.engine.kept_file import watch_file
from aspire_tui.engine.outcomes import versions
from aspire_tui.engine.provenance import as_kept, attach, of_session
from aspire_tui.engine.resume import Past, closings
from aspire_tui.errors import PolicyRefused
from aspire_tui.events import EvaluationChanged, RunEnded, SessionOpened, SessionResumed
from aspire_tui.rollout.bench_worker import BenchSpec
from aspire_tui.rollout.bulk import Hello
from aspire_tui.rollout.in_force import differing
from aspire_tui.rollout.sandbox.levels import refusal
from aspire_tui.session.reader import SessionReader

if TYPE_CHECKING:
    from aspire_tui.engine.engine import Engine

ENGINE_HOLDS = ("watchdog", "engine")
"""Who holds a cell because its engine ended; a person's HOLD is never taken back for them."""


class Opening:
    """Of a new session, or of one that is resumed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def begin(self) -> Hello:
        """Start what the job needs and write the first event.

        Raises:
            PolicyRefused: The sandbox is too weak for this cell, or what judges has changed.
        """
        e = self._engine
        spec = e.job.spec
        if e.bench is not None:
            e.host = await HostProcess.ensure(e.job, e.log)
            hello = await e.bench.start(
                BenchSpec(
                    cell=e.host.name,
                    stand_in=e.host.stand_in_path,
                    levels=e.job.levels,
                    tier=spec.tier,
                    video_fps=spec.video_fps,
                    large_moves=e.attendance.approvals.mode == "large-moves",
                    judged_by=e.evaluation.hashes(),
                    sight=e.job.sight,
                ),
                e.log,
            )
        else:
            hello = await asyncio.wrap_future(e.pool.greet())
        hardware = hello.cell.kind == "hardware"
        why = refusal(hello.sandbox.level, hardware=hardware, waived=spec.sandbox_waived)
        if why:
            raise PolicyRefused(why)
        brands = list(hello.cell.brands)
        if spec.tier == "S1":
            brands.append(TOLD_THE_TRUTH)
        if hello.sandbox.level == "D":
            brands.append(NO_SANDBOX)
        if spec.agent_at_large:
            brands.append(AGENT_UNCONFINED)
        if e.past is not None:
            await self._go_on(e.past, hello)
        else:
            await self._open(hello, tuple(dict.fromkeys(brands)))
        if e.host is not None:
            if e.past is not None:
                await self._stand_after_a_crash(e.past)
            await self._let_in()
            e.watchers = [
                e.watched(asyncio.create_task(e.host.watch(e))),
                e.watched(asyncio.create_task(e.attendance.watch())),
                e.watched(asyncio.create_task(watch_file(Path(e.job.session)))),
            ]
        return hello

    async def _let_in(self) -> None:
        """A grant given with the command; and nobody, before the first trial could move."""
        e = self._engine
        if e.job.grant:
            why = await e.attendance.give_grant(e.job.grant, granted_by(e.job.grant), "")
            if why:
                raise PolicyRefused(why)
        await e.attendance.look()

    async def _stand_after_a_crash(self, past: Past) -> None:
        """Where a cell is real, only an operator lets it move again; a simulated one goes on."""
        e = self._engine
        assert e.bench is not None and e.host is not None
        if e.attendance.policy == "hold":
            unknown = ", ".join(past.unknown) or "none"
            await e.held(f"resumed by {e.job.resume_by}; unknown outcome: {unknown}")
            return
        status = await asyncio.to_thread(e.host.status)
        if status is not None and status.held and status.who in ENGINE_HOLDS:
            e.bench.resume_cell(e.job.resume_by)
            await asyncio.to_thread(e.host.wait_until_free)

    async def _open(self, hello: Hello, brands: tuple[str, ...]) -> None:
        """The first event, and what a reader needs of the rest of the world."""
        e = self._engine
        await e.book.write(
            SessionOpened(
                spec=e.job.spec,
                sandbox=hello.sandbox,
                versions=versions(hello),
                cell=msgspec.to_builtins(hello.cell),
                hashes=evaluation_hashes(e.evaluation, e.job.tasks, hello.cell),
                brands=brands,
            )
        )
        e.begun = True
        cell_file = Path(e.job.cell_file)
        await attach(e.book, of_session(cell_file, hello.cell, e.job.tasks))

    async def _go_on(self, past: Past, hello: Hello) -> None:
        """Take a stopped run up again, judged by what it was judged by.

        Raises:
            PolicyRefused: Something that judges it has changed since.
        """
        e = self._engine
        now = evaluation_hashes(e.evaluation, e.job.tasks, hello.cell)
        other = differing(past.hashes, now)
        if other:
            what = f"not resumed: {', '.join(other)} changed since the session began"
            changes = await asyncio.to_thread(self._changed_since, past, now, other)
            diffs = "".join(f"\n{c.diff}" for c in changes if c.diff)
            await e.book.write(
                EvaluationChanged(changes, "resume"), RunEnded(None, "evaluation", reason=what)
            )
            raise PolicyRefused(f"{what}; put it back, or start a new session{diffs}")
        await e.book.write(
            SessionResumed(
                who=e.job.resume_by,
                versions=versions(hello),
                hashes=now,
                unfinished=past.unfinished,
                unknown=past.unknown,
                finished=past.trials,
            ),
            *closings(past),
        )
        e.begun = True

    def _changed_since(
        self, past: Past, now: dict[str, str], names: Sequence[str]
    ) -> tuple[SourceChange, ...]:
        """What judges now against the texts the session keeps."""
        e = self._engine
        with SessionReader(Path(e.job.session)) as reader:
            kept = {(a.role, a.name): reader.blob(a.blob) for a in reader.attachments()}
        tasks = {f"task {t.name}": (("task", t.name), as_kept(t)) for t in e.job.tasks}
        texts = {at: text for at, text in kept.items() if text is not None}
        return e.evaluation.changed_since(texts, past.hashes, now, names, tasks)
