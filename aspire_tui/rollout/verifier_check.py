"""Sets ends of a task, good, bad and near the criterion, and asks verifier and referee about each.

One line of JSON per end, so that a check that was stopped goes on where it was. The referee only
says what an end really was: the verifier is never told.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from aspire_tui.domain import Outcome
from aspire_tui.environment import referee, verify
from aspire_tui.environment.draw import draw
from aspire_tui.environment.evidence import NullEvidence
from aspire_tui.environment.near_misses import KINDS, end_of
from aspire_tui.environment.relations import RELATIONS
from aspire_tui.environment.reset import verify_reset
from aspire_tui.environment.task import TaskDef
from aspire_tui.environment.task_fit import fit
from aspire_tui.rollout.held_end import hold_up
from aspire_tui.rollout.journal import MemoryJournal
from aspire_tui.rollout.station import Station
from drivers.cellfile import CellFile

SHARE: Final = {"good": 0.12, "near": 0.6, "bad": 0.28}
"""About three failures to two successes: of the near ends every other one fails."""
FIRST_SEED: Final = 4_000_000
"""Far from the seeds that programs are tried on."""


class Judged(msgspec.Struct, frozen=True):
    """One end: what it was meant to be, what the referee and the verifier said of it."""

    n: int
    kind: str
    verifier: Outcome
    referee: Outcome
    reason: str
    values: dict[str, float]
    seconds: float


@dataclass
class VerifierCheck:
    """Judges ends of one task on one simulated cell, in order, skipping those already judged."""

    task: TaskDef
    station: Station
    into: Path
    wall: Callable[[], float] = time.monotonic

    @classmethod
    def on(cls, task: TaskDef, cell_file: CellFile, into: Path) -> VerifierCheck:
        from drivers.sim.cell import SimCell

        cell = SimCell(cell_file)
        cameras = [camera.name for camera in cell.info.cameras]
        return cls(fit(task, cell.info.task_area, cameras), Station.on(cell, cell.stand_in), into)

    def judged(self) -> list[Judged]:
        """What the file holds; a line cut off by a crash is left out."""
        if not self.into.exists():
            return []
        found = []
        for line in self.into.read_text(encoding="utf-8").splitlines():
            try:
                found.append(msgspec.json.decode(line, type=Judged))
            except msgspec.DecodeError:
                continue
        return found

    def run(self, ends: int, failures: int, successes: int) -> Iterator[Judged]:
        """Judge ends, writing each before it is yielded, until the referee has called so many
        failures and so many successes, or this many ends were drawn."""
        judged = self.judged()
        done = {j.n for j in judged}
        true = Counter(j.referee for j in judged)
        self.into.parent.mkdir(parents=True, exist_ok=True)
        for n in range(ends):
            if true["FAIL"] >= failures and true["PASS"] >= successes:
                return
            if n in done:
                continue
            one = self._one(n)
            if one is None:
                continue
            true[one.referee] += 1
            with self.into.open("ab") as out:
                out.write(msgspec.json.encode(one) + b"\n")
            yield one

    def _one(self, n: int) -> Judged | None:
        began = self.wall()
        rng = np.random.default_rng([n, 77])
        kind = str(rng.choice(KINDS, p=[SHARE[k] for k in KINDS]))
        seed = FIRST_SEED + n
        bench = self.station.workbench(self.task, seed, MemoryJournal())
        for each in bench.benches:
            each.evidence = NullEvidence()  # Nobody looks at these pictures again.
        placed, spec = draw(self.task, seed, 1, bench.table_z_m)
        self.station.stand_in.reset_scene(spec)
        bench.forget()
        # Cameras mark what the end is compared with, as at the start of any trial.
        compared = any(RELATIONS[r.relation].mark is not None for r in self.task.goal)
        if compared and verify_reset(self.task, placed, bench, 1).outcome != "ok":
            return None
        marks = bench.marks
        end = end_of(self.task, placed, spec, kind, rng)
        self.station.stand_in.reset_scene(end.spec)
        bench.forget()
        bench.marks = marks
        if end.held:
            hold_up(bench, next(p for p in placed if p.thing.name == end.held), end)
        verdict = verify.verify(self.task, bench)
        truth, values = referee.judge(self.task, self.station.stand_in, bench.table_z_m)
        return Judged(
            n, kind, verdict.outcome, truth, verdict.reason, values, round(self.wall() - began, 2)
        )
