"""A program in the stand-in, from what a cell's sensors saw: the work of one process.

The same trial as at the bench, but for its start: instead of a reset, the scene is what was seen,
and the arm stands at the measured joints. Nothing here has a way to the cell.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from aspire_tui.domain import DryCall, ProgramEnd, ResetVerdict, SeenCell, Verdict
from aspire_tui.environment.reset import COLOURS
from aspire_tui.environment.task import TaskDef
from aspire_tui.events import (
    CallIntent,
    CallResult,
    ProgramEnded,
    ResetReported,
    TrialClosed,
    VerdictGiven,
)
from aspire_tui.rollout.bulk import WorkerSpec
from aspire_tui.rollout.journal import Journal, MemoryJournal, OpenGate
from aspire_tui.rollout.sandbox.launcher import Sandbox
from aspire_tui.rollout.station import Station
from aspire_tui.rollout.trial import TrialRunner, TrialSpec
from drivers.cellfile import CellFile, load_cell
from drivers.sim.scene import SceneObject, SceneSpec
from drivers.types import CellInfo

if TYPE_CHECKING:
    from drivers.sim.cell import SimCell

UNNAMED_RGB = (0.5, 0.5, 0.5)
UNNAMED_KG = 0.2


class DrySpec(msgspec.Struct, frozen=True):
    """One program, and the cell as it was seen."""

    worker: WorkerSpec
    task: TaskDef
    program: str
    program_id: str
    seen: SeenCell


class DryReport(msgspec.Struct, frozen=True):
    """How it went."""

    ended: ProgramEnd | None
    error: str
    claimed: bool | None
    calls: tuple[DryCall, ...]
    verdict: Verdict | None
    cell_s: float
    wall_s: float
    brands: tuple[str, ...]


def run_dry(spec: DrySpec) -> DryReport:
    """Run it; free of wall time."""
    from drivers.sim.cell import SimCell

    began = time.monotonic()
    cell = SimCell(_simulated(load_cell(Path(spec.worker.cell_file))), noise=spec.worker.noise)
    sandbox = Sandbox.start(spec.worker.levels)
    try:
        journal = MemoryJournal()
        runner = _FromSeen(
            Station.on(cell, cell.stand_in, spec.worker.tier, sight=spec.worker.sight),
            sandbox,
            seen=spec.seen,
            stand_in_cell=cell,
        )
        closed = runner.run(_trial(spec), journal, OpenGate())
        return _report(journal, closed, cell.info.brands, time.monotonic() - began)
    finally:
        sandbox.close()
        cell.close()


@dataclass
class _FromSeen(TrialRunner):
    """A trial that starts from what was seen instead of from a reset. No truth is asked for."""

    seen: SeenCell = field(kw_only=True)
    stand_in_cell: SimCell = field(kw_only=True)

    def _reset(self, spec: TrialSpec, journal: Journal) -> ResetVerdict:
        self._phase(spec, journal, "resetting", "as the cell was seen")
        cell, seen = self.stand_in_cell, self.seen
        scene = cell.stand_in.reset_scene(scene_of(seen, spec.task))
        cell.stand_in.place_arm(cell.info.arms[0].name, seen.q_rad, seen.width_m)
        self.bench.forget()
        verdict = ResetVerdict("ok", 1, 1, (), "the scene is what was seen; nothing was drawn")
        journal.record(ResetReported(spec.trial, verdict, scene))
        return verdict

    def _judge_by_truth(self, spec: TrialSpec, journal: Journal) -> None:
        """What was not seen is not there, so truth would judge a guess."""


def scene_of(seen: SeenCell, task: TaskDef) -> SceneSpec:
    """The seen boxes as rigid things: named ones as the task describes them, at the seen size."""
    named = {o.name: o for o in task.objects}
    things = []
    for thing in seen.things:
        known = named.get(thing.name)
        things.append(
            SceneObject(
                name=thing.name,
                shape=known.shape if known else "box",
                size_m=thing.size_m,
                rgb=COLOURS[known.colour] if known else UNNAMED_RGB,
                mass_kg=known.mass_kg if known else UNNAMED_KG,
                xyz_m=thing.xyz_m,
                yaw_rad=thing.yaw_rad,
            )
        )
    return SceneSpec(objects=tuple(things))


def _simulated(cell: CellFile) -> CellFile | CellInfo:
    """The stand-in of a cell of any kind: same arm, cameras and workspace."""
    if cell.info.kind == "sim":
        return cell
    return msgspec.structs.replace(cell.info, kind="sim", clock="sim")


def _trial(spec: DrySpec) -> TrialSpec:
    return TrialSpec(
        trial=0,
        task=spec.task,
        seed=0,
        seed_set="operator",
        program=spec.program,
        program_id=spec.program_id,
        hypothesis=None,
        where="worker",
        clock="sim",
    )


def _report(
    journal: MemoryJournal, closed: TrialClosed, brands: tuple[str, ...], wall_s: float
) -> DryReport:
    lines = {e.call: e.line for e in journal.events if isinstance(e, CallIntent)}
    calls = tuple(
        DryCall(e.call, e.primitive, lines.get(e.call, 0), e.status, e.summary, e.duration_s)
        for e in journal.events
        if isinstance(e, CallResult)
    )
    ended = next((e for e in journal.events if isinstance(e, ProgramEnded)), None)
    given = next((e for e in journal.events if isinstance(e, VerdictGiven)), None)
    verdict = None if given is None else msgspec.structs.replace(given.verdict, keyframes=())
    return DryReport(
        ended=None if ended is None else ended.ended,
        error=closed.reason if ended is None else ended.error,
        claimed=None if ended is None else ended.claimed,
        calls=calls,
        verdict=verdict,
        cell_s=closed.cell_s,
        wall_s=wall_s,
        brands=brands,
    )
