"""Events about who is at the cell, who may act, and what was asked of them."""

from __future__ import annotations

from aspire_tui.domain import JSON, Grant
from aspire_tui.event_base import Event


class PresenceChanged(Event, frozen=True, tag="presence"):
    """Somebody came to the cell, or nobody is there any more."""

    present: bool
    cause: str
    who: str
    age_s: float
    """Seconds since the last key."""


class ControlChanged(Event, frozen=True, tag="control"):
    """Who may do more than HOLD. Empty when nobody does."""

    who: str
    console: str
    cause: str
    before: str = ""


class GrantGiven(Event, frozen=True, tag="grant"):
    """The cell may go on unattended, within these bounds."""

    grant: Grant
    id: str
    """Of the command; empty when given with the command that started the run."""


class GrantEnded(Event, frozen=True, tag="grant_ended"):
    cause: str
    who: str


class ApprovalAsked(Event, frozen=True, tag="approval_asked"):
    """A program waits for a person. ``facts`` are the engine's own, never an author's words."""

    program: str
    why: str
    facts: dict[str, JSON]
    trial: int | None = None
    """Set when a call inside of a trial waits."""
    call: int | None = None


class ApprovalGiven(Event, frozen=True, tag="approval"):
    program: str
    approved: bool
    who: str
    reason: str = ""
