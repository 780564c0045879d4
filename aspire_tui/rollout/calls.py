"""The way of one call: intent committed, gate, primitive, result committed, answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec
import numpy as np

from aspire_tui.domain import Evidence, RobotState, Status
from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.motion.pose import quaternion
from aspire_tui.environment.outcome import PrimitiveOutcome
from aspire_tui.environment.primitives.registry import Primitive
from aspire_tui.events import CallIntent, CallResult, Samples
from aspire_tui.rollout.journal import Gate, Journal
from aspire_tui.rollout.metered import MeteredCell
from aspire_tui.rollout.sandbox.api import Abort, Answer, Call
from aspire_tui.rollout.standing import StandingCall
from aspire_tui.rollout.values import answer_of, summarise
from drivers.errors import CellFault


@dataclass
class CallServer:
    """Answers the calls of one program. An instance serves one attempt."""

    trial: int
    attempt: int
    bench: Workbench
    cell: MeteredCell
    names: Mapping[str, Primitive]
    journal: Journal
    gate: Gate
    cell_limit_s: float
    first_call: int = 0
    clock: Callable[[], float] = time.monotonic
    unanswered: str = ""
    """What the program asked and nobody answered."""
    fault: str = ""
    """Why the cell can no longer be used, when it was lost under a call."""

    def __post_init__(self) -> None:
        self.calls = self.first_call
        self._opened_s = self.cell.now_s()
        self._robots = [RobotStates(bench) for bench in self.bench.benches]

    def __call__(self, call: Call) -> Answer:
        self.calls += 1
        intent = self._intent(call)
        self.journal.record(intent)
        stood = StandingCall(self.bench, self.names[call.function], call.args)
        asked_s = self.cell.now_s()
        admission = self.gate.admit(intent, stood)
        # An operator's time is not the program's.
        self._opened_s += self.cell.now_s() - asked_s
        if admission.act == "abort":
            self._close(intent, PrimitiveOutcome("STOPPED", None, admission.reason), 0.0, 0.0)
            raise Abort("aborted", admission.reason)
        if admission.act == "skip" and stood.result is not None:
            self._close(intent, stood.result, 0.0, 0.0, stood=stood)
            return answer_of(stood.result)
        stood.result, stood.skipped_by = None, ""
        return self._run(intent, stood)

    def _intent(self, call: Call) -> CallIntent:
        return CallIntent(
            trial=self.trial,
            attempt=self.attempt,
            call=self.calls,
            primitive=call.function,
            args=summarise(call.args),
            line=call.line,
            cell_s=self.cell.now_s(),
        )

    def refuse(self, call: Call, why: str) -> None:
        """Record a call that never reached a primitive: not finite, undeclared, over its budget."""
        self.calls += 1
        intent = self._intent(call)
        self.journal.record(intent)
        self._close(intent, PrimitiveOutcome("INVALID", None, why, raises=True), 0.0, 0.0)

    def _run(self, intent: CallIntent, stood: StandingCall) -> Answer:
        robot = self._robots[stood.primitive.arm]
        before = robot.now()
        began_s, wall = self.cell.now_s(), self.clock()
        self.cell.lap()
        try:
            if began_s - self._opened_s > self.cell_limit_s:
                outcome = _over_budget(began_s - self._opened_s, self.cell_limit_s)
            else:
                outcome = stood.primitive.invoke(self.bench, stood.args)
        except CellFault as fault:
            self.fault = str(fault)
            outcome = PrimitiveOutcome("FAULT", None, f"the cell is gone: {fault}", raises=True)
            self._close(intent, outcome, 0.0, self.clock() - wall, stood=stood)
            raise Abort("killed", f"cell fault: {fault}") from None
        held_s, moved = self.cell.lap()
        elapsed_s = self.cell.now_s() - began_s
        if stood.primitive.group == "people":
            self._opened_s += elapsed_s  # a person's time is not the program's
        evidence = msgspec.structs.replace(outcome.evidence, before=before, after=robot.now())
        if moved:
            for bench in self.bench.benches:
                self._keep_samples(intent, began_s, bench.arm.name)
        self._close(
            intent,
            outcome,
            max(0.0, elapsed_s - held_s),
            self.clock() - wall,
            evidence=evidence,
            held_s=held_s,
            stood=stood,
        )
        if outcome.status == "STOPPED":
            raise Abort("aborted", outcome.summary)
        return answer_of(outcome)

    def _close(
        self,
        intent: CallIntent,
        outcome: PrimitiveOutcome,
        duration_s: float,
        wall_s: float,
        *,
        evidence: Evidence | None = None,
        held_s: float = 0.0,
        stood: StandingCall | None = None,
    ) -> None:
        if outcome.status == "TIMEOUT" and self.names[intent.primitive].group == "people":
            self.unanswered = str(intent.args.get("text", ""))
        skipped_by = stood.skipped_by if stood else ""
        edited_by = stood.edited_by if stood and not skipped_by else ""
        self.journal.record(
            CallResult(
                trial=self.trial,
                attempt=self.attempt,
                call=intent.call,
                primitive=intent.primitive,
                status=outcome.status,
                summary=outcome.summary,
                duration_s=duration_s,
                cell_s=intent.cell_s if self.fault else self.cell.now_s(),
                value=summarise(outcome.value),
                error_m=outcome.error_m,
                held_s=held_s,
                evidence=evidence if evidence is not None else outcome.evidence,
                operator="skipped" if skipped_by else "edited" if edited_by else "",
                think_s=wall_s,
                skipped_by=skipped_by,
                edited_by=edited_by,
                edited_args=summarise(stood.args) if stood and edited_by else {},
            )
        )

    def _keep_samples(self, intent: CallIntent, since_s: float, arm: str) -> None:
        log = self.cell.samples(arm, since_s)
        if not len(log.t_s):
            return
        n = log.q_rad.shape[1]
        table = np.column_stack([log.t_s, log.q_rad, log.q_cmd_rad, log.width_m, log.width_cmd_m])
        columns = (
            "t_s",
            *(f"q{i}" for i in range(n)),
            *(f"c{i}" for i in range(n)),
            "width_m",
            "width_cmd_m",
        )
        self.journal.samples(
            Samples(
                trial=self.trial,
                call=intent.call,
                arm=arm,
                t0_s=float(log.t_s[0]),
                t1_s=float(log.t_s[-1]),
                rows=len(log.t_s),
                columns=columns,
                data=table.astype("<f4").tobytes(),
            )
        )


def _over_budget(used_s: float, limit_s: float) -> PrimitiveOutcome:
    status: Status = "INVALID"
    return PrimitiveOutcome(
        status, None, f"the attempt used {used_s:.0f} s of cell time, limit {limit_s:.0f} s", True
    )


class RobotStates:
    """The arm now, from its own readings. An arm that reads the same stands at the same pose."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._q_rad: tuple[float, ...] | None = None
        self._state: RobotState | None = None

    def now(self) -> RobotState:
        sample = self._bench.sample()
        q_rad = tuple(sample.q_rad)
        if self._state is None or q_rad != self._q_rad:
            T = self._bench.kinematics.tool_pose(np.array(q_rad))
            w, x, y, z = (float(v) for v in quaternion(T[:3, :3]))
            self._q_rad = q_rad
            self._state = RobotState(
                q_rad=tuple(round(q, 5) for q in q_rad),
                xyz_m=(float(T[0, 3]), float(T[1, 3]), float(T[2, 3])),
                wxyz=(w, x, y, z),
                width_m=sample.width_m,
                grip_force_N=sample.grip_force_N,
            )
        if (self._state.width_m, self._state.grip_force_N) != (sample.width_m, sample.grip_force_N):
            self._state = msgspec.structs.replace(
                self._state, width_m=sample.width_m, grip_force_N=sample.grip_force_N
            )
        return self._state
