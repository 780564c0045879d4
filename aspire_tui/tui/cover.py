"""What covers the panes: a list to read and to choose from. Never the strip, never the bar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aspire_tui.tui.panes.body import Body, Look, Target


@dataclass(frozen=True)
class Cover:
    """A list that covers the panes.

    Attributes:
        name: What it is; ``acts`` is the one whose rows are acts to do.
        body: What it shows now.
        open: What enter does with a row; None where there is nothing to open.
        stays: It stays after a row was opened.
    """

    name: str
    body: Callable[[Look], Body]
    open: Callable[[Target], None] | None = None
    stays: bool = False
