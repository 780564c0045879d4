"""Where long panes get their lines from: a length, and one line at a time when it is looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from aspire_tui.tui.screen.text import Line


class LineSource(Protocol):
    """Lines by number. Only visible ones are ever asked for."""

    def __len__(self) -> int: ...

    def line(self, index: int) -> Line: ...


@dataclass(frozen=True)
class FixedLines:
    """Lines that are there already."""

    lines: Sequence[Line] = ()

    def __len__(self) -> int:
        return len(self.lines)

    def line(self, index: int) -> Line:
        return self.lines[index]


@dataclass(frozen=True)
class MadeLines:
    """Lines made when they are looked at."""

    count: int
    make: Callable[[int], Line]

    def __len__(self) -> int:
        return self.count

    def line(self, index: int) -> Line:
        return self.make(index)


@dataclass
class Viewport:
    """Which lines of a source are visible: pure scrolling.

    Attributes:
        top: First visible line.
        height: Visible lines.
        tail: Follows the end until scrolled up.
        seen: Length of the source when the end was last visible, for "+N new".
    """

    height: int = 0
    top: int = 0
    tail: bool = False
    seen: int = 0

    def settle(self, length: int) -> None:
        """Fit a source of another length; a tail stays at the end, anything else stays put."""
        last_top = max(0, length - self.height)
        self.top = self._tail_top(length) if self.tail else max(0, min(self.top, last_top))
        if self.top >= last_top:
            self.seen = length

    def _tail_top(self, length: int) -> int:
        """Where a tail stands: it jumps by a third of its height, so that text stands still while
        it is read and a slow link is not spent on moving it.
        """
        jump = max(1, self.height // 3)
        return jump * -(-max(0, length - self.height) // jump)

    def scroll(self, by: int, length: int, *, tails: bool) -> None:
        """Move by lines. Up leaves the tail; reaching the end takes it up again."""
        last_top = max(0, length - self.height)
        self.top = max(0, min(self.top + by, last_top))
        self.tail = tails and self.top >= last_top
        if self.top >= last_top:
            self.seen = length

    def reveal(self, index: int, length: int) -> None:
        """Scroll as little as needed for a line to be visible."""
        if index < self.top:
            self.top = index
        elif index >= self.top + self.height:
            self.top = index - self.height + 1
        self.top = max(0, min(self.top, max(0, length - self.height)))

    def unseen(self, length: int) -> int:
        """Lines that came while the end was out of sight."""
        return max(0, length - max(self.seen, self.top + self.height))
