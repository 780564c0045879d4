"""Pictures as sixels, drawn over blank cells that stand for them.

The cells go through the cell diff like any text, so panes move and cover them. A sixel is pixels on
the glass: it is sent again when its cells were, and its old place is written anew when it moved.
Needs ``textual-image`` (extra ``images``) for the encoding.
"""

from __future__ import annotations

import io
import time
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from aspire_tui.tui.screen.diff import CellDiff
from aspire_tui.tui.screen.picture_box import CELL_PIXELS, FIRST_ID, IDS, SHRINK, fitted
from aspire_tui.tui.screen.text import Line, Pixel, Span

MARK: Final = "\u00a0"
"""Blank on the glass, and nothing else on the screen is drawn with it."""
BAND: Final = 6
"""Pixels a row of sixels is high: a last one that does not fit would scroll the screen."""


class SixelPicture(NamedTuple):
    """One picture as it is sent.

    Attributes:
        id: The colour its cells are marked with, one of the 256.
        rows: Cells it is high.
        columns: Cells it is wide.
        data: The control sequence that draws it at the cursor.
    """

    id: int
    rows: int
    columns: int
    data: str

    def lines(self) -> list[Line]:
        """The cells it is drawn over."""
        return [(Span(MARK * self.columns, Pixel(self.id, 0)),) for _ in range(self.rows)]


@lru_cache(maxsize=8)
def sixel_picture(
    data: bytes, rows: int, columns: int, most_B: int, cell: tuple[int, int] = CELL_PIXELS
) -> SixelPicture:
    """An encoded picture that fits a box of cells and costs no more than so many bytes.

    Args:
        data: A picture as it is stored.
        rows: Height of the box.
        columns: Width of the box.
        most_B: Most bytes of one drawing.
        cell: Width and height of a cell in pixels.

    Raises:
        ImportError: ``textual-image`` is not installed.
        OSError: It is no picture.
    """
    from PIL import Image
    from textual_image._sixel import image_to_sixels

    with Image.open(io.BytesIO(data)) as image:
        picture = image.convert("RGB")
    height, width = fitted(picture.height, picture.width, rows, columns)
    full = (width * cell[0], height * cell[1])
    picture = picture.resize((full[0], max(BAND, full[1] // BAND * BAND)))
    colours = 128
    while True:
        sixels = image_to_sixels(picture.quantize(colours))
        if len(sixels) <= most_B or min(picture.size) < 4 * BAND:
            number = FIRST_ID + zlib.crc32(data) % IDS
            return SixelPicture(number, height, width, sixels)
        colours = max(16, colours // 2)
        if colours == 16:
            across, down = (int(SHRINK * side) for side in picture.size)
            picture = picture.resize((max(BAND, across), max(BAND, down // BAND * BAND)))


class Place(NamedTuple):
    """Cells of the screen."""

    x: int
    y: int
    columns: int
    rows: int


class SixelLayer:
    """What is drawn over the cells of one screen.

    Args:
        most_B_s: Bytes a second that drawing may cost; a picture waits for its turn.
    """

    def __init__(self, most_B_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most_B_s = most_B_s
        self._clock = clock
        self._next_s = 0.0
        self._known: dict[int, SixelPicture] = {}
        self._drawn: dict[int, Place] = {}

    def show(self, picture: SixelPicture) -> None:
        """Draw it wherever its cells are."""
        if self._known.get(picture.id) != picture:
            self._known[picture.id] = picture
            self._drawn.pop(picture.id, None)

    def forget(self) -> None:
        """The glass may show anything now."""
        self._drawn.clear()

    def lift(self, diff: CellDiff) -> None:
        """Before changes are sent: places that are left, or written over, are not drawn any more.

        What a picture leaves behind is written anew, cell by cell.
        """
        for number, place in list(self._drawn.items()):
            if self._found(diff, number) != place:
                diff.unsure_of(place.x, place.y, place.columns, place.rows)
                del self._drawn[number]
            elif diff.differs(place.x, place.y, place.columns, place.rows):
                del self._drawn[number]

    def drawing(self, diff: CellDiff) -> str:
        """After the changes: the pictures whose cells stand and that are not drawn there yet."""
        out: list[str] = []
        now_s = self._clock()
        for number, picture in self._known.items():
            place = self._found(diff, number) if number not in self._drawn else None
            if place is not None and now_s >= self._next_s:
                out.append(f"\x1b7\x1b[{place.y + 1};{place.x + 1}H{picture.data}\x1b8")
                self._drawn[number] = place
                self._next_s = now_s + len(picture.data) / self._most_B_s
        return "".join(out)

    def due_s(self, diff: CellDiff) -> float | None:
        """Seconds until a picture that waits for its turn may be drawn; None when none waits."""
        waits = any(n not in self._drawn and self._found(diff, n) for n in self._known)
        return max(0.0, self._next_s - self._clock()) if waits else None

    def _found(self, diff: CellDiff, number: int) -> Place | None:
        """Where all cells of a picture stand; None while it is covered or cut."""
        picture = self._known[number]
        at = diff.first(MARK, f"38;5;{number}")
        if at is None:
            return None
        place = Place(*at, picture.columns, picture.rows)
        return place if diff.filled(place.x, place.y, place.columns, place.rows, MARK) else None
