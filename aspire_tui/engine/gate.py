"""Whether the next call may run: held, standing, stepping, running or aborting. Pure.

HOLD closes the gate and outranks everything; only a confirmed resume, or a step, ends it. A resume
leads back to where HOLD came in: a program that stood at a breakpoint stands there again. While it
stands, an operator lets the call run, skips it, steps over it or goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from aspire_tui.domain import Breakpoint, Status

GateMode = Literal["running", "held", "standing", "stepping", "aborting"]
Answer = Literal["run", "skip", "wait", "abort"]


@dataclass(frozen=True)
class Asking:
    """What wants to go on: a call of a program, or (``call`` None) the phase after it."""

    call: int | None = None
    primitive: str = ""
    line: int = 0
    program: str = ""
    """sha256 of the program text."""
    why_stand: str = ""
    """Why this call needs somebody's word whatever the breakpoints say."""


@dataclass
class GateState:
    """The gate of one bench. ``reason`` says who closed it and why."""

    mode: GateMode = "running"
    reason: str = ""
    breakpoints: tuple[Breakpoint, ...] = ()
    at: int | None = None
    """Number of the breakpoint that made the program stand."""
    asking: Asking | None = None
    """What waits, or None."""
    _leads_to: Literal["running", "standing"] = "running"
    """Where a resume from HOLD leads."""
    _let: bool = False
    """What waits was let go: no breakpoint stops it a second time."""
    _skip: bool = False
    _numbered: int = 0

    def hold(self, reason: str) -> None:
        """Idempotent; never opens anything."""
        if self.mode not in ("aborting", "held"):
            self._leads_to = "standing" if self.mode == "standing" else "running"
        if self.mode != "aborting":
            self.mode, self.reason = "held", reason
            self._let = self._skip = False

    def resume(self) -> bool:
        """Open the gate, or after HOLD go back to standing. False when there was nothing to do."""
        if self.mode == "held" and self._leads_to == "standing":
            self.mode, self.reason = "standing", "stood here before HOLD"
            return True
        if self.mode not in ("held", "standing", "stepping"):
            return False
        self._let = self.asking is not None and self.mode == "standing"
        self._run()
        return True

    def step(self) -> bool:
        """Let one call through, then stand before the next."""
        if self.mode == "aborting":
            return False
        self._let = self.asking is not None
        self.mode, self.reason, self.at = "stepping", "single step", None
        return True

    def run_call(self) -> bool:
        """Let the call that stands run; the program goes on to the next breakpoint."""
        if not self.stands:
            return False
        self._let = True
        self._run()
        return True

    def skip_call(self) -> bool:
        """The call that stands is answered without running; the next one stands as well."""
        if not self.stands:
            return False
        self._skip = True
        self.reason, self.at = "after a skipped call", None
        return True

    @property
    def stands(self) -> bool:
        """A call waits for an operator's word, and no HOLD is in the way."""
        return self.mode == "standing" and self.asking is not None and self.asking.call is not None

    def abort(self, reason: str) -> None:
        self.mode, self.reason = "aborting", reason

    def ask(self, what: Asking | None = None) -> Answer:
        """Something wants to go on. What lets it go is used up by it."""
        self.asking = what or Asking()
        answer = self._judge(self.asking)
        if answer != "wait":
            self.asking, self._let, self._skip = None, False, False
        return answer

    def ended(self, call: int, primitive: str, status: Status) -> None:
        """A call has ended; a breakpoint on its status makes the program stand."""
        point = next(
            (b for b in self.breakpoints if b.kind == "status" and b.status == status), None
        )
        if point is None or self.mode == "aborting":
            return
        if self.mode == "held":
            self._leads_to = "standing"
            return
        self._stand(f"breakpoint {point.number}: call {call} {primitive} ended {status}", point)

    def trial_ended(self) -> None:
        """An abort ends with its trial; a hold and single steps outlive it."""
        self.asking, self._let, self._skip = None, False, False
        if self.mode == "aborting":
            self._leads_to = "running"
            self.mode, self.reason = "held", "trial aborted"

    def add(self, point: Breakpoint) -> Breakpoint:
        """Set a breakpoint; one that is there already is answered, not doubled."""
        for known in self.breakpoints:
            if _same(known, point):
                return known
        self._numbered += 1
        numbered = Breakpoint(
            self._numbered, point.kind, point.primitive, point.line, point.program, point.status
        )
        self.breakpoints = (*self.breakpoints, numbered)
        return numbered

    def remove(self, number: int | None) -> bool:
        """Remove one breakpoint, or all. A program that stands goes on standing."""
        left = () if number is None else tuple(b for b in self.breakpoints if b.number != number)
        removed = len(left) < len(self.breakpoints)
        self.breakpoints = left
        return removed

    def _judge(self, what: Asking) -> Answer:
        if self.mode == "aborting":
            return "abort"
        if self.mode == "held":
            return "wait"
        if self.mode == "standing":
            return "skip" if self._skip else "wait"
        if what.why_stand and not self._let:
            self._stand(what.why_stand, None)
            return "wait"
        point = None if self._let else self._hit(what)
        if point is not None:
            self._stand(f"breakpoint {point.number}: {place_of(point)}", point)
            return "wait"
        if self.mode == "stepping":
            self._stand("single step", None)
        return "run"

    def _run(self) -> None:
        self.mode, self.reason, self.at = "running", "", None

    def _stand(self, reason: str, point: Breakpoint | None) -> None:
        self.mode, self.reason = "standing", reason
        self.at = None if point is None else point.number

    def _hit(self, what: Asking) -> Breakpoint | None:
        if what.call is None:
            return None
        for b in self.breakpoints:
            if b.kind == "primitive" and b.primitive == what.primitive:
                return b
            if b.kind == "line" and b.line == what.line and b.program in ("", what.program):
                return b
        return None


def place_of(point: Breakpoint) -> str:
    """Where a breakpoint is, in words."""
    match point.kind:
        case "primitive":
            return f"before {point.primitive}"
        case "line":
            of = f" of {point.program[:8]}" if point.program else ""
            return f"line {point.line}{of}"
        case "status":
            return f"after {point.status}"


def _same(a: Breakpoint, b: Breakpoint) -> bool:
    return (a.kind, a.primitive, a.line, a.program, a.status) == (
        b.kind,
        b.primitive,
        b.line,
        b.program,
        b.status,
    )
