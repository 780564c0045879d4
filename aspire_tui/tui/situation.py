"""What an act is, and what it may depend on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

from aspire_tui.session.rows import TrialRow
from aspire_tui.session.snapshot import EMPTY, Snapshot
from aspire_tui.tui.people import UNTOLD, PeopleSeen
from aspire_tui.tui.ports import Mode, Verb

Group = Literal["cell", "agent", "session", "replay", "look", "console"]
Choice = Literal["cancel", "go"]

STANDING_STATES: Final = ("PSTOP", "FAULT", "LOST", "OFFLINE", "LIMP", "CHECK")


Keys = Mapping[str, tuple[str, ...]]
"""Keys by act."""
NO_KEYS: Final[Keys] = MappingProxyType({})


@dataclass(frozen=True)
class Situation:
    """What an act may depend on."""

    mode: Mode = "live"
    snapshot: Snapshot = EMPTY
    cell_state: str = "OFFLINE"
    """From the live stream, else from the session."""
    estop: str = "UNKNOWN"
    stale: bool = False
    engine: bool = False
    engine_gone: bool = False
    stop: bool = False
    pane_lists: bool = False
    """The pane in focus has rows to choose from."""
    pane: str = ""
    """The pane in focus."""
    pictures: int = 0
    program: bool = False
    searching: bool = False
    people: PeopleSeen = UNTOLD
    keys: Keys = field(default_factory=lambda: NO_KEYS)
    """Keys that are not the registry's own, by act."""
    playing: bool = False
    """A replay runs by itself."""
    shown: TrialRow | None = None
    """The trial that is looked at."""
    editor: bool = False
    """There is an editor to open."""
    held: bool = False
    """The cell stands by somebody's HOLD, whether or not a trial is at the bench."""
    eyes: bool = False
    """The cell's cameras can be looked through."""
    speed: float = 1.0
    """The speed override of the cell."""


@dataclass(frozen=True)
class Confirm:
    """A question in the docked bar; ``default`` is what enter does."""

    question: str
    go: str
    default: Choice = "cancel"


WhyNot = Callable[[Situation], str | None]
Asks = Callable[[Situation], Confirm | None]


def always(_: Situation) -> str | None:
    return None


def unasked(_: Situation) -> Confirm | None:
    return None


@dataclass(frozen=True)
class Action:
    """One act.

    Attributes:
        id: Stable name.
        keys: Textual key names; the first is shown.
        title: One or two words for the footer.
        what: One sentence for help.
        group: Where help lists it.
        why_disabled: None when it can be done now, else the reason.
        confirm: The question it asks first, if one is due now.
        moves_robot: The robot may move because of it.
        verb: The engine command it sends.
        footer: Rank in the footer; 0 is never shown there.
    """

    id: str
    keys: tuple[str, ...]
    title: str
    what: str
    group: Group
    why_disabled: WhyNot = always
    confirm: Asks = unasked
    moves_robot: bool = False
    verb: Verb | None = None
    footer: int = 0
