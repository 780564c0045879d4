"""One trial, as the method says it: reset → verify reset → execute → verify → record.

The trial knows no process and no file: it is given a cell's workbench, a sandbox and a journal,
and runs the same at the bench and in a bulk worker.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from numpy.typing import NDArray

from aspire_tui.domain import (
    Outcome,
    Phase,
    ProgramEnd,
    ResetVerdict,
    SeedSet,
    UtilisationClass,
    Verdict,
)
from aspire_tui.environment import referee, reset, verify
from aspire_tui.environment.in_scope import NotSeen, perceived
from aspire_tui.environment.task import TaskDef
from aspire_tui.environment.task_fit import fit
from aspire_tui.events import (
    PhaseChanged,
    ProgramEnded,
    RefereeJudged,
    ResetReported,
    TrialClosed,
    TrialOpened,
    VerdictGiven,
)
from aspire_tui.rollout.blame import Trace, first_implicated
from aspire_tui.rollout.calls import CallServer
from aspire_tui.rollout.journal import Gate, Journal
from aspire_tui.rollout.metered import MeteredCell
from aspire_tui.rollout.namespace import namespace_of
from aspire_tui.rollout.policy import check
from aspire_tui.rollout.sandbox.api import ProgramLimits, ProgramOutcome
from aspire_tui.rollout.sandbox.launcher import Sandbox
from aspire_tui.rollout.station import Station
from drivers.errors import CellFault


class TrialSpec(msgspec.Struct, frozen=True):
    """One trial to run. ``attempts`` > 1 asks for in-context retries on the same scene."""

    trial: int
    task: TaskDef
    seed: int
    seed_set: SeedSet
    program: str
    program_id: str
    hypothesis: int | None
    where: str
    clock: str
    attempts: int = 1


@dataclass
class TrialRunner:
    """Runs trials on one cell, one after the other."""

    station: Station
    sandbox: Sandbox
    wall: Callable[[], float] = time.monotonic

    def run(self, spec: TrialSpec, journal: Journal, gate: Gate) -> TrialClosed:
        """Run one trial and record it; always ends in exactly one TrialClosed."""
        info = self.cell.info
        cameras = [camera.name for camera in info.cameras]
        spec = msgspec.structs.replace(spec, task=fit(spec.task, info.task_area, cameras))
        journal.record(_opened(spec))
        began_s, began_wall = self.cell.now_s(), self.wall()
        watched = Trace(journal)
        self.account = Account(began_s)
        self._unanswered = False
        self.given: dict[str, NDArray[Any]] = {}
        self._earlier: list[EarlierFailure] = []
        self.bench = self.station.workbench(spec.task, spec.seed, watched)
        self.names = self.station.names(spec.task)
        try:
            closed = self._phases(spec, watched, gate)
        except CellFault as fault:
            closed = _Closing(None, None, f"cell fault: {fault}")
            self._phase(spec, journal, "fault", str(fault))
        event = TrialClosed(
            trial=spec.trial,
            outcome=closed.outcome,
            ended=closed.ended,
            implicated=None if closed.outcome == "PASS" else _last_implicated(watched),
            cell_s=self._elapsed(began_s),
            wall_s=self.wall() - began_wall,
            reason=closed.reason,
            split_s=self.account.close(self._now()),
            counted=not closed.unanswered,
        )
        journal.record(event)
        return event

    def _phases(self, spec: TrialSpec, journal: Trace, gate: Gate) -> _Closing:
        ready = self._reset(spec, journal)
        if ready.outcome != "ok":
            return _Closing(None, None, f"reset {ready.outcome}: {ready.reason}")
        try:
            self.given = perceived(spec.task, self.bench)
        except NotSeen as error:
            return _Closing(None, None, str(error))
        self._phase(spec, journal, "ready", "; ".join(["reset verified", *_told(self.given)]))
        while True:
            closing = self._attempt(spec, journal, gate)
            over = closing.outcome in (None, "PASS") or closing.ended == "refused"
            if over or closing.unanswered or len(self._earlier) + 1 >= spec.attempts:
                return closing
            self._earlier.append(_failure(len(self._earlier) + 1, closing, journal))

    def _attempt(self, spec: TrialSpec, journal: Trace, gate: Gate) -> _Closing:
        """Execute and verify, once; the scene is as the attempt before left it."""
        attempt = len(self._earlier) + 1
        if attempt > 1:
            try:
                self.given = perceived(spec.task, self.bench)
            except NotSeen as error:
                return _Closing("FAIL", None, str(error))
        ended = self._execute(spec, journal, gate)
        if ended.ended in ("aborted", "refused"):
            return _Closing(None if ended.ended == "aborted" else "FAIL", ended.ended, ended.error)
        admission = gate.admit_phase("verifying")
        if admission.act == "abort":
            return _Closing(None, "aborted", admission.reason)
        verdict = self._verify(spec, journal)
        if self._unanswered:
            verdict = unanswered(verdict)
        journal.record(VerdictGiven(spec.trial, attempt, verdict))
        self._judge_by_truth(spec, journal)
        self._phase(spec, journal, "recorded", verdict.outcome)
        reason = ended.error or verdict.reason
        return _Closing(verdict.outcome, ended.ended, reason, self._unanswered)

    def _reset(self, spec: TrialSpec, journal: Journal) -> ResetVerdict:
        attempt = 1
        while True:
            self._phase(spec, journal, "resetting", f"attempt {attempt}")
            verdict, scene = reset.reset(
                spec.task, spec.seed, self.bench, self.station.stand_in, attempt
            )
            self._phase(spec, journal, "verifying_reset", f"attempt {attempt}")
            journal.record(ResetReported(spec.trial, verdict, scene))
            if verdict.outcome == "ok" or attempt >= spec.task.start.attempts:
                return verdict
            attempt += 1

    def _execute(self, spec: TrialSpec, journal: Trace, gate: Gate) -> ProgramOutcome:
        attempt = len(self._earlier) + 1
        again = "" if attempt == 1 else f", attempt {attempt} of {spec.attempts}"
        self._phase(spec, journal, "executing", f"program started{again}")
        server = CallServer(
            trial=spec.trial,
            attempt=attempt,
            bench=self.bench,
            cell=self.cell,
            names=self.names,
            journal=journal,
            gate=gate,
            cell_limit_s=spec.task.limits.cell_s,
            first_call=max((r.call for r in journal.results), default=0),
        )
        findings = [
            f for f in check(spec.program, {*self.names, *self.given}) if f.severity == "error"
        ]
        if findings:
            worst = findings[0]
            text = f"{worst.text} (line {worst.line})"
            outcome = ProgramOutcome("refused", text, worst.line, None, "", 0, 0, 0.0)
        else:
            limits = ProgramLimits(wall_s=spec.task.limits.wall_s, calls=spec.task.limits.calls)
            told = [msgspec.to_builtins(e) for e in self._earlier]
            own = {"ATTEMPT": attempt, "EARLIER_FAILURES": told, **self.given}
            space = namespace_of(self.names, own)
            outcome = self.sandbox.run(
                spec.program, space, server, limits, on_refused=server.refuse
            )
        journal.record(
            ProgramEnded(
                trial=spec.trial,
                attempt=attempt,
                ended=outcome.ended,
                error=outcome.error,
                claimed=outcome.claimed,
                stdout=outcome.stdout,
                calls=server.calls - server.first_call,
                error_line=outcome.line,
                cut=outcome.cut,
            )
        )
        self._unanswered = bool(server.unanswered)
        if server.fault:
            raise CellFault(server.fault)
        return outcome

    def _verify(self, spec: TrialSpec, journal: Journal) -> Verdict:
        self._phase(spec, journal, "verifying", "program ended")
        return verify.verify(spec.task, self.bench)

    def _judge_by_truth(self, spec: TrialSpec, journal: Journal) -> None:
        outcome, values = referee.judge(spec.task, self.station.stand_in, self.bench.table_z_m)
        journal.record(RefereeJudged(spec.trial, len(self._earlier) + 1, outcome, values))

    def _phase(self, spec: TrialSpec, journal: Journal, phase: Phase, cause: str) -> None:
        """Go on to a phase. Workers only keep the account: nobody watches them phase by phase."""
        self.account.enter(phase, self._now())
        if spec.where == "bench":
            journal.record(PhaseChanged(spec.trial, phase, cause, self._now()))

    @property
    def cell(self) -> MeteredCell:
        return self.station.cell

    def _now(self) -> float:
        try:
            return self.cell.now_s()
        except CellFault:
            return 0.0

    def _elapsed(self, since_s: float) -> float:
        return max(0.0, self._now() - since_s)


_CLASS_OF: dict[Phase, UtilisationClass] = {
    "resetting": "resetting",
    "verifying_reset": "verifying",
    "executing": "executing",
    "verifying": "verifying",
    "fault": "fault",
}


@dataclass
class Account:
    """Cell seconds by class of one trial, from its phases."""

    since_s: float
    phase: Phase = "idle"
    split_s: dict[UtilisationClass, float] = field(default_factory=dict)

    def enter(self, phase: Phase, now_s: float) -> None:
        spent = max(0.0, now_s - self.since_s)
        if spent:
            name = _CLASS_OF.get(self.phase, "idle")
            self.split_s[name] = self.split_s.get(name, 0.0) + spent
        self.since_s, self.phase = now_s, phase

    def close(self, now_s: float) -> dict[UtilisationClass, float]:
        self.enter("recorded", now_s)
        return {k: round(v, 3) for k, v in self.split_s.items()}


@dataclass(frozen=True)
class _Closing:
    outcome: Outcome | None
    ended: ProgramEnd | None
    reason: str
    unanswered: bool = False


def _told(given: dict[str, NDArray[Any]]) -> list[str]:
    return [
        f"{name} = ({', '.join(f'{float(v):.3f}' for v in place)}) m"
        for name, place in given.items()
    ]


class EarlierFailure(msgspec.Struct, frozen=True):
    """What a program is told, as ``EARLIER_FAILURES``, of each attempt before it in this trial."""

    attempt: int
    outcome: str
    ended: str
    reason: str
    call: int | None
    """The call that explains it, and what it was."""
    primitive: str
    status: str


def _last_implicated(trace: Trace) -> int | None:
    """The call that explains why the last attempt failed."""
    last = max((r.attempt for r in trace.results), default=1)
    return first_implicated([r for r in trace.results if r.attempt == last])


def _failure(attempt: int, closing: _Closing, trace: Trace) -> EarlierFailure:
    own = [r for r in trace.results if r.attempt == attempt]
    number = first_implicated(own)
    call = next((r for r in own if r.call == number), None)
    return EarlierFailure(
        attempt,
        closing.outcome or "none",
        closing.ended or "none",
        closing.reason,
        number,
        call.primitive if call else "",
        call.status if call else "",
    )


def unanswered(verdict: Verdict) -> Verdict:
    """A program that asked and heard nothing proves nothing: UNSURE, with the checks as seen."""
    reason = f"nobody answered what the program asked; the checks alone say {verdict.outcome}"
    return msgspec.structs.replace(verdict, outcome="UNSURE", reason=reason)


def _opened(spec: TrialSpec) -> TrialOpened:
    return TrialOpened(
        trial=spec.trial,
        task=spec.task.name,
        seed=spec.seed,
        seed_set=spec.seed_set,
        program=spec.program_id,
        hypothesis=spec.hypothesis,
        where=spec.where,
        clock=spec.clock,
    )
