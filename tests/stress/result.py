"""What one stress job found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """One line of ``make stress``.

    Attributes:
        what: What was put under stress, e.g. ``sandbox calls: mutated messages``.
        found: What came of it, with its volume: ``200,000 read, 4,912 accepted, 0 surprises``.
        ok: Whether the promise held.
    """

    what: str
    found: str
    ok: bool
