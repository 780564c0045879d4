"""The old answer of a call and the new one, each with its picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aspire_tui.tui.panes.body import Body, Look
from aspire_tui.tui.panes.picture import decode
from aspire_tui.tui.screen.lines import FixedLines
from aspire_tui.tui.screen.safe import clean_line
from aspire_tui.tui.screen.text import Line, Span, fit, line, width, wrap

BESIDE: int = 60
"""Cells from which two pictures stand side by side."""


@dataclass(frozen=True)
class WhatIf:
    """What the verb answered, and both pictures, encoded."""

    answer: dict[str, Any]
    old: bytes
    new: bytes


def what_if_body(shown: WhatIf, look: Look) -> Body:
    """Words first, then the pictures: before on the left, now on the right."""
    answer, before = shown.answer, shown.answer["before"]
    rows: list[Line] = []
    rows += _told("was", before["prompt"], before["status"], before["summary"], look)
    rows += _told("now", answer["prompt"], answer["status"], answer["summary"], look)
    for note in answer["notes"][:6]:
        rows += wrap(clean_line(str(note), 200), look.width, "dim", "      ", "      ")
    rows += _pictures(shown, look, max(6, look.height - len(rows) - 1))
    title = f"What if {look.glyphs.dot} {clean_line(str(answer['primitive']), 40)}"
    fork = "f sends it to a fork, " if look.live else ""
    return Body(title, FixedLines(rows), foot=f"u asks again, {fork}esc closes")


def _told(when: str, prompt: Any, status: Any, summary: Any, look: Look) -> list[Line]:
    role = "ok" if status == "OK" else "bad"
    head = line(
        (f"{when:<4} ", "dim"), (f"{status or 'unknown'} ", role), (f"“{prompt}” ", "strong")
    )
    said = wrap(clean_line(str(summary), 300), look.width, "", "     ", "     ")
    return [fit(head, look.width), *said[:3]]


def _pictures(shown: WhatIf, look: Look, rows: int) -> list[Line]:
    if look.width < BESIDE:
        return [*_drawn(shown.new, look.width, rows, look)]
    half = (look.width - 2) // 2
    old, new = _drawn(shown.old, half, rows, look), _drawn(shown.new, half, rows, look)
    both: list[Line] = []
    for index in range(max(len(old), len(new))):
        left = old[index] if index < len(old) else ()
        right = new[index] if index < len(new) else ()
        both.append((*left, Span(" " * (half - width(left) + 2)), *right))
    return both


def _drawn(data: bytes, columns: int, rows: int, look: Look) -> list[Line]:
    decoded = decode(data) if data else "the picture was pruned from this session"
    if isinstance(decoded, str):
        return [line((decoded, "warn"))]
    from aspire_tui.tui.screen.halfcell import halfcells  # numpy: a start is not for pictures

    return list(halfcells(decoded, rows, columns, look.depth))
