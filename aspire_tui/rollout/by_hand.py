"""What an operator has the cell do outside of any trial: home, reset, verify. It counts nowhere."""

from __future__ import annotations

import msgspec

from aspire_tui.domain import ResetVerdict
from aspire_tui.environment import reset, verify
from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.parking import park
from aspire_tui.environment.task import TaskDef
from aspire_tui.environment.task_fit import fit
from aspire_tui.events import HandAct
from aspire_tui.rollout.journal import Journal
from aspire_tui.rollout.link import ByHand
from aspire_tui.rollout.station import Station
from drivers.errors import CellFault, CellRefused


def do_by_hand(asked: ByHand, station: Station, journal: Journal) -> None:
    """Carry out one act and record what came of it; a fault of the cell is told, not raised."""
    said = HandAct(asked.act, asked.who, asked.id, asked.task.name, asked.seed)
    try:
        said = _done(said, asked, station, journal)
    except (CellFault, CellRefused) as fault:
        said = msgspec.structs.replace(said, done=False, text=str(fault))
    journal.record(msgspec.structs.replace(said, cell_s=_now_s(station)))


def _done(said: HandAct, asked: ByHand, station: Station, journal: Journal) -> HandAct:
    task = fit(asked.task, station.cell.info.task_area)
    bench = station.workbench(task, asked.seed, journal)
    if asked.act == "home":
        stuck = park(bench)
        return msgspec.structs.replace(said, done=not stuck, text=stuck or "at home, gripper open")
    if asked.act == "verify":
        verdict = verify.verify(task, bench)
        text = f"{verdict.outcome}: {verdict.reason}"
        return msgspec.structs.replace(said, text=text, verdict=verdict)
    found = _reset(task, asked.seed, bench, station)
    text = f"{found.outcome}: {found.reason}"
    return msgspec.structs.replace(said, done=found.outcome == "ok", text=text, reset=found)


def _reset(task: TaskDef, seed: int, bench: Workbench, station: Station) -> ResetVerdict:
    attempt = 1
    while True:
        verdict, _ = reset.reset(task, seed, bench, station.stand_in, attempt)
        if verdict.outcome == "ok" or attempt >= task.start.attempts:
            return verdict
        attempt += 1


def _now_s(station: Station) -> float:
    try:
        return station.cell.now_s()
    except CellFault:
        return 0.0
