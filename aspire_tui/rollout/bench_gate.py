"""The worker's side of the gate: asks before every call, serves what an operator wants of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aspire_tui.domain import CallPreview, Phase
from aspire_tui.environment.people import Heard
from aspire_tui.environment.primitives.arguments import InvalidArgument
from aspire_tui.environment.task import TaskDef
from aspire_tui.events import CallIntent
from aspire_tui.rollout.journal import Admission, MemoryJournal
from aspire_tui.rollout.link import (
    Admit,
    Ask,
    AskPerson,
    AskPhase,
    Checked,
    Committed,
    Consider,
    Considered,
    Edit,
    LinkClosed,
    Observe,
    Observed,
    PersonSaid,
    State,
)
from aspire_tui.rollout.seen import see
from aspire_tui.rollout.standing import StandingCall
from aspire_tui.rollout.station import Station
from drivers.errors import CellFault

if TYPE_CHECKING:
    from aspire_tui.rollout.bench_worker import Link

Reply = Committed | Admit | Consider | Edit | State | Observe | PersonSaid
"""What may come while the trial waits for the engine."""


@dataclass
class BenchGate:
    """Asks the engine before every call; waits while the operator holds or steps."""

    link: Link
    station: Station
    large_moves: bool = False

    def admit(self, intent: CallIntent, call: StandingCall) -> Admission:
        travel_m = _preview(call).travel_m if self.large_moves and call.primitive.moves else None
        self.link.send(Ask(intent.attempt, intent.call, intent.primitive, intent.line, travel_m))
        while not isinstance(answer := self.link.answer(), Admit):
            self._serve(answer, intent, call)
        return _admission(answer)

    def admit_phase(self, phase: Phase) -> Admission:
        self.link.send(AskPhase(phase))
        while isinstance(answer := self.link.answer(), Observe):
            self.link.send(observed(self.station, answer.task))
        if not isinstance(answer, Admit):
            raise LinkClosed("the engine answered out of turn")
        return _admission(answer)

    def _serve(self, asked: Reply, intent: CallIntent, call: StandingCall) -> None:
        """What an operator wants of the call while it stands."""
        try:
            match asked:
                case Edit(changes, who):
                    call.edit(changes, who)
                    self.link.send(Checked())
                    self._tell(intent, call)
                case State(status, value, detail, who):
                    call.state(status, value, detail, who)
                    self.link.send(Checked())
                case Consider():
                    self._tell(intent, call)
                case Observe(task):
                    self.link.send(observed(self.station, task))
                case _:
                    raise LinkClosed("the engine answered out of turn")
        except InvalidArgument as error:
            self.link.send(Checked(str(error)))

    def _tell(self, intent: CallIntent, call: StandingCall) -> None:
        edited = tuple(call.changes)
        told = Considered(intent.call, call.shown(), _preview(call), edited, call.edited_by)
        self.link.send(told)


@dataclass
class AskedThroughEngine:
    """Puts a program's questions to the people the engine knows of."""

    link: Link

    def ask(self, text: str) -> Heard:
        self.link.send(AskPerson(text))
        answer = self.link.answer()
        if not isinstance(answer, PersonSaid):
            raise LinkClosed("the engine answered out of turn")
        return Heard(answer.status, answer.text)


def observed(station: Station, task: TaskDef) -> Observed:
    """What the cell's sensors see now; the trial that may be under way learns nothing of it."""
    journal = MemoryJournal()
    try:
        seen = see(station.workbench(task, 0, journal), task)
    except CellFault as fault:
        return Observed(None, f"the cell cannot be looked at: {fault}")
    return Observed(seen, "", journal.blobs)


def _preview(call: StandingCall) -> CallPreview:
    try:
        return call.preview()
    except CellFault as fault:
        return CallPreview(call.primitive.moves, "FAULT", str(fault))


def _admission(answer: Admit) -> Admission:
    if answer.act not in ("run", "skip", "abort"):
        raise LinkClosed("the engine answered out of turn")
    return Admission(answer.act, answer.reason)  # type: ignore[arg-type]
