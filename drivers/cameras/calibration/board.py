"""A ChArUco board: what is printed, what the stand-in shows, what is looked for in pictures.

The board's frame is OpenCV's: origin at the top left corner of the pattern as printed, x to the
right, y down, z into the sheet. Seen from above on a table, z points down.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from drivers.errors import CellFileError

FloatArray = NDArray[np.float64]

DICTIONARY: Final = "DICT_4X4_50"
PRINT_DPI: Final = 300
MM_PER_INCH: Final = 25.4


class BoardSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A board as printed. The default fits A4 and a small arm; measure a square after printing."""

    columns: int = 7
    rows: int = 5
    square_m: float = 0.024
    marker_m: float = 0.018
    margin_m: float = 0.010
    """White around the pattern."""
    first_marker: int = 0
    """Markers are numbered from here, so that two boards can be told apart."""

    @property
    def size_m(self) -> tuple[float, float]:
        """Width and height of the pattern."""
        return self.columns * self.square_m, self.rows * self.square_m

    def corners_m(self) -> FloatArray:
        """Inner corners by their number, in the board's frame, shape (n, 3)."""
        x = np.arange(1, self.columns) * self.square_m
        y = np.arange(1, self.rows) * self.square_m
        return np.array([(a, b, 0.0) for b in y for a in x])

    def centre_m(self) -> FloatArray:
        """Its middle in its own frame, shape (3,)."""
        return np.array([*self.size_m, 0.0]) / 2.0


def checked(board: BoardSpec) -> BoardSpec:
    """The same board. Raises CellFileError when nothing could be printed or found."""
    sizes = (board.square_m, board.marker_m, board.margin_m)
    markers = board.columns * board.rows // 2
    if not (3 <= board.columns <= 20 and 3 <= board.rows <= 20):
        raise CellFileError("board: columns and rows must be 3 to 20")
    if not all(map(math.isfinite, sizes)) or not 0.005 <= board.square_m <= 0.2:
        raise CellFileError("board: a square must be 5 to 200 mm")
    if not 0.4 * board.square_m <= board.marker_m <= 0.9 * board.square_m:
        raise CellFileError("board: a marker must be 40 to 90 % of its square")
    if not 0.0 <= board.margin_m <= 0.1:
        raise CellFileError("board: the margin must be 0 to 100 mm")
    if board.first_marker < 0 or board.first_marker + markers > 50:
        raise CellFileError(f"board: {markers} markers from {board.first_marker}; there are 50")
    return board


def opencv_board(board: BoardSpec) -> Any:
    """The board as OpenCV knows it. Raises CellFileError without OpenCV."""
    cv2 = opencv()
    dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, DICTIONARY))
    checked(board)
    ids = np.arange(board.columns * board.rows // 2) + board.first_marker
    size = (board.columns, board.rows)
    return cv2.aruco.CharucoBoard(size, board.square_m, board.marker_m, dictionary, ids)


def opencv() -> Any:
    """OpenCV. Raises CellFileError when it is not installed."""
    try:
        import cv2
    except ImportError:
        raise CellFileError("calibration needs OpenCV: pip install 'aspire-tui[vision]'") from None
    return cv2


def sheet(board: BoardSpec, px_per_square: int) -> NDArray[np.uint8]:
    """The printed sheet, margin included, 0 black to 255 white, shape (H, W)."""
    drawn = opencv_board(board)
    margin = round(board.margin_m / board.square_m * px_per_square)
    width, height = board.columns * px_per_square, board.rows * px_per_square
    out = np.full((height + 2 * margin, width + 2 * margin), 255, np.uint8)
    pattern = drawn.generateImage((width, height), marginSize=0, borderBits=1)
    out[margin : margin + height, margin : margin + width] = pattern
    return out


def write_sheet(board: BoardSpec, path: Path) -> Literal["png", "svg"]:
    """Write the sheet at its true size: PNG with its resolution, or SVG in millimetres.

    Raises:
        CellFileError: Neither name ending, or the file cannot be written.
    """
    try:
        match path.suffix.lower():
            case ".png":
                _write_png(board, path)
                return "png"
            case ".svg":
                path.write_text(_svg(board), encoding="utf-8")
                return "svg"
    except OSError as error:
        raise CellFileError(f"{path}: {error.strerror or error}") from None
    raise CellFileError(f"{path}: a board is written as .png or .svg")


def _write_png(board: BoardSpec, path: Path) -> None:
    from PIL import Image

    px = max(20, round(1e3 * board.square_m / MM_PER_INCH * PRINT_DPI))
    dpi = px / (1e3 * board.square_m) * MM_PER_INCH
    Image.fromarray(sheet(board, px)).save(path, dpi=(dpi, dpi))


MARKER_CELLS: Final = 6
"""Of a 4x4 marker with its black border."""


def _svg(board: BoardSpec) -> str:
    cv2 = opencv()
    dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, DICTIONARY))
    square, margin, marker = (1e3 * v for v in (board.square_m, board.margin_m, board.marker_m))
    inset, cell, number = (square - marker) / 2.0, marker / MARKER_CELLS, board.first_marker
    boxes = []
    for row in range(board.rows):
        for column in range(board.columns):
            x, y = margin + column * square, margin + row * square
            if (row + column) % 2 == 0:
                boxes.append((x, y, square, square))
                continue
            bits = cv2.aruco.generateImageMarker(dictionary, number, MARKER_CELLS, borderBits=1)
            number += 1
            boxes += [
                (x + inset + j * cell, y + inset + i * cell, cell, cell)
                for i, j in np.argwhere(bits == 0)
            ]
    width, height = (1e3 * s + 2 * margin for s in board.size_m)
    drawn = "".join(
        f'<rect x="{x:.4f}" y="{y:.4f}" width="{w:.4f}" height="{h:.4f}"/>' for x, y, w, h in boxes
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}mm" height="{height:g}mm" '
        f'viewBox="0 0 {width:g} {height:g}" shape-rendering="crispEdges">'
        f'<rect width="{width:g}" height="{height:g}" fill="white"/>{drawn}</svg>\n'
    )
