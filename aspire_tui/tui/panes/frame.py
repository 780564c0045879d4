"""The frame around a pane: title above, position below, heavier and marked when in focus."""

from __future__ import annotations

from dataclasses import dataclass

from aspire_tui.tui.screen.text import Line, Span, clip, fit, line, text_width, width


@dataclass(frozen=True)
class Edge:
    """Corner and side glyphs of one kind of frame."""

    top_left: str
    top_right: str
    bottom_left: str
    bottom_right: str
    across: str
    down: str


THIN = Edge("╭", "╮", "╰", "╯", "─", "│")
HEAVY = Edge("┏", "┓", "┗", "┛", "━", "┃")
ASCII_THIN = Edge("+", "+", "+", "+", "-", "|")
ASCII_HEAVY = Edge("#", "#", "#", "#", "=", "#")


def edge_of(heavy: bool, ascii_only: bool) -> Edge:
    if ascii_only:
        return ASCII_HEAVY if heavy else ASCII_THIN
    return HEAVY if heavy else THIN


def top_row(title: str, number: str, right: str, focused: bool, columns: int, edge: Edge) -> Line:
    """The upper frame: pane number, title (``*`` when in focus), and a word on the right."""
    role = "accent" if focused else "faint"
    star = "*" if focused else ""
    right_part = f" {right} " if right else ""
    room = columns - 7 - text_width(number) - text_width(star) - text_width(right_part)
    title = clip(title, max(0, room))
    head = line(
        (edge.top_left + edge.across, role),
        (f" {number}{' ' if number else ''}", "key" if focused else "dim"),
        (title, "title" if focused else "dim"),
        (f"{star} ", "key" if focused else "dim"),
    )
    tail = line((right_part, "dim"), (edge.across + edge.top_right, role))
    fill = max(0, columns - width(head) - width(tail))
    return (*head, Span(edge.across * fill, role), *tail)


def bottom_row(foot: str, position: str, focused: bool, columns: int, edge: Edge) -> Line:
    """The lower frame: a remark on the left, the visible rows on the right."""
    role = "accent" if focused else "faint"
    position = f" {position} " if position else ""
    foot = f" {clip(foot, max(0, columns - 8 - text_width(position)))} " if foot else ""
    head = line((edge.bottom_left + edge.across, role), (foot, "dim"))
    tail = line((position, "dim"), (edge.across + edge.bottom_right, role))
    fill = max(0, columns - width(head) - width(tail))
    return (*head, Span(edge.across * fill, role), *tail)


def side_row(content: Line, focused: bool, columns: int, edge: Edge, highlight: bool) -> Line:
    """One row between the sides; a highlighted row carries the role of the cursor to its end."""
    role = "accent" if focused else "faint"
    inner = max(0, columns - 4)
    content = fit(content, inner)
    marker = ">" if highlight and edge in (ASCII_THIN, ASCII_HEAVY) else " "
    fill = " " * (inner - width(content) + 1)
    side = Span(edge.down, role)
    return (side, Span(marker), *content, Span(fill), side)
