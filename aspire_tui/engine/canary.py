"""Whether the world is still the one the results were made in: a canary every so many trials.

What it is compared with is kept in the workspace per cell, so that a camera knocked between two
sessions is found as well. When it does not hold, the trials since the last one that did are named
in the session, prove nothing, and nothing is promoted.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aspire_tui.events import CanaryReported, Note, TrialClosed
from aspire_tui.rollout.canary import SEEDS, CanaryReport, Reference
from aspire_tui.rollout.canary_kept import KeptCanary
from aspire_tui.rollout.pool import BrokenProcessPool

if TYPE_CHECKING:
    from aspire_tui.engine.engine import Engine

EVERY: Final = 50
"""Worker trials from one canary to the next."""
FIRST: Final = 12
"""Worker trials before the first: a shorter session is over before it would tell anything."""


class Canary:
    """The canary of one engine. ``holds`` is None until it was asked, or where it cannot be."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        job = engine.job
        workspace, cell_file = Path(job.key_file).parent, Path(job.cell_file)
        self._kept = KeptCanary.of(workspace, job.spec.cell, cell_file, noise=job.spec.noise)
        self._since: list[int] = []
        """Trials closed since the last canary that held."""
        self._due = FIRST
        self._one = asyncio.Lock()
        self.holds: bool | None = None
        engine.trials.worker_ended = self.trial_closed

    async def trial_closed(self, closed: TrialClosed) -> None:
        """Count a worker trial; every so many the canary is looked at before the next."""
        self._since.append(closed.trial)
        self._due -= 1
        if self._due <= 0:
            self._due = EVERY
            await self.look(f"every {EVERY} trials")

    async def before_promotion(self, skill: str) -> bool | None:
        """Look now. None: this cell has no stand-in to ask, and the record says so."""
        await self.look(f"promotion of {skill}")
        return self.holds

    async def look(self, why: str) -> None:
        """Run it, compare, record."""
        if self._engine.trials.bench_only:
            await self._engine.book.write(
                Note("no canary on this cell: no worker has a copy of it", "warn", "canary")
            )
            return
        async with self._one:
            reference = await asyncio.to_thread(self._kept.reference)
            try:
                report = await self._run(reference)
            except BrokenProcessPool:
                await self._engine.book.write(
                    Note("the canary's worker died; the world is as unknown as before", "warn")
                )
                return
            await self._conclude(report, reference, why)

    async def _run(self, reference: Reference | None) -> CanaryReport:
        """The scene of the reference; without one the first of ours that passes."""
        seeds = SEEDS if reference is None else (reference.report.seed,)
        report = await asyncio.wrap_future(self._engine.pool.submit_canary(seeds[0]))
        for seed in seeds[1:]:
            if report.outcome == "PASS":
                break
            report = await asyncio.wrap_future(self._engine.pool.submit_canary(seed))
        return report

    async def _conclude(self, report: CanaryReport, reference: Reference | None, why: str) -> None:
        found = await asyncio.to_thread(self._kept.compared, report, reference)
        self.holds = not found.reason
        doubtful = () if self.holds else tuple(self._since)
        if self.holds or doubtful:
            self._since.clear()
        await self._engine.book.write(
            CanaryReported(
                holds=self.holds,
                where="worker",
                checks=found.checks,
                reference=found.first,
                reason=found.reason,
                why=why,
                doubtful=doubtful,
                cell_s=report.cell_s,
            )
        )
