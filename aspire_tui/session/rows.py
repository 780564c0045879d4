"""What the reader answers: rows of the noun tables as they stood at a moment of the session."""

from __future__ import annotations

from aspire_tui.domain import (
    HypothesisStatus,
    Keyframe,
    Outcome,
    ProgramEnd,
    Repair,
    ResetOutcome,
    SeedSet,
    Status,
    Struct,
)
from aspire_tui.events import AnyEvent, CallIntent, CallResult
from aspire_tui.session.views import Score


class TrialRow(Struct, frozen=True):
    """One trial. What had not happened yet at the asked moment is None (or empty)."""

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
    reset: ResetOutcome | None = None
    attempts: int = 0
    calls: int = 0
    ended: ProgramEnd | None = None
    error: str = ""
    claimed: bool | None = None
    verdict: Outcome | None = None
    verdict_reason: str = ""
    referee: Outcome | None = None
    closed_seq: int | None = None
    outcome: Outcome | None = None
    implicated: int | None = None
    reason: str = ""
    cell_s: float = 0.0
    wall_s: float = 0.0


class CallRow(Struct, frozen=True):
    """One call of a trial. ``status`` None: in flight at that moment, or unknown outcome."""

    trial: int
    attempt: int
    call: int
    primitive: str
    line: int
    intent_seq: int
    start_mono_s: float
    start_cell_s: float
    result_seq: int | None = None
    status: Status | None = None
    summary: str = ""
    duration_s: float = 0.0
    held_s: float = 0.0
    think_s: float = 0.0
    error_m: float | None = None
    operator: str = ""


class CallDetail(Struct, frozen=True):
    """One call in full: what the program asked for and, if it ended, what came of it."""

    intent: CallIntent
    result: CallResult | None
    intent_seq: int
    result_seq: int | None


class AttemptRow(Struct, frozen=True):
    """One run of one program text, with its three outcomes and the referee's beside them."""

    trial: int
    attempt: int
    ended: ProgramEnd
    error: str
    error_line: int
    claimed: bool | None
    calls: int
    ended_seq: int
    verdict: Outcome | None = None
    verdict_seq: int | None = None
    referee: Outcome | None = None
    referee_seq: int | None = None


class AgentLine(Struct, frozen=True):
    """One line of the agent pane: a turn, a text, a tool call, or tokens used."""

    seq: int
    wall_s: float
    mono_s: float
    event: AnyEvent


class HypothesisRow(Struct, frozen=True):
    """A node of the tree as it stood at a moment."""

    hypothesis: int
    parent: int | None
    claim: str
    difference: str
    if_wrong: str
    program: str
    author: str
    repairs: tuple[Repair, ...]
    opened_seq: int
    opened_mono_s: float
    status: HypothesisStatus = "open"
    decided_seq: int | None = None
    decided_reason: str = ""
    decided_mono_s: float | None = None
    scores: dict[SeedSet, Score] = {}
    borrowed_from: tuple[int, ...] = ()
    trials: int = 0
    """Closed trials of its program, on any scenes."""
    passed: int = 0
    trial_minutes: float = 0.0
    """Wall time of those trials together."""
    tokens: int = 0
    """What models used since the hypothesis before it was opened (fresh, cached and output)."""
    minutes: float = 0.0
    """Session time since then, trials included: what it took to come to this idea."""


class TreeRow(Struct, frozen=True):
    """A node of the tree as a tree shows it: no more than the tables hold ready."""

    hypothesis: int
    parent: int | None
    claim: str
    program: str
    opened_seq: int
    opened_mono_s: float
    status: HypothesisStatus = "open"
    decided_mono_s: float | None = None
    scores: dict[SeedSet, Score] = {}


class ListedTrial(Struct, frozen=True):
    """A trial as a list of trials shows it: only what opening and closing it settles."""

    trial: int
    hypothesis: int | None
    seed: int
    seed_set: SeedSet
    opened_mono_s: float = 0.0
    closed: bool = False
    outcome: Outcome | None = None
    implicated: int | None = None
    reason: str = ""
    wall_s: float = 0.0
    """How long it took, once closed."""


class ProgramRow(Struct, frozen=True):
    """A program text that entered the session."""

    program: str
    author: str
    text: str
    stored_seq: int
    redacted: bool = False
    """A secret was taken out of the text: it is not the one that ran."""


class AttachmentRow(Struct, frozen=True):
    """Something kept whole beside the events; ``blob`` names its bytes."""

    seq: int
    role: str
    name: str
    blob: str


class KeyframeRow(Struct, frozen=True):
    """A picture that perception, a reset check or a verifier used. ``source`` says which."""

    seq: int
    trial: int
    call: int | None
    ordinal: int
    source: str
    keyframe: Keyframe


class CallSeq(Struct, frozen=True):
    """A stop of replay by call: the moment a call began or ended."""

    seq: int
    trial: int
    call: int
    edge: str
    """``intent`` or ``result``."""


class Problem(Struct, frozen=True):
    """Something wrong with a session file, and from which event on."""

    what: str
    seq: int | None = None
