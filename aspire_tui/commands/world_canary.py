"""The canary before a promotion on the command line: is the world still the one of the proof?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from aspire_tui.commands.context import Context
from aspire_tui.commands.jobs import cell_named
from aspire_tui.config import Workspace
from aspire_tui.errors import ConfigError
from aspire_tui.events import CanaryReported, Recorded
from aspire_tui.rollout.bulk import WorkerSpec
from aspire_tui.rollout.canary import SEEDS, CanaryReport
from aspire_tui.rollout.canary_kept import KeptCanary
from aspire_tui.rollout.pool import BrokenProcessPool, LocalPool
from aspire_tui.rollout.sandbox.levels import admitted
from aspire_tui.session.reader import SessionReader
from drivers.cellfile import load_cell


class Bench(NamedTuple):
    """A cell that evidence was made on."""

    name: str
    cell_file: Path
    noise: bool


class World(NamedTuple):
    """``holds`` is None where no cell of the evidence has a stand-in to ask."""

    holds: bool | None
    lines: tuple[str, ...]


Ask = Callable[[Bench, int], CanaryReport]


def benches_of(sessions: Sequence[Path]) -> tuple[Bench, ...]:
    """The cells these recordings were made on, each once."""
    found: dict[Bench, None] = {}
    for path in sessions:
        with SessionReader(path) as reader:
            first = reader.snapshot().session
        if first is not None:
            spec = first.spec
            found[Bench(Path(spec.cell).stem, Path(spec.cell_file), spec.noise)] = None
    return tuple(found)


def world_of(context: Context, sessions: Sequence[Path], ask: Ask | None = None) -> World:
    """Run the canary on every cell of the evidence that has a stand-in; the first is kept."""
    verdicts: list[bool] = []
    lines: list[str] = []
    for bench in benches_of(sessions):
        here = _as_it_is_here(bench, context.workspace)
        if here is None or not load_cell(here.cell_file).has_workers:
            last = last_told(bench, sessions)
            if last is None:
                lines.append(f"no canary on {bench.name}: no worker has a copy of it here")
                continue
            verdicts.append(last.holds)
            said = "it held" if last.holds else last.reason
            lines.append(f"canary on {bench.name}, the last of its recordings: {said}")
            continue
        kept = KeptCanary.of(context.workspace.root, here.name, here.cell_file, noise=here.noise)
        reference = kept.reference()
        seeds = SEEDS if reference is None else (reference.report.seed,)
        try:
            report = _first_that_passes(here, seeds, ask or in_a_worker)
        except BrokenProcessPool:
            lines.append(f"the canary's worker died on {here.name}: it says nothing")
            continue
        seen = kept.compared(report, reference)
        verdicts.append(not seen.reason)
        told = "the first, kept to compare with" if seen.first else "as it was"
        lines.append(f"canary on {here.name}: {seen.reason or told}")
    return World(all(verdicts) if verdicts else None, tuple(lines))


def last_told(bench: Bench, sessions: Sequence[Path]) -> CanaryReported | None:
    """What the newest recording made on a bench there is one of says of its world."""
    found: list[Recorded] = []
    for path in sessions:
        with SessionReader(path) as reader:
            first = reader.snapshot().session
            if first is not None and Path(first.spec.cell).stem == bench.name:
                found += reader.newest_events(1, ["canary"])
    newest = max(found, key=lambda r: r.wall_s, default=None)
    told = None if newest is None else newest.event
    return told if isinstance(told, CanaryReported) else None


def _first_that_passes(bench: Bench, seeds: Sequence[int], ask: Ask) -> CanaryReport:
    for seed in seeds[:-1]:
        report = ask(bench, seed)
        if report.outcome == "PASS":
            return report
    return ask(bench, seeds[-1])


def _as_it_is_here(bench: Bench, workspace: Workspace) -> Bench | None:
    """The cell file a recording names, or the one of that name that is here."""
    if bench.cell_file.is_file():
        return bench
    try:
        path, _ = cell_named(bench.name, workspace)
    except ConfigError:
        return None
    return bench._replace(cell_file=path)


def in_a_worker(bench: Bench, seed: int) -> CanaryReport:
    """Run it in a process of its own, as a run would."""
    hardware = load_cell(bench.cell_file).info.kind == "hardware"
    levels = admitted(hardware=hardware, waived=False)
    pool = LocalPool(WorkerSpec(str(bench.cell_file), bench.noise, levels), 1)
    try:
        return pool.submit_canary(seed).result()
    finally:
        pool.close()
