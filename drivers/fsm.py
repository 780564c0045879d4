"""The driver's state machine: which state may follow which, and who caused it. Pure.

Commands that the present state does not allow raise :class:`CellRefused` and change nothing.
``hold`` is the exception: a stop is never refused, it is at worst without effect.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, Literal

from drivers.errors import CellRefused
from drivers.types import CellEvent, CellStateName, RunMode

Trigger = Literal[
    "connect",
    "checked_limp",
    "checked_hold",
    "checked_returned",
    "check_failed",
    "enable",
    "start_traj",
    "start_jog",
    "start_stream",
    "finish",
    "hold",
    "hand_guide",
    "stow",
    "violate",
    "ack_stop",
    "release",
    "fault",
    "clear_fault",
    "lose",
    "disconnect",
]

EVENTS_KEPT: Final = 4096

_State = tuple[CellStateName, RunMode | None]

CONNECTED: Final[tuple[CellStateName, ...]] = (
    "CHECK",
    "LIMP",
    "HOLD",
    "RUN",
    "HAND_GUIDE",
    "STOW",
    "PSTOP",
    "FAULT",
)
ENERGISED: Final[tuple[CellStateName, ...]] = ("HOLD", "RUN", "HAND_GUIDE", "STOW", "PSTOP")

TABLE: Final[dict[tuple[CellStateName, Trigger], _State]] = {
    ("OFFLINE", "connect"): ("CHECK", None),
    ("LOST", "connect"): ("CHECK", None),
    ("CHECK", "checked_limp"): ("LIMP", None),
    ("CHECK", "checked_hold"): ("HOLD", None),
    # A device that came back while energised waits for a person: nothing moves by itself.
    ("CHECK", "checked_returned"): ("PSTOP", None),
    ("CHECK", "check_failed"): ("FAULT", None),
    ("LIMP", "enable"): ("HOLD", None),
    ("HOLD", "start_traj"): ("RUN", "TRAJ"),
    ("HOLD", "start_jog"): ("RUN", "JOG"),
    ("HOLD", "start_stream"): ("RUN", "STREAM"),
    ("HOLD", "hand_guide"): ("HAND_GUIDE", None),
    ("HOLD", "stow"): ("STOW", None),
    ("HOLD", "release"): ("LIMP", None),
    ("RUN", "finish"): ("HOLD", None),
    ("STOW", "finish"): ("HOLD", None),
    ("HAND_GUIDE", "finish"): ("HOLD", None),
    ("RUN", "hold"): ("HOLD", None),
    ("STOW", "hold"): ("HOLD", None),
    ("HAND_GUIDE", "hold"): ("HOLD", None),
    ("HOLD", "violate"): ("PSTOP", None),
    ("RUN", "violate"): ("PSTOP", None),
    ("STOW", "violate"): ("PSTOP", None),
    ("HAND_GUIDE", "violate"): ("PSTOP", None),
    ("PSTOP", "ack_stop"): ("HOLD", None),
    ("FAULT", "clear_fault"): ("CHECK", None),
    **{(state, "fault"): ("FAULT", None) for state in CONNECTED if state != "FAULT"},
    **{(state, "lose"): ("LOST", None) for state in CONNECTED},
    **{(state, "disconnect"): ("OFFLINE", None) for state in (*CONNECTED, "LOST", "OFFLINE")},
}
"""Every allowed transition. What is not here is refused."""

_WORDS: Final[dict[Trigger, str]] = {
    "enable": "enabling the drives",
    "start_traj": "a motion",
    "start_jog": "jogging",
    "start_stream": "streaming",
    "hand_guide": "hand guiding",
    "stow": "stowing",
    "release": "releasing torque",
    "ack_stop": "acknowledging a stop",
    "clear_fault": "clearing a fault",
}

_WAY_OUT: Final[dict[CellStateName, str]] = {
    "OFFLINE": "connect first",
    "CHECK": "the device is being checked",
    "LIMP": "enable the drives first",
    "HOLD": "the arm is holding",
    "RUN": "a motion is running: hold or abort it first",
    "HAND_GUIDE": "end hand guiding first",
    "STOW": "the arm is stowing: hold first",
    "PSTOP": "acknowledge the protective stop first",
    "FAULT": "clear the fault first",
    "LOST": "the device is silent: look at power and cable",
}


class StateMachine:
    """State, the cause of it, and the numbered events that led there."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.state: CellStateName = "OFFLINE"
        self.mode: RunMode | None = None
        self.cause = "not connected"
        self.who = "driver"
        self.since_s = clock()
        self.seq = 0
        self._events: deque[CellEvent] = deque(maxlen=EVENTS_KEPT)

    def allows(self, trigger: Trigger) -> bool:
        """Whether the table has a way from here; ``hold`` always has."""
        return trigger == "hold" or (self.state, trigger) in TABLE

    def fire(
        self, trigger: Trigger, cause: str, who: str, code: str = "transition"
    ) -> CellEvent | None:
        """Take one transition and record it.

        Returns:
            The event, or None for a ``hold`` that changes nothing here.

        Raises:
            CellRefused: The present state does not allow it; nothing changed.
        """
        following = TABLE.get((self.state, trigger))
        if following is None:
            if trigger == "hold":
                return None
            doing = _WORDS.get(trigger, trigger)
            raise CellRefused(
                f"not_in_{self.state}",
                f"{doing} is not possible in {self.state} ({self.cause}); {_WAY_OUT[self.state]}",
            )
        self.state, self.mode = following
        self.cause, self.who, self.since_s = cause, who, self._clock()
        return self.note(cause, who, code)

    def restate(self, cause: str, who: str, code: str) -> CellEvent:
        """Stay in this state for a new reason."""
        self.cause, self.who, self.since_s = cause, who, self._clock()
        return self.note(cause, who, code)

    def note(self, cause: str, who: str, code: str) -> CellEvent:
        """Record an alarm or an act that is no transition."""
        self.seq += 1
        event = CellEvent(self.seq, self._clock(), self.state, self.mode, cause, who, code)
        self._events.append(event)
        return event

    def events(self, after_seq: int) -> list[CellEvent]:
        """Events newer than ``after_seq``, oldest first; the ring forgets the oldest."""
        return [event for event in tuple(self._events) if event.seq > after_seq]
