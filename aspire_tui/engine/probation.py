"""Skills on a cell they were not proven on: shown before they move, slow, counted by themselves."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from aspire_tui.domain import Breakpoint, sha256_hex
from aspire_tui.errors import ConfigError
from aspire_tui.events import BreakpointsChanged, Note, SkillOnProbation, TrialClosed
from aspire_tui.evolution.admission import CellCount, use_on
from aspire_tui.library.load import load_library
from aspire_tui.library.skill import Skill
from aspire_tui.library.splice import Spliced, spliced_regions
from aspire_tui.library.uses import Uses
from aspire_tui.session.reader import SessionReader

if TYPE_CHECKING:
    from aspire_tui.engine.engine import Engine

SLOW: Final = 0.3
"""Of full speed, while a skill is on probation."""
STOPPED: Final = frozenset({"BLOCKED", "COLLISION", "FAULT", "LIMIT", "STOPPED"})
WHO: Final = "probation"


class _Used(NamedTuple):
    skill: Skill
    region: Spliced
    on_probation: bool


class Probation:
    """Before and after every trial at the bench."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._cell = engine.job.spec.cell
        self._uses = Uses(Path(engine.job.shelf)) if engine.job.shelf else None
        self._used: list[_Used] = []
        self._points: list[int] = []
        self._speed: float | None = None
        """The override to go back to; None when it was not touched."""
        engine.trials.before_bench = self.begin
        engine.trials.after_bench = self.end

    async def begin(self, program: str) -> None:
        """Look which skills a program uses here, and be careful with those not proven here."""
        if self._uses is None:
            return
        try:
            self._used = await asyncio.to_thread(self._skills_in, program)
        except ConfigError as error:
            await self._engine.book.write(Note(str(error), "warn", "probation"))
            return
        bench, watched = self._engine.bench, self._engine.attendance.someone()
        for used in self._used:
            if not used.on_probation or bench is None:
                continue
            count = self._counts(used.skill).get(self._cell, CellCount(self._cell, 0, 0))
            use = use_on(self._cell, proven_cells(used.skill), {self._cell: count})
            self._slow_down()
            if watched:
                self._stand_before(used.region, program)
            await self._engine.book.write(
                SkillOnProbation(
                    skill=used.skill.name,
                    cell=self._cell,
                    why=use.why,
                    k=count.k,
                    n=count.n,
                    speed=SLOW,
                    previewed=watched,
                )
            )
        if self._points and bench is not None:
            await self._engine.book.write(BreakpointsChanged(bench.gate.breakpoints, ""))

    async def end(self, closed: TrialClosed) -> None:
        """Count what was used, and take the care back."""
        bench = self._engine.bench
        if bench is not None and self._points:
            for number in self._points:
                bench.gate.remove(number)
            await self._engine.book.write(BreakpointsChanged(bench.gate.breakpoints, ""))
        if bench is not None and self._speed is not None:
            bench.set_speed(self._speed, WHO)
        self._points, self._speed = [], None
        used, self._used = self._used, []
        if used and closed.outcome is not None and closed.counted:
            await asyncio.to_thread(self._count, used, closed)

    def _skills_in(self, program: str) -> list[_Used]:
        regions = spliced_regions(program)
        if not regions:
            return []
        folders = [Path(p) for p in self._engine.job.skill_folders]
        known = {s.name: s for s in load_library(folders).skills}
        found = []
        for region in regions:
            skill = known.get(region.skill)
            if skill is not None:
                use = use_on(self._cell, proven_cells(skill), self._counts(skill))
                found.append(_Used(skill, region, use.previewed or use.slow))
        return found

    def _counts(self, skill: Skill) -> dict[str, CellCount]:
        assert self._uses is not None
        here = self._uses.of(skill.name, skill.digest)
        return {c: CellCount(c, u.k, u.n, u.broken) for c, u in here.items()}

    def _slow_down(self) -> None:
        host, bench = self._engine.host, self._engine.bench
        if self._speed is not None or host is None or bench is None:
            return
        now = host.seen.speed if host.seen is not None else 1.0
        if now > SLOW:
            self._speed = now
            bench.set_speed(SLOW, WHO)

    def _stand_before(self, region: Spliced, program: str) -> None:
        """A breakpoint on every line of the skill: whichever calls first, its preview is shown."""
        bench = self._engine.bench
        if bench is None:
            return
        name = sha256_hex(program.encode())
        before = {b.number for b in bench.gate.breakpoints}
        for line in range(region.first_line, region.last_line + 1):
            point = bench.gate.add(Breakpoint(0, "line", line=line, program=name))
            if point.number not in before:
                self._points.append(point.number)

    def _count(self, used: list[_Used], closed: TrialClosed) -> None:
        assert self._uses is not None
        with SessionReader(Path(self._engine.job.session)) as reader:
            calls = reader.calls(closed.trial)
        for each in used:
            own = [c for c in calls if each.region.first_line <= c.line <= each.region.last_line]
            if own:
                passed = closed.outcome == "PASS"
                broke = not passed and any(c.status in STOPPED for c in own)
                self._uses.add(
                    each.skill.name, each.skill.digest, self._cell, passed=passed, broke=broke
                )


def proven_cells(skill: Skill) -> frozenset[str]:
    """Cells on which its evidence says that it helps."""
    proofs = skill.evidence.proofs
    return frozenset(Path(p.cell).stem for p in proofs if p.rate_with.k > p.rate_without.k)
