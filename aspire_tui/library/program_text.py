"""Edits a program's text at places that :mod:`ast` names, leaving every other byte alone."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aspire_tui.library.sketch import Placed


@dataclass(frozen=True)
class Edit:
    """New text for a place. Lines from 1, columns in bytes of UTF-8."""

    first_line: int
    start: int
    last_line: int
    end: int
    text: str

    @classmethod
    def of(cls, node: ast.expr, text: str) -> Edit:
        return cls(node.lineno, node.col_offset, *_end(node), text)

    @classmethod
    def placed(cls, place: Placed, text: str) -> Edit:
        return cls(place.line, place.start, place.line, place.end, text)


def apply_edits(text: str, edits: Iterable[Edit], within: ast.expr | ast.stmt | None = None) -> str:
    """The text, or the part of it that is ``within``, with the edits made. Edits do not overlap."""
    data = text.encode()
    starts = line_starts(data)
    first, last = 0, len(data)
    if within is not None:
        first = starts[within.lineno - 1] + within.col_offset
        line, column = _end(within)
        last = starts[line - 1] + column
    out, done = [], first
    for e in sorted(edits, key=lambda e: (e.first_line, e.start)):
        at = starts[e.first_line - 1] + e.start
        out += [data[done:at], e.text.encode()]
        done = starts[e.last_line - 1] + e.end
    out.append(data[done:last])
    return b"".join(out).decode()


def segment(text: str, node: ast.expr | ast.stmt) -> str:
    """The source text of one node."""
    return apply_edits(text, (), within=node)


def line_starts(data: bytes) -> list[int]:
    """Byte offset of every line, and of the end."""
    starts = [0]
    for line in data.split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)
    return starts


def indented(lines: Sequence[str], margin: str) -> list[str]:
    """The lines with a margin before each; empty lines stay empty."""
    return [margin + line if line.strip() else line for line in lines]


def _end(node: ast.expr | ast.stmt) -> tuple[int, int]:
    if node.end_lineno is None or node.end_col_offset is None:
        raise ValueError("the syntax tree carries no places")
    return node.end_lineno, node.end_col_offset
