"""A stored picture as half-blocks, on demand: what perception used, with its overlay."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from aspire_tui.tui.moment import Moment
from aspire_tui.tui.panes.body import Look
from aspire_tui.tui.screen.kitty import KittyPicture, kitty_picture
from aspire_tui.tui.screen.picture_box import Depth
from aspire_tui.tui.screen.safe import clean_line
from aspire_tui.tui.screen.sixel import SixelPicture, sixel_picture
from aspire_tui.tui.screen.text import Line, line

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_PIXELS = 4096 * 4096
"""Larger pictures are refused: no terminal shows them and decoding costs memory."""

MOST_ROWS = 40


def picture_lines(moment: Moment, look: Look) -> list[Line]:
    """The asked picture in the pane's width, or why it cannot be shown."""
    picture = moment.picture
    if picture is None:
        if moment.asked.picture is not None and moment.keyframes:
            return [line(("the picture was pruned from this session", "warn"))]
        return []
    what = "overlay" if picture.overlay else "picture"
    head = f"{clean_line(picture.camera, 24)} {what} at {picture.t_s:.2f} s"
    drawn = kitty_of(picture.data, look)
    if drawn is not None:
        cost = f"  {len(drawn.png) / 750:.0f} kB sent once"  # base64 makes three bytes four
        return [line((head, "dim"), (cost, "dim")), *drawn.lines()]
    sixel = sixel_of(picture.data, look)
    if sixel is not None:
        cost = f"  {len(sixel.data) / 1000:.0f} kB whenever it moves"
        return [line((head, "dim"), (cost, "dim")), *sixel.lines()]
    return [line((head, "dim")), *_drawn(picture.data, _rows(look), look.width, look.depth)]


def kitty_of(data: bytes, look: Look) -> KittyPicture | None:
    """The picture as the kitty protocol sends it; None where it is drawn with cells."""
    if look.kitty_B == 0 or isinstance(decode(data), str):
        return None
    return kitty_picture(data, _rows(look), look.width, look.kitty_B)


def sixel_of(data: bytes, look: Look) -> SixelPicture | None:
    """The picture as sixels; None where it is drawn with cells."""
    if look.sixel_B == 0 or isinstance(decode(data), str):
        return None
    return sixel_picture(data, _rows(look), look.width, look.sixel_B, look.cell)


def _rows(look: Look) -> int:
    return min(MOST_ROWS, max(6, look.height - 4))


@lru_cache(maxsize=8)
def _drawn(data: bytes, rows: int, columns: int, depth: Depth) -> Sequence[Line]:
    from aspire_tui.tui.screen.halfcell import halfcells  # numpy: a start is not for pictures

    decoded = decode(data)
    if isinstance(decoded, str):
        return (line((decoded, "warn")),)
    return tuple(halfcells(decoded, rows, columns, depth))


def decode(data: bytes) -> NDArray[np.uint8] | str:
    """Pixels of an encoded picture, shape (H, W, 3), or one line saying why there are none."""
    import numpy as np  # like PIL slow to load, and a start is not for pictures
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > MOST_PIXELS:
                return f"the picture is too large to show ({image.width}x{image.height})"
            return np.asarray(image.convert("RGB"))
    except Image.DecompressionBombError:
        return "the picture is too large to show"
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        return f"the picture cannot be read: {clean_line(str(error), 80)}"
