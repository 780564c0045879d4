"""Whatever is drawn, the terminal shows it; nothing that did not change is sent."""

from __future__ import annotations

import pyte
import pyte.screens
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.color import ColorSystem
from rich.style import Style

from aspire_tui.tui.screen.diff import CellDiff, Pen, change_pen, pen_of

COLUMNS, ROWS = 24, 6

pens = st.sampled_from(
    [
        Pen(),
        Pen("1", "38;5;114", ""),
        Pen("", "38;5;252", "48;5;234"),
        Pen("7", "", ""),
        Pen("", "", "48;5;24"),
        Pen("", "31", ""),
    ]
)
texts = st.text(st.sampled_from("ab █▀漢字✓é "), min_size=1, max_size=12)
puts = st.tuples(st.integers(0, COLUMNS - 1), st.integers(0, ROWS - 1), texts, pens)
frames = st.lists(st.lists(puts, max_size=6), min_size=1, max_size=6)


def _seen(cell: pyte.screens.Char) -> tuple[object, ...]:
    """What an eye can tell: the colour of a blank's ink is not among it."""
    if cell.data == " " and not cell.reverse:
        return " ", cell.bg
    return cell.data, cell.fg, cell.bg, cell.bold, cell.reverse


def _shown(screen: pyte.Screen) -> list[list[tuple[object, ...]]]:
    return [[_seen(screen.buffer[y][x]) for x in range(COLUMNS)] for y in range(ROWS)]


@settings(max_examples=120, deadline=None)
@given(frames)
def test_sending_changes_shows_what_a_full_repaint_shows(
    told: list[list[tuple[int, int, str, Pen]]],
) -> None:
    screen, diff = pyte.Screen(COLUMNS, ROWS), CellDiff(COLUMNS, ROWS)
    stream = pyte.Stream(screen)
    for frame in told:
        for x, y, text, pen in frame:
            diff.put(x, y, text, pen)
        stream.feed(diff.changes())
    fresh, whole = pyte.Screen(COLUMNS, ROWS), CellDiff(COLUMNS, ROWS)
    for frame in told:
        for x, y, text, pen in frame:
            whole.put(x, y, text, pen)
    pyte.Stream(fresh).feed(whole.changes())
    assert _shown(screen) == _shown(fresh)


def test_an_unchanged_screen_sends_nothing() -> None:
    diff = CellDiff(COLUMNS, ROWS)
    diff.put(0, 0, "hello", Pen())
    assert diff.changes()
    diff.put(0, 0, "hello", Pen())
    assert diff.changes() == ""


def test_one_changed_cell_sends_one_cell() -> None:
    diff = CellDiff(80, 24)
    pen = Pen("", "38;5;246", "48;5;234")
    diff.put(0, 0, " " * 79 + "o", pen)
    diff.changes()
    diff.put(79, 0, "x", pen)
    assert diff.changes() == "\x1b[1;80H\x1b[38;5;246;48;5;234mx"
    diff.put(79, 0, "o", pen)
    assert diff.changes() == "\x1b[1;80Ho"


def test_a_forgotten_screen_is_sent_whole() -> None:
    diff = CellDiff(COLUMNS, ROWS)
    diff.put(3, 2, "kept", Pen())
    first = diff.changes()
    diff.forget()
    again = diff.changes()
    assert "kept" in again and len(again) >= len(first) - 4


def test_half_a_wide_glyph_never_stays_behind() -> None:
    screen, diff = pyte.Screen(8, 1), CellDiff(8, 1)
    stream = pyte.Stream(screen)
    diff.put(0, 0, "漢字", Pen())
    stream.feed(diff.changes())
    diff.put(1, 0, "x", Pen())
    stream.feed(diff.changes())
    assert screen.display[0].replace("\x00", "").startswith(" x字")


@given(pens, pens)
def test_a_pen_change_is_never_longer_than_starting_over(old: Pen, new: Pen) -> None:
    assert len(change_pen(old, new)) <= len(change_pen(None, new))


def test_without_colours_only_attributes_are_sent() -> None:
    style = Style.parse("bold red on blue")
    assert pen_of(style, None) == Pen("1", "", "")
    assert pen_of(style, ColorSystem.STANDARD) == Pen("1", "31", "44")
