"""What the console needs from outside: the engine's commands, the stop, the driver's live state.

Three small protocols, so that every screen runs and is tested without an engine or a cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from aspire_tui.domain import JSON, Role

if TYPE_CHECKING:
    from aspire_tui.tui.live_camera import Sight
    from drivers.types import CellStatus

Mode = Literal["live", "replay"]
Verb = Literal[
    "hello",
    "hold",
    "resume",
    "step",
    "abort",
    "pause_agent",
    "stop",
    "break",
    "unbreak",
    "run_call",
    "skip_call",
    "edit_call",
    "dry_run",
    "present",
    "leave",
    "take_control",
    "grant",
    "revoke_grant",
    "approve",
    "reject",
    "tell",
    "reply",
    "permit",
    "speed",
    "home",
    "reset",
    "verify",
    "note",
    "bookmark",
    "override",
    "fork",
    "borrow",
    "prune",
    "promote",
]
"""What the console asks of an engine."""

STALE_AFTER_S = 1.0
"""A driver state older than this is not shown as true."""


class Reply(Protocol):
    """The engine's answer to a command. The effect is an event in the session."""

    @property
    def accepted(self) -> bool: ...

    @property
    def reason(self) -> str: ...

    @property
    def data(self) -> dict[str, JSON]: ...


class EngineClient(Protocol):
    """Commands to the engine that runs the session. ``who``: whose acts they are."""

    who: str

    def send(
        self, verb: Verb, args: dict[str, JSON] | None = None, role: Role | None = None
    ) -> Reply:
        """Send one command and wait for accepted or refused.

        Raises:
            EngineGone: Nobody answers.
        """
        ...


class StopPort(Protocol):
    """The way to the cell host that nothing stands in."""

    def hold(self, who: str) -> None:
        """HOLD now. Returns when the cell has it; raises when nobody answered."""
        ...


class SeenState(Protocol):
    """The driver's newest state and how old it is."""

    @property
    def status(self) -> CellStatus: ...

    @property
    def age_s(self) -> float: ...


class StateFeed(Protocol):
    """The driver's live state stream. Never blocks."""

    def latest(self) -> SeenState | None:
        """The newest state, however old; None before the first one."""
        ...


class Eyes(Protocol):
    """The cameras of the cell, looked through from a thread of one's own."""

    def see(self, camera: str) -> Sight:
        """One picture; raises with one line when there is none."""
        ...


@dataclass(frozen=True)
class LiveState:
    """A state as a value; what tests and recordings of a stream hand out."""

    status: CellStatus
    age_s: float


def is_stale(seen: SeenState) -> bool:
    return seen.age_s > STALE_AFTER_S
