"""What agents say and propose, as events. :mod:`aspire_tui.events` lists them with all others."""

from __future__ import annotations

from aspire_tui.domain import JSON, Blob, HypothesisStatus, Repair, SeedSet, Status, Tokens
from aspire_tui.event_base import Event


class AgentTurn(Event, frozen=True, tag="agent_turn"):
    """An agent started or finished thinking."""

    open: bool
    note: str = ""


class AgentSaid(Event, frozen=True, tag="agent_said"):
    text: str
    role: str = "message"
    """``plan``, ``message``, ``finding`` or ``error``."""
    stream: int = 0
    """Number of the text this is a piece of; 0: a text of its own."""
    done: bool = True
    """No more pieces follow."""
    by: str = ""
    """Which member of a team; empty when there is one agent."""


class AgentTool(Event, frozen=True, tag="agent_tool"):
    tool: str
    args: dict[str, JSON]
    answer: str
    """First line of the answer."""
    ok: bool = True
    by: str = ""


class OperatorTold(Event, frozen=True, tag="operator_told"):
    """A person wrote to the agent; it reads that at its next step."""

    id: str
    who: str
    text: str
    interrupts: bool = False
    """The agent was asked to break off what it is saying and read this first."""


class AgentAsked(Event, frozen=True, tag="agent_asked"):
    """The agent, or a program, wants to know something from whoever is at the cell."""

    question: int
    text: str
    within_s: float
    asker: str = "agent"
    """``agent`` or ``program``."""
    permission: bool = False
    """It asks to be allowed to do this; without an answer in time it is denied."""


class AgentAnswered(Event, frozen=True, tag="agent_answered"):
    question: int
    status: Status
    """OK, or TIMEOUT when nobody answered or nobody was there."""
    text: str
    who: str


class SkillProposed(Event, frozen=True, tag="skill_proposed"):
    """A repair offered for the library. It waits for proof and an operator; nothing is kept yet."""

    name: str
    description: str
    when: str
    why: str
    sketch: Blob
    trial: int
    call: int
    hypothesis: int
    author: str


class TokensUsed(Event, frozen=True, tag="tokens"):
    tokens: Tokens
    model: str
    by: str = ""


class HypothesisOpened(Event, frozen=True, tag="hypothesis"):
    """A node of the tree: a program with a claim that a trial can prove wrong."""

    hypothesis: int
    parent: int | None
    claim: str
    difference: str
    if_wrong: str
    """What the trace will show if the claim is wrong."""
    program: str
    author: str
    repairs: tuple[Repair, ...] = ()
    borrowed_from: tuple[int, ...] = ()
    """Hypotheses of other branches whose changes were joined into this one."""


class HypothesisScored(Event, frozen=True, tag="score"):
    hypothesis: int
    seed_set: SeedSet
    k: int
    n: int
    lo: float
    hi: float


class HypothesisDecided(Event, frozen=True, tag="decided"):
    hypothesis: int
    status: HypothesisStatus
    reason: str


class RoundBegan(Event, frozen=True, tag="round_began"):
    """Candidates race on development scenes against a baseline that is kept verbatim."""

    round: int
    baseline: int
    candidates: tuple[int, ...]
    by: str = ""
    """Which member of a team; empty when there is one agent."""


class RoundEnded(Event, frozen=True, tag="round_ended"):
    """What a round of the search came to."""

    round: int
    stopped: dict[int, str]
    """Candidates that did not reach the selection scenes, and why."""
    kept: tuple[int, ...]
    merged: tuple[int, ...]
    """Branches that were joined this round."""
    best: int
    k: int
    n: int
    """Of the best on selection scenes."""
    stop: str = ""
    """Why the search ends here: success, budget or plateau; empty when it goes on."""
    by: str = ""


class SkillMatched(Event, frozen=True, tag="skill_matched"):
    trial: int
    call: int
    skill: str
    why: str
    same_task: bool
