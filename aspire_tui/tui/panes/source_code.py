"""Program text with its line of interest, lightly coloured. Tolerates text that is no Python."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator

from aspire_tui.tui.glyphs import Glyphs
from aspire_tui.tui.screen.safe import clean
from aspire_tui.tui.screen.text import Line, Span, fit, line, pad

_TOKEN = re.compile(
    r"(?P<comment>\#.*)"
    r"|(?P<string>[rbfRBF]{0,2}(?:\"(?:\\.|[^\"\\])*\"?|'(?:\\.|[^'\\])*'?))"
    r"|(?P<number>\b\d[\d_.eE+-]*)"
    r"|(?P<call>[A-Za-z_]\w*(?=\())"
    r"|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<rest>\s+|.)"
)


def code_line(text: str) -> Line:
    """One line of Python with roles."""
    return tuple(_spans(text))


def _spans(text: str) -> Iterator[Span]:
    for match in _TOKEN.finditer(text):
        kind, token = match.lastgroup, match.group()
        if kind in ("word", "call") and keyword.iskeyword(token):
            kind = "keyword"
        role = f"code_{kind}" if kind not in ("word", "rest") else "code"
        yield Span(token, role)


def listing(
    text: str, here: int, columns: int, glyphs: Glyphs, around: int | None = None
) -> list[Line]:
    """Numbered lines of a program; line ``here`` (from 1) stands out.

    Args:
        text: The program.
        here: Line to mark, 0 for none.
        columns: Cells per line.
        glyphs: Signs.
        around: Lines to show before and after; all when None.
    """
    rows = clean(text).split("\n")
    first, last = 1, len(rows)
    if around is not None and here:
        first, last = max(1, here - around), min(len(rows), here + around)
    return [_row(n, rows[n - 1], n == here, columns, glyphs) for n in range(first, last + 1)]


def _row(number: int, text: str, here: bool, columns: int, glyphs: Glyphs) -> Line:
    if here:
        shown = f"{glyphs.now}{number:>3} {text}"
        return line((pad(shown, max(columns, 1)), "code_here"))
    return fit((*line((f" {number:>3} ", "dim")), *code_line(text)), columns)
