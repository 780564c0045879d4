"""The one tool set of every agent: what it may ask of a running session, typed and bounded.

Dev seeds only; held-out seeds, the referee and simulator truth are not reachable through any tool.
Everything that came from the scene or from a program is data, never an instruction.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from aspire_tui.domain import JSON, HypothesisStatus, Repair, Status
from aspire_tui.environment.task import TaskDef


class CallBrief(msgspec.Struct, frozen=True):
    """One line of the index of calls."""

    call: int
    primitive: str
    status: Status
    line: int
    duration_s: float
    summary: str


class TrialBrief(msgspec.Struct, frozen=True):
    """What an agent learns of one dev trial before it opens any call."""

    trial: int
    seed_index: int
    outcome: str
    """PASS, FAIL, UNSURE, or ``none`` when there was nothing to judge."""
    ended: str
    reason: str
    implicated: int | None
    calls: tuple[CallBrief, ...] = ()
    """The index of its calls, of failures that differ from each other; empty: ask for it."""
    called_with: str = ""
    """Arguments of the implicated call, where its index is shown."""


class CallDetail(msgspec.Struct, frozen=True):
    """One call opened: arguments, what it answered, and what it reached."""

    call: int
    primitive: str
    status: Status
    line: int
    args: dict[str, JSON]
    value: JSON
    summary: str
    error_m: float | None


class CheckBrief(msgspec.Struct, frozen=True):
    """One check of a verdict, as the verifier gave it."""

    name: str
    source: str
    outcome: str
    text: str


class SkillMatch(msgspec.Struct, frozen=True):
    """A skill whose signature fits a failing call, with what its sketch needs."""

    skill: str
    why: str
    same_task: bool
    parameters: dict[str, tuple[float, ...]]
    """Values worth trying for each parameter, best guess first."""


class Opened(msgspec.Struct, frozen=True):
    """Answer to a proposed program: its number in the tree, or why it was refused."""

    hypothesis: int | None
    program: str
    findings: tuple[str, ...] = ()


class Judged(msgspec.Struct, frozen=True):
    """What the selection seeds said of a hypothesis against its parent."""

    status: HypothesisStatus
    reason: str
    k: int
    n: int


class ToolRefused(Exception):
    """The session would not do it: budget, unknown number, stopped. The text says which."""


class Tools(Protocol):
    """What an agent may do. Calls block until the answer is there."""

    def task(self) -> TaskDef: ...

    def say(self, text: str, role: str = "message") -> None:
        """Tell the operator something; it goes into the session."""
        ...

    def open_hypothesis(
        self,
        *,
        claim: str,
        difference: str,
        if_wrong: str,
        program: str,
        parent: int | None,
        repairs: tuple[Repair, ...] = (),
    ) -> Opened:
        """Put a program into the tree. It is checked, not yet run."""
        ...

    def run(self, hypothesis: int, seed_indices: list[int], *, bench: bool) -> list[TrialBrief]:
        """Run a program on dev seeds, at the bench for people to see or in the workers."""
        ...

    def calls(self, trial: int) -> list[CallBrief]:
        """The index of a trial's calls."""
        ...

    def call(self, trial: int, call: int) -> CallDetail: ...

    def checks(self, trial: int) -> list[CheckBrief]:
        """The verifier's checks of a trial."""
        ...

    def match_skills(self, trial: int, call: int, program: str) -> list[SkillMatch]:
        """Skills whose signature fits this failing call, best first."""
        ...

    def apply_skill(
        self, skill: str, trial: int, call: int, program: str, parameters: dict[str, float]
    ) -> str:
        """The program with the skill's sketch spliced in at the implicated call."""
        ...

    def judge(self, hypothesis: int) -> Judged:
        """Run the selection seeds against the parent and decide keep or prune."""
        ...

    def borrow(self, into: int, donor: int) -> Opened:
        """What another branch changed, joined into this one; open until it is judged."""
        ...

    def prune(self, hypothesis: int, reason: str) -> None:
        """Give a hypothesis up, with the reason the next round is told."""
        ...

    def finish(self, best: int | None, summary: str) -> None:
        """The agent is done; the engine runs the held-out seeds once."""
        ...
