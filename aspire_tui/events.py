"""Everything that can happen in a session, one frozen struct each; the session file is their list.

An event is written once and never changed. ``kind`` (the tag) and field names are a file format:
fields may be added with defaults, never renamed. Wall time, monotonic time, sequence number and
hash belong to the record around the event (:class:`Recorded`), not to the event.
Trials are numbered from 1 in a session, calls from 1 in a trial, attempts from 1 in a trial.
"""

from __future__ import annotations

import msgspec

from aspire_tui.agent_events import AgentAnswered as AgentAnswered
from aspire_tui.agent_events import AgentAsked as AgentAsked
from aspire_tui.agent_events import AgentSaid as AgentSaid
from aspire_tui.agent_events import AgentTool as AgentTool
from aspire_tui.agent_events import AgentTurn as AgentTurn
from aspire_tui.agent_events import HypothesisDecided as HypothesisDecided
from aspire_tui.agent_events import HypothesisOpened as HypothesisOpened
from aspire_tui.agent_events import HypothesisScored as HypothesisScored
from aspire_tui.agent_events import OperatorTold as OperatorTold
from aspire_tui.agent_events import RoundBegan as RoundBegan
from aspire_tui.agent_events import RoundEnded as RoundEnded
from aspire_tui.agent_events import SkillMatched as SkillMatched
from aspire_tui.agent_events import SkillProposed as SkillProposed
from aspire_tui.agent_events import TokensUsed as TokensUsed
from aspire_tui.domain import (
    JSON,
    Blob,
    Breakpoint,
    Budget,
    CallPreview,
    DryCall,
    Evidence,
    Outcome,
    Phase,
    ProgramEnd,
    QueuedTrial,
    ResetVerdict,
    Role,
    RunSpec,
    SandboxReport,
    SeedSet,
    SeenCell,
    SourceChange,
    Status,
    UtilisationClass,
    Verdict,
)
from aspire_tui.domain import Samples as Samples
from aspire_tui.domain import VideoFrame as VideoFrame
from aspire_tui.event_base import Event as Event
from aspire_tui.hand_events import Bookmarked as Bookmarked
from aspire_tui.hand_events import HandAct as HandAct
from aspire_tui.hand_events import VerdictOverridden as VerdictOverridden
from aspire_tui.people_events import ApprovalAsked as ApprovalAsked
from aspire_tui.people_events import ApprovalGiven as ApprovalGiven
from aspire_tui.people_events import ControlChanged as ControlChanged
from aspire_tui.people_events import GrantEnded as GrantEnded
from aspire_tui.people_events import GrantGiven as GrantGiven
from aspire_tui.people_events import PresenceChanged as PresenceChanged
from aspire_tui.skill_events import CanaryReported as CanaryReported
from aspire_tui.skill_events import SkillDrafted as SkillDrafted
from aspire_tui.skill_events import SkillOnProbation as SkillOnProbation
from aspire_tui.skill_events import SkillRuled as SkillRuled


class SessionOpened(Event, frozen=True, tag="session_opened"):
    """Always the first event."""

    spec: RunSpec
    sandbox: SandboxReport
    versions: dict[str, str]
    cell: JSON
    """The cell's CellInfo as JSON."""
    hashes: dict[str, str] = {}
    """Reset, verifier, limits and scoring, hashed at session start."""
    brands: tuple[str, ...] = ()
    """What makes results incomparable: ``NO SANDBOX``, ``noise-off``, ``privileged``."""


class CellChanged(Event, frozen=True, tag="cell"):
    """The driver changed state."""

    state: str
    mode: str | None
    cause: str
    who: str
    cell_s: float


class PhaseChanged(Event, frozen=True, tag="phase"):
    """The trial at the bench went on to another phase; bulk trials do not emit phases."""

    trial: int
    phase: Phase
    cause: str
    cell_s: float
    waits_for: str = ""


class ProgramStored(Event, frozen=True, tag="program"):
    """A program text entered the session; later events name it by hash."""

    program: str
    """sha256 of the text."""
    text: Blob
    author: str


class Attached(Event, frozen=True, tag="attached"):
    """Something that says how results came about, kept whole: a reader needs no checkout."""

    role: str
    """``cell_file``, ``calibration``, ``task``, ``reset``, ``verifier``, ``scoring``, ``skill``…"""
    name: str
    blob: Blob


