"""What people do beside a run, as events. :mod:`aspire_tui.events` lists them with all others."""

from __future__ import annotations

from aspire_tui.domain import Outcome, ResetVerdict, Verdict
from aspire_tui.event_base import Event


class HandAct(Event, frozen=True, tag="hand_act"):
    """What an operator had the cell do outside of any trial: go home, reset, verify, another speed.

    It counts nowhere: a reset or a verdict made by hand is looked at and proves nothing.
    """

    act: str
    """``home``, ``reset``, ``verify`` or ``speed``."""
    who: str
    id: str
    """Of the command."""
    task: str = ""
    seed: int = 0
    """Of the scene that was set."""
    done: bool = True
    text: str = ""
    """What came of it, or why nothing did."""
    reset: ResetVerdict | None = None
    verdict: Verdict | None = None
    cell_s: float = 0.0


class VerdictOverridden(Event, frozen=True, tag="override"):
    """A person judges a closed trial otherwise. The verifier's verdict stays, and so do counts."""

    trial: int
    before: Outcome | None
    outcome: Outcome
    note: str
    who: str
    id: str


class Bookmarked(Event, frozen=True, tag="bookmark"):
    """A moment somebody wants to find again."""

    seq: int
    name: str
    who: str
    id: str
