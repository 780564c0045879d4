"""Pictures by the kitty graphics protocol, placed by text.

The cells of a picture are glyphs that the terminal draws it over, so the cell diff moves, covers
and removes it like any other text; the picture itself is sent once. Needs ``textual-image`` (extra
``images``) for the protocol's table.
"""

from __future__ import annotations

import base64
import io
import zlib
from functools import lru_cache
from typing import Final, NamedTuple

from aspire_tui.tui.screen.picture_box import CELL_PIXELS, FIRST_ID, IDS, SHRINK, fitted
from aspire_tui.tui.screen.text import Line, Pixel, Span

PLACEHOLDER: Final = "\U0010eeee"
CHUNK: Final = 4096
"""Characters of a picture in one control sequence."""


class KittyPicture(NamedTuple):
    """One picture as it is sent.

    Attributes:
        id: Its number in the terminal.
        rows: Cells it is high.
        columns: Cells it is wide.
        png: What is sent, small enough for the link.
    """

    id: int
    rows: int
    columns: int
    png: bytes

    def lines(self) -> list[Line]:
        """The cells it is drawn over."""
        marks, ink = _marks(), Pixel(self.id, 0)
        return [
            (Span("".join(PLACEHOLDER + marks[y] + marks[x] for x in range(self.columns)), ink),)
            for y in range(self.rows)
        ]

    def sending(self, in_tmux: bool) -> str:
        """The control sequences that give it to the terminal; it shows nothing by itself."""
        text = base64.standard_b64encode(self.png).decode()
        chunks = [text[start : start + CHUNK] for start in range(0, len(text), CHUNK)]
        keys = f"a=T,U=1,i={self.id},f=100,c={self.columns},r={self.rows},q=2,"
        sent = []
        for number, chunk in enumerate(chunks):
            more = int(number + 1 < len(chunks))
            sequence = f"\x1b_G{keys if number == 0 else 'q=2,'}m={more};{chunk}\x1b\\"
            doubled = sequence.replace("\x1b", "\x1b\x1b")
            sent.append(f"\x1bPtmux;{doubled}\x1b\\" if in_tmux else sequence)
        return "".join(sent)


@lru_cache(maxsize=8)
def kitty_picture(data: bytes, rows: int, columns: int, most_B: int) -> KittyPicture:
    """An encoded picture that fits a box of cells and costs no more than so many bytes.

    Raises:
        ImportError: ``textual-image`` is not installed.
        OSError: It is no picture.
    """
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        picture = image.convert("RGB")
    most = len(_marks())
    height, width = fitted(picture.height, picture.width, min(rows, most), min(columns, most))
    picture.thumbnail((width * CELL_PIXELS[0], height * CELL_PIXELS[1]))
    while True:
        out = io.BytesIO()
        picture.quantize(256).save(out, "PNG", optimize=True)
        if 4 * out.tell() <= 3 * most_B or min(picture.size) < 16:
            number = FIRST_ID + zlib.crc32(data) % IDS
            return KittyPicture(number, height, width, out.getvalue())
        picture = picture.resize((int(SHRINK * picture.width), int(SHRINK * picture.height)))


@lru_cache(maxsize=1)
def _marks() -> tuple[str, ...]:
    """The combining marks that stand for a row or a column, in the protocol's order."""
    from textual_image.renderable.tgp import _NUMBER_TO_DIACRITIC

    return tuple(chr(code) for code in _NUMBER_TO_DIACRITIC)
