"""What changed on the screen, cell by cell: only that is sent to the terminal.

Two grids: what the screen should show and what the terminal has. Pure; knows nothing of Textual
beyond Rich styles. Emits absolute moves for rows, relative ones inside a row, and only those parts
of a style that differ from the pen the terminal already has.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from rich.cells import get_character_cell_size
from rich.color import ColorSystem
from rich.style import Style

BRIDGE: Final = 3
"""Unchanged cells that are cheaper sent again than jumped over."""


class Pen(NamedTuple):
    """SGR codes of one style: attributes, foreground, background."""

    attributes: str = ""
    fg: str = ""
    bg: str = ""


class Cell(NamedTuple):
    """One cell. The right half of a wide glyph is an empty glyph."""

    glyph: str
    pen: Pen


_OFF: Final = {"1": "22", "2": "22", "3": "23", "4": "24", "7": "27", "9": "29"}
_INKLESS: Final = ("", "1", "2", "3", "1;3", "2;3")

PLAIN: Final = Pen()
BLANK: Final = Cell(" ", PLAIN)
_UNKNOWN: Final = Cell("\x00", PLAIN)


@lru_cache(maxsize=4096)
def pen_of(style: Style | None, colours: ColorSystem | None) -> Pen:
    """The pen of a Rich style at a colour depth; None draws without colour."""
    if style is None:
        return PLAIN
    codes = (
        ("1", style.bold),
        ("2", style.dim),
        ("3", style.italic),
        ("4", style.underline),
        ("7", style.reverse),
        ("9", style.strike),
    )
    attributes = ";".join(code for code, on in codes if on)
    fg = bg = ""
    if colours is not None:
        if style.color is not None and not style.color.is_default:
            fg = ";".join(style.color.downgrade(colours).get_ansi_codes())
        if style.bgcolor is not None and not style.bgcolor.is_default:
            bg = ";".join(style.bgcolor.downgrade(colours).get_ansi_codes(foreground=False))
    return Pen(attributes, fg, bg)


def change_pen(old: Pen | None, new: Pen) -> str:
    """The shortest SGR that turns one pen into another; ``old`` None means unknown."""
    if old == new:
        return ""
    whole = "\x1b[" + ";".join(("0", *filter(None, new))) + "m" if any(new) else "\x1b[m"
    if old is None:
        return whole
    codes = list(_attribute_codes(old.attributes, new.attributes))
    if old.fg != new.fg:
        codes.append(new.fg or "39")
    if old.bg != new.bg:
        codes.append(new.bg or "49")
    delta = "\x1b[" + ";".join(codes) + "m"
    return delta if len(delta) < len(whole) else whole


@lru_cache(maxsize=256)
def _attribute_codes(old: str, new: str) -> tuple[str, ...]:
    had, wanted = set(filter(None, old.split(";"))), set(filter(None, new.split(";")))
    off = {_OFF[code] for code in had - wanted}
    lost = {code for code in had if _OFF[code] in off}  # 22 ends both bold and dim
    return (*sorted(off), *sorted(wanted - (had - lost)))


def _inkless(pen: Pen) -> bool:
    """Whether a blank in this pen looks the same in any foreground."""
    return pen.attributes in _INKLESS


def _cell(glyph: str, pen: Pen) -> Cell:
    """A cell; blanks that look the same are the same."""
    return Cell(glyph, Pen("", "", pen.bg) if glyph == " " and _inkless(pen) else pen)


@lru_cache(maxsize=8192)
def _cells(text: str, pen: Pen) -> tuple[Cell, ...]:
    return tuple(_cell(glyph, pen) for glyph in text)


class CellDiff:
    """The wanted and the present screen of one terminal.

    Attributes:
        width: Columns.
        height: Rows.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._want = [[BLANK] * width for _ in range(height)]
        self._have = [[_UNKNOWN] * width for _ in range(height)]
        self._touched = set(range(height))
        self._pen: Pen | None = None

    def forget(self) -> None:
        """The terminal may show anything now: the next changes are the whole screen."""
        self._have = [[_UNKNOWN] * self.width for _ in range(self.height)]
        self._touched = set(range(self.height))
        self._pen = None

    def put(self, x: int, y: int, text: str, pen: Pen) -> int:
        """Want ``text`` at column ``x`` of row ``y``; returns the column after it."""
        if not 0 <= y < self.height:
            return x
        row = self._want[y]
        self._touched.add(y)
        if text.isascii():
            end = min(self.width, x + len(text))
            if x < end:
                self._part(row, x, end)
                row[x:end] = _cells(text[: end - x], pen)
            return x + len(text)
        for glyph in text:
            size = get_character_cell_size(glyph)
            if size == 0:
                self._combine(row, x, glyph)
                continue
            if x >= 0 and x + size <= self.width:
                self._part(row, x, x + size)
                row[x] = Cell(
                    glyph, pen if glyph != " " or not _inkless(pen) else Pen("", "", pen.bg)
                )
                if size == 2:
                    row[x + 1] = Cell("", pen)
            elif 0 <= x < self.width:
                self._part(row, x, self.width)
                row[x] = Cell(" ", pen)
            x += size
        return x

    def unsure_of(self, x: int, y: int, columns: int, rows: int) -> None:
        """The terminal may show anything in these cells."""
        for row in range(max(0, y), min(self.height, y + rows)):
            for column in range(max(0, x), min(self.width, x + columns)):
                self._have[row][column] = _UNKNOWN
            self._touched.add(row)

    def differs(self, x: int, y: int, columns: int, rows: int) -> bool:
        """Whether any of these cells is sent with the next changes."""
        return any(
            self._want[row][x : x + columns] != self._have[row][x : x + columns]
            for row in range(max(0, y), min(self.height, y + rows))
        )

    def first(self, glyph: str, fg: str) -> tuple[int, int] | None:
        """Column and row of the first cell that is wanted so, reading as one reads."""
        for y, row in enumerate(self._want):
            for x, cell in enumerate(row):
                if cell.glyph == glyph and cell.pen.fg == fg:
                    return x, y
        return None

    def filled(self, x: int, y: int, columns: int, rows: int, glyph: str) -> bool:
        """Whether all of these cells are wanted alike: one glyph in one pen."""
        if y + rows > self.height or x + columns > self.width:
            return False
        alike = Cell(glyph, self._want[y][x].pen)
        return all(
            cell == alike for row in self._want[y : y + rows] for cell in row[x : x + columns]
        )

    def changes(self) -> str:
        """Everything the terminal needs to show what is wanted; afterwards it is assumed to."""
        out: list[str] = []
        for y in sorted(self._touched):
            want, have = self._want[y], self._have[y]
            if want != have:
                self._row_changes(out, y, want, have)
                self._have[y] = want.copy()
        self._touched.clear()
        return "".join(out)

    def _row_changes(self, out: list[str], y: int, want: list[Cell], have: list[Cell]) -> None:
        at: int | None = None
        for start, end in self._runs(want, have):
            if at is None:
                out.append(f"\x1b[{y + 1};{start + 1}H" if start else f"\x1b[{y + 1}H")
            elif start > at:
                gap = want[at:start]
                if len(gap) <= BRIDGE and all(
                    c.glyph and (c.pen == self._pen or self._same_blank(c)) for c in gap
                ):
                    out.extend(cell.glyph for cell in gap)
                else:
                    out.append(f"\x1b[{start - at}C" if start - at > 1 else "\x1b[C")
            for cell in want[start:end]:
                if cell.pen != self._pen and not self._same_blank(cell):
                    out.append(change_pen(self._pen, cell.pen))
                    self._pen = cell.pen
                out.append(cell.glyph)
            at = end

    def _same_blank(self, cell: Cell) -> bool:
        """A blank needs no other pen when only its unseen foreground differs."""
        pen = self._pen
        return (
            cell.glyph == " "
            and pen is not None
            and pen.bg == cell.pen.bg
            and _inkless(pen)
            and _inkless(cell.pen)
        )

    def _runs(self, want: list[Cell], have: list[Cell]) -> list[tuple[int, int]]:
        runs: list[tuple[int, int]] = []
        x = 0
        while x < self.width:
            if want[x] == have[x]:
                x += 1
                continue
            start = x  # never the right half of a wide glyph: both halves are written together
            while x < self.width and (want[x] != have[x] or not want[x].glyph):
                x += 1
            runs.append((start, x))
        return runs

    def _part(self, row: list[Cell], start: int, end: int) -> None:
        """Blank the halves of wide glyphs that writing over [start, end) would leave behind."""
        if start > 0 and not row[start].glyph:
            row[start - 1] = Cell(" ", row[start - 1].pen)
        if end < self.width and not row[end].glyph:
            row[end] = Cell(" ", row[end].pen)

    def _combine(self, row: list[Cell], x: int, mark: str) -> None:
        x = min(x, self.width) - 1
        while x > 0 and not row[x].glyph:
            x -= 1
        if x >= 0 and len(row[x].glyph) < 4:
            row[x] = Cell(row[x].glyph + mark, row[x].pen)
