"""The parts of a snapshot: small frozen structs, each one thing a screen shows.

``seq`` fields name events of the session file. ``*_mono_s`` is the recorder's monotonic clock since
the session opened, ``*_cell_s`` is cell time (simulated or wall, see the trial's ``clock``).
"""

from __future__ import annotations

from typing import Literal

from aspire_tui.domain import (
    JSON,
    Budget,
    CallPreview,
    Grant,
    HypothesisStatus,
    Outcome,
    Phase,
    ProgramEnd,
    ResetVerdict,
    Role,
    RunSpec,
    SandboxReport,
    SeedSet,
    Status,
    Struct,
    Verdict,
)


class SessionView(Struct, frozen=True):
    """What the session was started to do, on what, and what makes it incomparable."""

    spec: RunSpec
    sandbox: SandboxReport
    versions: dict[str, str]
    cell: JSON
    hashes: dict[str, str]
    brands: tuple[str, ...]
    opened_wall_s: float


class CellView(Struct, frozen=True):
    """State of the driver, in its own words, and since when."""

    state: str = "OFFLINE"
    mode: str | None = None
    cause: str = ""
    who: str = ""
    since_mono_s: float = 0.0
    since_wall_s: float = 0.0
    since_cell_s: float = 0.0


class PhaseView(Struct, frozen=True):
    """Phase of the trial at the bench, and since when."""

    phase: Phase = "idle"
    trial: int | None = None
    cause: str = ""
    waits_for: str = ""
    since_mono_s: float = 0.0
    since_wall_s: float = 0.0
    since_cell_s: float = 0.0


class ModeView(Struct, frozen=True):
    """Switches the operator holds, from the accepted operator acts, see :mod:`.snapshot`."""

    stepping: bool = False
    """Every call waits for a step."""
    agent_paused: bool = False
    stopping: bool = False
    """The run was told to end."""


class CallView(Struct, frozen=True):
    """One call: its intent and, once there is one, its result."""

    trial: int
    attempt: int
    call: int
    primitive: str
    line: int
    intent_seq: int
    since_mono_s: float
    since_cell_s: float
    status: Status | None = None
    """None: in flight, or unknown outcome when the recording stopped here."""
    summary: str = ""
    duration_s: float = 0.0
    error_m: float | None = None
    result_seq: int | None = None


class StandingView(Struct, frozen=True):
    """The call the program stands before, with what it would do; the path is left out."""

    trial: int
    call: int
    primitive: str
    line: int
    why: str
    args: dict[str, JSON]
    preview: CallPreview
    edited: tuple[str, ...]
    edited_by: str
    seq: int


class TrialView(Struct, frozen=True):
    """One trial as far as it has come. Three outcomes are kept apart: ``ended``, ``claimed``,
    ``verdict``; ``referee`` is a fourth and only ever scores the verifier.
    """

    trial: int
    task: str
    seed: int
    seed_set: SeedSet
    program: str
    hypothesis: int | None
    where: str
    clock: str
    opened_seq: int
    opened_mono_s: float
    opened_wall_s: float
    reset: ResetVerdict | None = None
    attempt: int = 0
    calls: int = 0
    calls_failed: int = 0
    in_flight: CallView | None = None
    last_call: CallView | None = None
    ended: ProgramEnd | None = None
    error: str = ""
    error_line: int = 0
    claimed: bool | None = None
    verdict: Verdict | None = None
    """The verdict of ``attempt``, without keyframes (ask the reader for those)."""
    referee: Outcome | None = None
    closed_seq: int | None = None
    outcome: Outcome | None = None
    implicated: int | None = None
    reason: str = ""
    cell_s: float = 0.0
    wall_s: float = 0.0

    @property
    def open(self) -> bool:
        return self.closed_seq is None


class Count(Struct, frozen=True):
    """Closed trials of one seed set. UNSURE is never a PASS and counts in ``n``; trials with
    nothing to judge (reset failed, stopped, fault) do not.
    """

    passed: int = 0
    failed: int = 0
    unsure: int = 0
    unjudged: int = 0

    @property
    def k(self) -> int:
        return self.passed

    @property
    def n(self) -> int:
        return self.passed + self.failed + self.unsure


class Score(Struct, frozen=True):
    """k of n with its interval, as the search wrote it down."""

    k: int
    n: int
    lo: float
    hi: float


class HypothesisView(Struct, frozen=True):
    """A live node of the tree, as far as choosing the best one needs it."""

    hypothesis: int
    parent: int | None
    claim: str
    program: str
    author: str
    status: HypothesisStatus = "open"
    dev: Score | None = None
    selection: Score | None = None
    held_out: Score | None = None
    """Recorded and shown, never used to choose."""
    borrowed_from: tuple[int, ...] = ()
    reason: str = ""
    """Why it is kept, pruned or promoted."""


class RoundView(Struct, frozen=True):
    """A round of the search: who races, or once it is over what is best and who was kept."""

    round: int
    baseline: int
    """While it goes on; once it is over, the best."""
    candidates: tuple[int, ...]
    """While it goes on; once it is over, those that were kept."""
    over: bool = False
    stop: str = ""
    """Why the search ends with it; empty when it goes on."""
    by: str = ""


class AgentView(Struct, frozen=True):
    """Whether the agent is thinking, since when, and the last thing it said or did."""

    thinking: bool = False
    since_mono_s: float = 0.0
    note: str = ""
    said: str = ""
    said_seq: int | None = None
    stream: int = 0
    """Number of the text that is still being said; 0: none."""
    asked: int | None = None
    """Number of the question that waits for a person."""
    question: str = ""
    asks_permission: bool = False
    unread: int = 0
    """Messages of the operator that it has not read yet."""


class SpentView(Struct, frozen=True):
    """Budget and what of it is gone."""

    budget: Budget = Budget()
    trials: int = 0
    minutes: float = 0.0
    tokens: int = 0
    cost_usd: float = 0.0
    exhausted: str = ""
    model_calls: int = 0


class NoteView(Struct, frozen=True):
    """Something the operator should know; ``severity`` is info, warn or error."""

    seq: int
    wall_s: float
    severity: str
    code: str
    text: str


class ActView(Struct, frozen=True):
    """Something a person or client asked for, and the answer."""

    seq: int
    wall_s: float
    verb: str
    who: str
    role: Role
    accepted: bool
    reason: str


class PeopleView(Struct, frozen=True):
    """Who was at the cell, who might act, and what waited for them."""

    present: bool = False
    cause: str = ""
    control: str = ""
    grant: Grant | None = None
    asked_program: str = ""
    """Program that waits for approval; empty when none does."""
    asked_why: str = ""
    asked_facts: dict[str, JSON] = {}


class EndView(Struct, frozen=True):
    """How the run ended."""

    outcome: Outcome | None
    stopped_by: str
    best: int | None
    k: int
    n: int
    lo: float
    hi: float
    reason: str
    seq: int
    wall_s: float


Clock = Literal["wall", "sim"]
