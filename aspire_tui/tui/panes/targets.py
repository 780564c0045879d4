"""What the rows of a pane stand for, and the way from one such row to the next."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple, Protocol


class Target(NamedTuple):
    """What a row stands for: a ``call``, a ``trial`` or a ``hypothesis`` by its number."""

    kind: str
    number: int


class Targets(Protocol):
    """Rows that can be chosen. Nothing here may cost more than what is on the screen."""

    def __len__(self) -> int: ...

    def at(self, row: int) -> Target | None:
        """What a row stands for; None where it stands for nothing."""
        ...

    def row_of(self, target: Target) -> int | None:
        """Where something is listed, if it is."""
        ...

    def step(self, row: int | None, by: int) -> int | None:
        """So many chosen rows further on, at most the last; None where there is none.

        Without a row, the first one, or the last one when going back.
        """
        ...


class ListedTargets:
    """A few rows, by number."""

    def __init__(self, listed: Mapping[int, Target] | None = None) -> None:
        self.listed = dict(listed or {})

    def __len__(self) -> int:
        return len(self.listed)

    def at(self, row: int) -> Target | None:
        return self.listed.get(row)

    def row_of(self, target: Target) -> int | None:
        return next((row for row, found in self.listed.items() if found == target), None)

    def step(self, row: int | None, by: int) -> int | None:
        rows = self._rows
        if not rows:
            return None
        if row is None:
            return rows[0] if by > 0 else rows[-1]
        if by > 0:
            ahead = bisect_right(rows, row)
            return rows[min(ahead + by - 1, len(rows) - 1)] if ahead < len(rows) else None
        behind = bisect_left(rows, row)
        return rows[max(behind + by, 0)] if behind else None

    @cached_property
    def _rows(self) -> list[int]:
        return sorted(self.listed)


NO_TARGETS = ListedTargets()
