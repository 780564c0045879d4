"""Pictures as text: two pixels per cell with ``▀``, in 256 colours, 16, or as brightness glyphs.

Needs numpy and nothing of the terminal. Colours are xterm palette numbers, which every terminal
that shows 256 colours agrees on, so a picture costs about half of what true colour would.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from aspire_tui.tui.screen.picture_box import Depth as Depth
from aspire_tui.tui.screen.picture_box import fitted as fitted
from aspire_tui.tui.screen.text import Line, Pixel, Span

UPPER: Final = "▀"
RAMP: Final = " .:-=+*#%@"

_CUBE: Final = np.array([0, 95, 135, 175, 215, 255], np.int32)
_SYSTEM: Final = np.array(
    [
        (0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0),
        (0, 0, 128), (128, 0, 128), (0, 128, 128), (192, 192, 192),
        (128, 128, 128), (255, 0, 0), (0, 255, 0), (255, 255, 0),
        (0, 0, 255), (255, 0, 255), (0, 255, 255), (255, 255, 255),
    ],
    np.int32,
)  # fmt: skip


def resize(rgb: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Picture of another size: mean of the covered pixels, or the nearest one when growing."""
    source_h, source_w = rgb.shape[:2]
    if source_h < height or source_w < width:
        ys = np.arange(height) * source_h // height
        xs = np.arange(width) * source_w // width
        return np.ascontiguousarray(rgb[ys][:, xs])
    ys = np.arange(height + 1) * source_h // height
    xs = np.arange(width + 1) * source_w // width
    rows = np.add.reduceat(rgb.astype(np.uint32), ys[:-1], axis=0)
    sums = np.add.reduceat(rows, xs[:-1], axis=1)
    area = np.diff(ys)[:, None] * np.diff(xs)[None, :]
    shrunk: NDArray[np.uint8] = (sums // area[..., None]).astype(np.uint8)
    return shrunk


def palette_256(rgb: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Nearest xterm colour number for each pixel, from the cube and the grey ramp."""
    pixels = rgb.astype(np.int32)
    steps = np.where(pixels < 48, 0, np.where(pixels < 115, 1, (pixels - 35) // 40))
    cube = 16 + 36 * steps[..., 0] + 6 * steps[..., 1] + steps[..., 2]
    cube_error = ((_CUBE[steps] - pixels) ** 2).sum(-1)
    grey_step = np.clip((pixels.mean(-1) - 3) // 10, 0, 23).astype(np.int32)
    grey_error = ((8 + 10 * grey_step[..., None] - pixels) ** 2).sum(-1)
    nearest: NDArray[np.int32] = np.where(grey_error < cube_error, 232 + grey_step, cube)
    return nearest


def palette_16(rgb: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Nearest of the sixteen system colours for each pixel."""
    distance = ((rgb.astype(np.int32)[..., None, :] - _SYSTEM) ** 2).sum(-1)
    nearest: NDArray[np.int32] = distance.argmin(-1)
    return nearest


def halfcells(rgb: NDArray[np.uint8], rows: int, cols: int, depth: Depth = "256") -> list[Line]:
    """A picture as lines that fit a box of cells.

    Args:
        rgb: Shape (H, W, 3), uint8.
        rows: Height of the box.
        cols: Width of the box.
        depth: Colours of the terminal; ``mono`` draws brightness with ASCII glyphs.
    """
    height, width = fitted(rgb.shape[0], rgb.shape[1], rows, cols)
    if not height:
        return []
    if depth == "mono":
        return _glyphs(resize(rgb, height, width))
    small = resize(rgb, 2 * height, width)
    colours = palette_256(small) if depth == "256" else palette_16(small)
    return [_row(colours[2 * y], colours[2 * y + 1]) for y in range(height)]


def _row(upper: NDArray[np.int32], lower: NDArray[np.int32]) -> Line:
    spans: list[Span] = []
    start = 0
    change = np.flatnonzero((np.diff(upper) != 0) | (np.diff(lower) != 0)) + 1
    for end in (*change.tolist(), len(upper)):
        spans.append(Span(UPPER * (end - start), Pixel(int(upper[start]), int(lower[start]))))
        start = end
    return tuple(spans)


def _glyphs(small: NDArray[np.uint8]) -> list[Line]:
    bright = small.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    index = np.clip(bright * len(RAMP) // 256, 0, len(RAMP) - 1).astype(int)
    return [(Span("".join(RAMP[i] for i in row)),) for row in index.tolist()]
