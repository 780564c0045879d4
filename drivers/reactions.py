"""What follows from a drive's complaint. Pure: a table, and the edges of what is complained of.

Reactions go from weak to strong: say so; offer to stow; hold and push less; protective stop.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from drivers.types import Alarm, AlarmCode

Reaction = Literal["note", "offer_stow", "hold", "pstop"]

REACTIONS: Final[dict[AlarmCode, Reaction]] = {
    "overload": "hold",
    "over_temperature": "hold",
    "over_current": "hold",
    "hot": "offer_stow",
    "warm": "note",
    # A supply out of its range may fail altogether: stop while there is power to hold with.
    "voltage": "pstop",
    # Whose position is not known must not be driven.
    "encoder": "pstop",
    # A servo that restarted hangs: what it carries is falling.
    "torque_lost": "pstop",
    "stalled": "note",
    "goal_not_taken": "note",
    "bus_errors": "note",
}

SOFTENED_SHARE: Final = 0.5
"""Share of its torque that a drive keeps after a hold because of it."""


def reaction_to(alarm: Alarm) -> Reaction:
    """What follows from one complaint."""
    return REACTIONS[alarm.code]


def standing(alarms: Sequence[Alarm], reaction: Reaction) -> str | None:
    """The first complaint that asks for this reaction, in words."""
    return next((words(alarm) for alarm in alarms if reaction_to(alarm) == reaction), None)


def words(alarm: Alarm) -> str:
    """One complaint as a line for people."""
    return f"{alarm.joint}: {alarm.text}"


class AlarmWatch:
    """Tells each complaint once: when it begins, not while it lasts."""

    def __init__(self) -> None:
        self._known: frozenset[tuple[str, str]] = frozenset()

    def begun(self, alarms: Sequence[Alarm]) -> list[Alarm]:
        """Those that were not there at the last look."""
        if not alarms and not self._known:
            return []
        now = {(alarm.code, alarm.joint): alarm for alarm in alarms}
        new = [alarm for key, alarm in now.items() if key not in self._known]
        self._known = frozenset(now)
        return new
