"""Runs one program text on many scenes of a task: how often it succeeds, and what resets it took.

One line of JSON per scene, so that a check that was stopped goes on where it was. Trials are those
of any worker: sandboxed, reset and judged by the cameras; the referee says what each really was.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from aspire_tui.domain import Outcome, SandboxLevel, sha256_hex
from aspire_tui.environment.task import TaskDef
from aspire_tui.events import CallResult, RefereeJudged, ResetReported
from aspire_tui.rollout.bulk import WorkerSpec, worker_of
from aspire_tui.rollout.journal import MemoryJournal, OpenGate
from aspire_tui.rollout.trial import TrialSpec

FIRST_SEED: Final = 9_000_000
"""Far from the seeds that searches draw and that verifiers are checked on, and from 6,000,000 on,
where reference programs were tuned."""


class Ran(msgspec.Struct, frozen=True):
    """One scene: how its reset went, what the program's end was judged to be."""

    n: int
    program: str
    """The first digits of the text's hash."""
    verifier: Outcome | None
    referee: Outcome | None
    reset: str
    reset_attempts: int
    reset_cell_s: float
    call: str
    """The call that explains a failure, with its status."""
    reason: str
    cell_s: float
    seconds: float
    seed: int = -1
    """Which scene it was; scenes of another range are not counted together."""


@dataclass
class ProgramCheck:
    """Runs scenes in order, skipping those that were already run with the same text."""

    task: TaskDef
    program: str
    cell_file: Path
    into: Path
    levels: tuple[SandboxLevel, ...]
    first_seed: int = FIRST_SEED
    wall: Callable[[], float] = time.monotonic

    @property
    def name(self) -> str:
        return sha256_hex(self.program.encode())[:12]

    def ran(self) -> list[Ran]:
        """What the file holds of this text on these scenes, less a line that was cut off."""
        if not self.into.exists():
            return []
        found = []
        for line in self.into.read_text(encoding="utf-8").splitlines():
            try:
                found.append(msgspec.json.decode(line, type=Ran))
            except msgspec.DecodeError:
                continue
        return [r for r in found if r.program == self.name and r.seed == self.first_seed + r.n]

    def run(self, scenes: int) -> Iterator[Ran]:
        """Run the scenes that are missing up to this many, writing each before it is yielded."""
        done = {r.n for r in self.ran()}
        self.into.parent.mkdir(parents=True, exist_ok=True)
        for n in range(scenes):
            if n in done:
                continue
            one = self._one(n)
            with self.into.open("ab") as out:
                out.write(msgspec.json.encode(one) + b"\n")
            yield one

    def _one(self, n: int) -> Ran:
        began = self.wall()
        worker = worker_of(WorkerSpec(str(self.cell_file), True, self.levels, pictures="none"))
        journal = MemoryJournal()
        trial = TrialSpec(
            trial=n,
            task=self.task,
            seed=self.first_seed + n,
            seed_set="operator",
            program=self.program,
            program_id=self.name,
            hypothesis=None,
            where="worker",
            clock="sim",
        )
        closed = worker.runner.run(trial, journal, OpenGate())
        resets = [e.verdict for e in journal.events if isinstance(e, ResetReported)]
        truth = [e.outcome for e in journal.events if isinstance(e, RefereeJudged)]
        blamed = [
            e for e in journal.events if isinstance(e, CallResult) and e.call == closed.implicated
        ]
        return Ran(
            n=n,
            program=self.name,
            verifier=closed.outcome,
            referee=truth[-1] if truth else None,
            reset=resets[-1].outcome if resets else "none",
            reset_attempts=len(resets),
            reset_cell_s=round(closed.split_s.get("resetting", 0.0), 3),
            call=f"{blamed[-1].primitive} {blamed[-1].status}" if blamed else "",
            reason=closed.reason,
            cell_s=round(closed.cell_s, 2),
            seconds=round(self.wall() - began, 2),
            seed=self.first_seed + n,
        )