class TrialOpened(Event, frozen=True, tag="trial_opened"):
    trial: int
    task: str
    seed: int
    seed_set: SeedSet
    program: str
    hypothesis: int | None
    where: str
    """``bench`` (attended cell host) or ``worker`` (stand-in in a worker process)."""
    clock: str
    """``wall`` or ``sim``: what durations and MRU of this trial are measured on."""


class ResetReported(Event, frozen=True, tag="reset"):
    trial: int
    verdict: ResetVerdict
    scene: str = ""
    """Hash of the initial state, where a simulation can tell it."""


class CallIntent(Event, frozen=True, tag="intent"):
    """Committed before the call reaches the cell; without a result its outcome is unknown."""

    trial: int
    attempt: int
    call: int
    primitive: str
    args: dict[str, JSON]
    line: int
    """Line in the program text, from 1."""
    cell_s: float


class CallResult(Event, frozen=True, tag="result"):
    trial: int
    attempt: int
    call: int
    primitive: str
    status: Status
    summary: str
    """One line for people: what was reached, found or refused."""
    duration_s: float
    """Cell time, without time spent in HOLD."""
    cell_s: float
    value: JSON = None
    """What the program got, with arrays summarised."""
    error_m: float | None = None
    held_s: float = 0.0
    evidence: Evidence = Evidence()
    operator: str = ""
    """What an operator did to this call: ``skipped`` or ``edited``."""
    think_s: float = 0.0
    """Wall time spent on perception and planning inside the call."""
    skipped_by: str = ""
    """Who stated this result instead of letting the call run."""
    edited_by: str = ""
    edited_args: dict[str, JSON] = {}
    """The arguments that were run; the program's own are in the intent."""


class CallStood(Event, frozen=True, tag="stood"):
    """The program stands before this call. Told again when its arguments are edited."""

    trial: int
    attempt: int
    call: int
    primitive: str
    line: int
    why: str
    args: dict[str, JSON]
    """As they would be run now; what is no JSON (a picture) as words, and cannot be edited."""
    preview: CallPreview
    cell_s: float
    edited: tuple[str, ...] = ()
    """Names of arguments that are an operator's."""
    edited_by: str = ""


class BreakpointsChanged(Event, frozen=True, tag="breakpoints"):
    """All breakpoints there are now."""

    breakpoints: tuple[Breakpoint, ...]
    id: str = ""
    """Of the command."""


class DryRunReported(Event, frozen=True, tag="dry_run"):
    """A program run in the stand-in from what the cell's sensors saw. It counts nowhere."""

    program: str
    task: str
    who: str
    seen: SeenCell | None
    """None when the cell could not be looked at; ``error`` says why."""
    ended: ProgramEnd | None = None
    error: str = ""
    claimed: bool | None = None
    calls: tuple[DryCall, ...] = ()
    verdict: Verdict | None = None
    """The verifier's, over the stand-in's cameras, without keyframes."""
    cell_s: float = 0.0
    wall_s: float = 0.0
    brands: tuple[str, ...] = ()
    id: str = ""
    """Of the command; empty when the session was started for it."""


class ProgramEnded(Event, frozen=True, tag="program_ended"):
    trial: int
    attempt: int
    ended: ProgramEnd
    error: str
    claimed: bool | None
    """What the program says of itself (its RESULT), if anything."""
    stdout: str
    calls: int
    error_line: int = 0
    cut: int = 0
    """Bytes of output that were not kept."""


class VerdictGiven(Event, frozen=True, tag="verdict"):
    trial: int
    attempt: int
    verdict: Verdict


class RefereeJudged(Event, frozen=True, tag="referee"):
    """Simulator truth, judged after the program ended. Never steers a program or an agent."""

    trial: int
    attempt: int
    outcome: Outcome
    values: dict[str, float]


class TrialClosed(Event, frozen=True, tag="trial_closed"):
    trial: int
    outcome: Outcome | None
    """None when there is nothing to judge: reset failed, stopped, fault."""
    ended: ProgramEnd | None
    implicated: int | None
    """The first call that explains a failure, if any."""
    cell_s: float
    """Cell time the whole trial took."""
    wall_s: float
    reason: str = ""
    split_s: dict[UtilisationClass, float] = {}
    """Cell seconds by class, for trials in workers: their phases are not recorded one by one."""
    counted: bool = True
    """False: nobody answered what the program asked; UNSURE, and in no count."""


