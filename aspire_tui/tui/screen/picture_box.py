"""How a picture is to be drawn with cells, and what room it takes, for those who draw none yet."""

from __future__ import annotations

from typing import Final, Literal

Depth = Literal["256", "16", "mono"]

CELL_PIXELS: Final = (8, 16)
"""Width and height of a cell, where the terminal does not say."""
FIRST_ID, IDS = 16, 240
"""Pictures are told apart by the colour of their cells: one of the 256 that no theme can change."""
SHRINK: Final = 0.8
"""Of a picture that costs too much, this much of its width and height is tried next."""


def fitted(height: int, width: int, rows: int, cols: int) -> tuple[int, int]:
    """Rows and columns a picture takes inside a box of cells, keeping its shape (cells are 1:2)."""
    if height <= 0 or width <= 0 or rows <= 0 or cols <= 0:
        return 0, 0
    scale = min(cols / width, 2 * rows / height)
    return max(1, round(height * scale / 2)), max(1, round(width * scale))
