"""What one call costs: program → RPC → policy → gate → intent → primitive → result → answer."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from aspire_tui.domain import sha256_hex
from aspire_tui.environment.task_file import find_task
from aspire_tui.rollout.calls import CallServer
from aspire_tui.rollout.journal import MemoryJournal, OpenGate
from aspire_tui.rollout.namespace import namespace_of
from aspire_tui.rollout.sandbox.api import ProgramLimits
from aspire_tui.rollout.sandbox.launcher import Sandbox
from aspire_tui.rollout.station import Station
from aspire_tui.session.journal import RecorderJournal
from aspire_tui.session.recorder import Recorder
from drivers.cellfile import load_cell
from drivers.sim.cell import SimCell
from tests.bench.figure import Figure, at_most

CALLS = 400
COMMAND = "python -m tests.bench call"
CELL = Path(__file__).parents[2] / "drivers" / "cells" / "yam.toml"


def figures() -> list[Figure]:
    program = f"for i in range({CALLS}):\n    task_language()\n"
    cell = SimCell(load_cell(CELL))
    station = Station.on(cell, cell.stand_in)
    task = find_task("cube_lift")
    out = []
    with (
        Sandbox.start() as sandbox,
        tempfile.TemporaryDirectory() as folder,
        Recorder.create(Path(folder) / "bench.db") as recorder,
    ):
        for name, journal in (
            ("one call, no disk: RPC, gate, policy, both records", MemoryJournal()),
            ("one call with two durable commits", RecorderJournal(recorder)),
        ):
            each_ms = _per_call_ms(station, task, sandbox, journal, program)
            goal = at_most(0.3, each_ms) if isinstance(journal, MemoryJournal) else "-"
            goal_text = "≤ 0.3 ms" if goal != "-" else "0.3 ms + 2 × fsync"
            out.append(Figure(name, goal_text, f"{each_ms:.3f} ms", COMMAND, goal))
    return out


def _per_call_ms(station, task, sandbox, journal, program):  # type: ignore[no-untyped-def]
    rounds = []
    for _ in range(3):
        bench = station.workbench(task, 1, journal)
        names = station.names(task)
        server = CallServer(1, 1, bench, station.cell, names, journal, OpenGate(), 600.0)
        limits = ProgramLimits(calls=CALLS + 1)
        began = time.perf_counter()
        ended = sandbox.run(program, namespace_of(names), server, limits)
        if ended.ended != "returned":
            raise RuntimeError(f"{sha256_hex(program.encode())[:8]}: {ended.error}")
        rounds.append(1e3 * (time.perf_counter() - began) / CALLS)
    return statistics.median(rounds)


if __name__ == "__main__":
    for figure in figures():
        print(figure)
