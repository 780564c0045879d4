"""Whether the world is still the one the results were made in: a canary every so many trials.

What it is compared with is kept in the workspace per cell, so that a camera knocked between two
sessions is found as well. When it does not hold, the trials since the last one that did are named
in the session, prove nothing, and nothing is promoted. Where there is one bench and no copy of it,
the canary is a trial of that bench like any other, on a scene that is set up for it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aspire_tui.domain import sha256_hex
from aspire_tui.engine.bench import BenchLost
from aspire_tui.engine.book import BudgetExhausted
from aspire_tui.engine.evaluation import EvaluationRefused
from aspire_tui.engine.trials import NoRoom, Stopped
from aspire_tui.events import AnyEvent, CanaryReported, Note, ResetReported, TrialClosed
from aspire_tui.rollout.canary import (
    SEEDS,
    CanaryReport,
    Reference,
    report_of,
)
from aspire_tui.rollout.canary_kept import KeptCanary
from aspire_tui.rollout.known_good import known_good
from aspire_tui.rollout.pool import BrokenProcessPool
from aspire_tui.session.reader import SessionReader
from drivers.cellfile import load_cell

if TYPE_CHECKING:
    from aspire_tui.engine.engine import Engine

EVERY: Final = 50
"""Trials from one canary to the next: of the workers, or of the bench where there are none."""
FIRST: Final = 12
"""Trials before the first: a shorter session is over before it would tell anything."""


def _settles(event: AnyEvent) -> bool:
    """It held, or named the trials that are in doubt."""
    return isinstance(event, CanaryReported) and (event.holds or bool(event.doubtful))


CANNOT: Final = (BrokenProcessPool, BenchLost, Stopped, BudgetExhausted, EvaluationRefused, NoRoom)
"""Why a canary cannot be asked. Whatever else it means, the next trial says so again."""


class Canary:
    """The canary of one engine. ``holds`` is None until it was asked, or where it cannot be."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        job = engine.job
        workspace, cell_file = Path(job.key_file).parent, Path(job.cell_file)
        self._kept = KeptCanary.of(workspace, job.spec.cell, cell_file, noise=job.spec.noise)
        self._good = known_good(load_cell(cell_file).info)
        self._since: list[int] = []
        """Trials closed since the last canary that held."""
        self._due = FIRST
        self._one = asyncio.Lock()
        self.holds: bool | None = None
        engine.trials.worker_ended = self.trial_closed
        if engine.past is not None:
            self._go_on()

    def _go_on(self) -> None:
        """Count on from where a stopped run was: what it ran since the last good canary is as much
        in doubt as what comes."""
        where = "bench" if self._engine.trials.bench_only else "worker"
        own = sha256_hex(self._good.program.encode())
        with SessionReader(Path(self._engine.job.session)) as reader:
            told = reader.events(kinds=("canary",))
            closed = [
                (r.closed_seq, r.trial)
                for r in reader.trials()
                if r.where == where and r.closed_seq is not None and r.program != own
            ]
        looked = max((r.seq for r in told), default=0)
        settled = max((r.seq for r in told if _settles(r.event)), default=0)
        self._since = [n for seq, n in closed if seq > settled]
        ran = sum(seq > looked for seq, _ in closed)
        self._due = max(1, (EVERY if told else FIRST) - ran)

    async def trial_closed(self, closed: TrialClosed) -> None:
        """Count a trial; every so many the canary is looked at before the next."""
        self._since.append(closed.trial)
        self._due -= 1
        if self._due <= 0:
            self._due = EVERY
            await self.look(f"every {EVERY} trials")

    async def before_promotion(self, skill: str) -> bool | None:
        """Look now. None: nothing could be asked, and the record says why."""
        await self.look(f"promotion of {skill}")
        return self.holds

    async def look(self, why: str) -> None:
        """Run it, compare, record."""
        async with self._one:
            reference = await asyncio.to_thread(self._kept.reference)
            try:
                report = await self._run(reference)
            except CANNOT as why_not:
                said = str(why_not) or "the canary's worker died"
                await self._say(f"no canary: {said}; the world is as unknown as before")
                return
            if report is not None:
                await self._conclude(report, reference, why)

    async def _run(self, reference: Reference | None) -> CanaryReport | None:
        """The scene of the reference; without one the first of ours that passes."""
        ask = self._at_bench if self._engine.trials.bench_only else self._in_worker
        seeds = SEEDS if reference is None else (reference.report.seed,)
        report = await ask(seeds[0])
        for seed in seeds[1:]:
            if report is None or report.outcome == "PASS":
                break
            report = await ask(seed)
        return report

    async def _in_worker(self, seed: int) -> CanaryReport:
        return await asyncio.wrap_future(self._engine.pool.submit_canary(seed))

    async def _at_bench(self, seed: int) -> CanaryReport | None:
        """One trial of the bench, read back from the record. None: its scene was not set up, which
        says nothing of the world."""
        if self._engine.bench is None:
            await self._say("no canary: this session has no bench")
            return None
        await self._engine.book.program(self._good.program, "canary")
        closed = await self._engine.trials.known_good(self._good.program, seed, self._good.task)
        if closed.outcome is None:
            await self._say(f"no canary: its trial {closed.trial} ended without a verdict")
            return None
        return await asyncio.to_thread(self._read, closed, seed)

    def _read(self, closed: TrialClosed, seed: int) -> CanaryReport:
        with SessionReader(Path(self._engine.job.session)) as reader:
            events = [r.event for r in reader.events(trial=closed.trial)]
            resets = [e for e in events if isinstance(e, ResetReported)]
            frames = resets[-1].verdict.keyframes if resets else ()
            wanted = {b.sha256 for f in frames for b in (f.rgb, f.depth) if b is not None}
            bodies = {sha: data for sha in wanted if (data := reader.blob(sha)) is not None}
        return report_of(events, bodies, closed, seed)

    async def _say(self, text: str) -> None:
        await self._engine.book.write(Note(text, "warn", "canary"))

    async def _conclude(self, report: CanaryReport, reference: Reference | None, why: str) -> None:
        found = await asyncio.to_thread(self._kept.compared, report, reference)
        self.holds = not found.reason
        doubtful = () if self.holds else tuple(self._since)
        if self.holds or doubtful:
            self._since.clear()
        await self._engine.book.write(
            CanaryReported(
                holds=self.holds,
                where="bench" if self._engine.trials.bench_only else "worker",
                checks=found.checks,
                reference=found.first,
                reason=found.reason,
                why=why,
                doubtful=doubtful,
                cell_s=report.cell_s,
            )
        )
