"""What judges the session and is not what it was: every file with what changed in it."""

from __future__ import annotations

from aspire_tui.tui.moment import Moment
from aspire_tui.tui.panes.body import Look
from aspire_tui.tui.panes.format import section
from aspire_tui.tui.screen.safe import clean_line
from aspire_tui.tui.screen.text import Line, line, wrap


def judge_lines(moment: Moment, look: Look) -> list[Line]:
    """The difference as it was found and recorded; empty while nothing changed."""
    lines: list[Line] = []
    for change in moment.snapshot.evaluation:
        lines.append(section(clean_line(change.name), look.width, look.glyphs))
        where = clean_line(change.path) or "in a worker that was started since"
        lines += wrap(where, look.width, "dim")
        for text in change.diff.splitlines():
            role = "ok" if text.startswith("+") else "bad" if text.startswith("-") else "dim"
            lines.append(line((clean_line(text), role)))
    return lines
