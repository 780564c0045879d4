"""An event as it lies in the file, and what to make of a kind that a later release added."""

from __future__ import annotations

from typing import Final, get_args

from aspire_tui.events import AnyEvent, Note, decode

KINDS: Final = frozenset(kind.__struct_config__.tag for kind in get_args(AnyEvent))
UNKNOWN: Final = "unknown_kind"


def event_of(kind: str, body: bytes) -> AnyEvent:
    """The event of a stored body; one of a later release's kind is a note that says so.

    Raises:
        msgspec.DecodeError: The body is no event of its kind.
    """
    if kind in KINDS:
        return decode(body)
    return Note(f"an event this release does not know: {kind}", "info", UNKNOWN)
