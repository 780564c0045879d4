"""Styled lines as plain values: what every pane is made of, before any terminal is involved.

A :data:`Line` is a tuple of spans; a span is text with a *role* of the palette (``ok``, ``dim``)
or the two colours of a picture cell. Widths are terminal cells. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from rich.cells import cell_len, set_cell_size

AHEAD: Final = 4
"""Characters per cell that are looked at: more marks than that on one glyph are not shown."""


class Pixel(NamedTuple):
    """Colours of one half-block: upper pixel is foreground, lower is background."""

    fg: int
    bg: int


class Span(NamedTuple):
    text: str
    role: str | Pixel = ""


Line = tuple[Span, ...]

Part = str | Span | tuple[str, str]


def line(*parts: Part) -> Line:
    """A line from strings and (text, role) pairs; empty parts vanish."""
    spans = (Span(part) if isinstance(part, str) else Span(*part) for part in parts)
    return tuple(span for span in spans if span.text)


@lru_cache(maxsize=8192)
def _foreign_width(text: str) -> int:
    return cell_len(text)


def joined(spans: Iterable[Span]) -> Line:
    """Neighbours of one role become one span."""
    kept: list[Span] = []
    for span in spans:
        if kept and kept[-1].role == span.role:
            kept[-1] = Span(kept[-1].text + span.text, span.role)
        else:
            kept.append(span)
    return tuple(kept)


def text_width(text: str) -> int:
    """Cells a text takes."""
    return len(text) if text.isascii() else _foreign_width(text)


def width(value: Line) -> int:
    """Cells a line takes."""
    return sum(text_width(span.text) for span in value)


def plain(value: Line) -> str:
    """The line without its roles."""
    return "".join(span.text for span in value)


def clip(text: str, cells: int, ellipsis: str = "…") -> str:
    """Text cut to at most ``cells``, its end marked when something is missing."""
    if cells <= 0:
        return ""
    if len(text) > AHEAD * cells:
        text = text[: AHEAD * cells]  # what is looked at is bounded by the room, not by the text
    elif text_width(text) <= cells:
        return text
    mark = ellipsis if text_width(ellipsis) < cells else ""
    return set_cell_size(text, cells - text_width(mark)).rstrip() + mark


def pad(text: str, cells: int, right: bool = False) -> str:
    """Text clipped and filled with blanks to exactly ``cells``."""
    text = clip(text, cells)
    blanks = " " * (cells - text_width(text))
    return blanks + text if right else text + blanks


def fit(value: Line, cells: int, ellipsis: str = "…") -> Line:
    """A line cut to at most ``cells``."""
    if width(value) <= cells:
        return value
    kept: list[Span] = []
    left = cells
    for span in value:
        span_width = text_width(span.text)
        if span_width < left:
            kept.append(span)
            left -= span_width
            continue
        kept.append(Span(clip(span.text + " ", left, ellipsis), span.role))
        break
    return tuple(kept)


def spread(left: Line, right: Line, cells: int) -> Line:
    """Two lines on one row, the second flush right; the first gives way."""
    room = max(0, cells - width(right) - 1)
    left = fit(left, room)
    gap = cells - width(left) - width(right)
    return fit((*left, Span(" " * max(0, gap)), *right), cells)


def wrap(text: str, cells: int, role: str = "", first: str = "", rest: str = "") -> list[Line]:
    """Text broken at blanks into lines of at most ``cells``; long words are cut.

    ``first`` and ``rest`` are prefixes of the first and of all further lines.
    """
    lines: list[Line] = []
    prefix = first
    for paragraph in text.split("\n"):
        for row in _wrapped(paragraph, max(8, cells - text_width(rest or first))):
            lines.append(line(prefix, (row, role)))
            prefix = rest
    return lines


def _wrapped(paragraph: str, cells: int) -> Iterable[str]:
    row = ""
    for word in paragraph.split(" "):
        while len(word) > AHEAD * cells or text_width(word) > cells:
            if row:
                yield row
                row = ""
            head = set_cell_size(word[: AHEAD * cells], cells).rstrip() or word[:1]
            yield head
            word = word[len(head) :]
        joined = f"{row} {word}" if row else word
        if text_width(joined) > cells:
            yield row
            row = word
        else:
            row = joined
    yield row