class BenchQueue(Event, frozen=True, tag="bench_queue"):
    """Trials that wait for the bench, in their order; told whenever it changes."""

    waiting: tuple[QueuedTrial, ...]


class OperatorAct(Event, frozen=True, tag="operator"):
    """Something a person or client asked for, with the id of the command and the answer."""

    id: str
    verb: str
    who: str
    role: Role
    accepted: bool
    reason: str = ""
    args: dict[str, JSON] = {}


class BudgetSpent(Event, frozen=True, tag="budget"):
    budget: Budget
    trials: int
    minutes: float
    tokens: int
    cost_usd: float
    exhausted: str = ""
    model_calls: int = 0


class Note(Event, frozen=True, tag="note"):
    """Something the engine has to say that fits nowhere else."""

    text: str
    severity: str = "info"
    code: str = ""


class EvaluationChanged(Event, frozen=True, tag="evaluation_changed"):
    """What judges the session is not what it began with: the next trial was refused."""

    changes: tuple[SourceChange, ...]
    found_by: str = "engine"
    """``engine``, or the worker whose own code or files differ."""


class SessionResumed(Event, frozen=True, tag="resumed"):
    """A run that had stopped goes on in this file, under another engine."""

    who: str
    versions: dict[str, str]
    hashes: dict[str, str]
    unfinished: tuple[int, ...] = ()
    """Trials that were open; they are closed without outcome and never counted."""
    unknown: tuple[str, ...] = ()
    """Calls whose outcome nobody knows, in words."""
    finished: int = 0
    """Trials that are not repeated."""


class BesideSealed(Event, frozen=True, tag="beside"):
    """Joint state and film written since event ``since``, taken into the hash chain."""

    since: int
    """The seal before this one; 0 for none."""
    samples: int
    """Rows."""
    samples_sha256: str
    video: int
    video_sha256: str


class RunEnded(Event, frozen=True, tag="run_ended"):
    """Always the last event of a run that ended by itself or was stopped."""

    outcome: Outcome | None
    stopped_by: str
    """``done``, ``operator``, ``budget``, ``fault``, ``agent`` or ``evaluation``."""
    best: int | None = None
    k: int = 0
    n: int = 0
    lo: float = 0.0
    hi: float = 0.0
    reason: str = ""


AnyEvent = (
    SessionOpened
    | CellChanged
    | PhaseChanged
    | ProgramStored
    | Attached
    | TrialOpened
    | ResetReported
    | CallIntent
    | CallResult
    | CallStood
    | BreakpointsChanged
    | DryRunReported
    | ProgramEnded
    | VerdictGiven
    | RefereeJudged
    | TrialClosed
    | AgentTurn
    | AgentSaid
    | AgentTool
    | OperatorTold
    | AgentAsked
    | AgentAnswered
    | SkillProposed
    | SkillDrafted
    | SkillRuled
    | SkillOnProbation
    | CanaryReported
    | TokensUsed
    | HypothesisOpened
    | HypothesisScored
    | HypothesisDecided
    | RoundBegan
    | RoundEnded
    | SkillMatched
    | BenchQueue
    | OperatorAct
    | BudgetSpent
    | Note
    | EvaluationChanged
    | SessionResumed
    | PresenceChanged
    | ControlChanged
    | GrantGiven
    | GrantEnded
    | ApprovalAsked
    | ApprovalGiven
    | HandAct
    | VerdictOverridden
    | Bookmarked
    | BesideSealed
    | RunEnded
)


class Recorded(msgspec.Struct, frozen=True):
    """An event as it stands in the file."""

    seq: int
    wall_s: float
    """Unix time of the commit."""
    mono_s: float
    """Monotonic seconds since the session opened."""
    event: AnyEvent


encode = msgspec.json.Encoder().encode
_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def decode(data: bytes) -> AnyEvent:
    """Read one event body; raises ``msgspec.DecodeError`` on anything else."""
    try:
        return _decoder.decode(data)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from None
