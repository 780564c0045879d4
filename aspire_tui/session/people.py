"""The people of a session as a snapshot keeps them: presence, control, grant, approval. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from aspire_tui.events import (
    ApprovalAsked,
    ApprovalGiven,
    ControlChanged,
    GrantEnded,
    GrantGiven,
    PresenceChanged,
    SessionResumed,
)
from aspire_tui.session.views import PeopleView

PeopleEvent = (
    PresenceChanged
    | ControlChanged
    | GrantGiven
    | GrantEnded
    | ApprovalAsked
    | ApprovalGiven
    | SessionResumed
)
PEOPLE_EVENTS: Final = (
    PresenceChanged,
    ControlChanged,
    GrantGiven,
    GrantEnded,
    ApprovalAsked,
    ApprovalGiven,
    SessionResumed,
)

replace = msgspec.structs.replace


def changed(people: PeopleView, event: PeopleEvent) -> PeopleView:
    """Who is there after one more event."""
    match event:
        case PresenceChanged(present=present, cause=cause):
            return replace(people, present=present, cause=cause)
        case ControlChanged(who=who):
            return replace(people, control=who)
        case GrantGiven(grant=grant):
            return replace(people, grant=grant)
        case GrantEnded():
            return replace(people, grant=None)
        case ApprovalAsked(program=program, why=why, facts=facts):
            return replace(people, asked_program=program, asked_why=why, asked_facts=facts)
        case ApprovalGiven():
            return replace(people, asked_program="", asked_why="", asked_facts={})
        case SessionResumed():
            return PeopleView()  # another engine: whoever was there has to come again
