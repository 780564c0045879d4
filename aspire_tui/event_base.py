"""The base of every event, so that events may live in more than one module."""

from __future__ import annotations

import msgspec


class Event(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="kind"):
    """Base of all events. Unknown fields are ignored, so an older reader reads a newer file."""
