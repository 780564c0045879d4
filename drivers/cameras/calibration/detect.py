"""Finding a board in a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from drivers.cameras.calibration.board import BoardSpec, opencv, opencv_board

FloatArray = NDArray[np.float64]

LEAST_CORNERS: Final = 8
ENLARGE_BELOW_PX: Final = 1000
"""Pictures narrower than this are enlarged first: small markers are read better."""


@dataclass(frozen=True, eq=False)
class Sighting:
    """Corners of a board in one picture.

    Attributes:
        ids: Shape (n,), numbers of inner corners.
        pixels: Shape (n, 2), pixel centres at whole numbers.
    """

    ids: NDArray[np.intp]
    pixels: FloatArray
    size: tuple[int, int]
    """Width and height of the picture."""


class Finder:
    """Looks for one board. Raises CellFileError when OpenCV is not there."""

    def __init__(self, board: BoardSpec) -> None:
        self._cv2 = opencv()
        parameters = self._cv2.aruco.DetectorParameters()
        parameters.cornerRefinementMethod = self._cv2.aruco.CORNER_REFINE_SUBPIX
        self._detector: Any = self._cv2.aruco.CharucoDetector(
            opencv_board(board), self._cv2.aruco.CharucoParameters(), parameters
        )

    def look(self, rgb: NDArray[np.uint8]) -> Sighting | None:
        """The board in a picture; None when too little of it is seen."""
        grey = self._cv2.cvtColor(np.ascontiguousarray(rgb), self._cv2.COLOR_RGB2GRAY)
        height, width = grey.shape
        factor = max(1, -(-ENLARGE_BELOW_PX // width))
        large = grey
        if factor > 1:
            size = (width * factor, height * factor)
            large = self._cv2.resize(grey, size, interpolation=self._cv2.INTER_CUBIC)
        corners, ids, _, _ = self._detector.detectBoard(large)
        if ids is None or len(ids) < LEAST_CORNERS:
            return None
        # Pixel centres: enlarging maps the middle of a pixel to the middle of its block.
        coarse = (np.asarray(corners, np.float64).reshape(-1, 2) + 0.5) / factor - 0.5
        seen = self._refined(grey, coarse)
        return Sighting(np.asarray(ids).ravel().astype(np.intp), seen, (width, height))

    def _refined(self, grey: NDArray[np.uint8], coarse: FloatArray) -> FloatArray:
        criteria = (self._cv2.TERM_CRITERIA_EPS + self._cv2.TERM_CRITERIA_COUNT, 40, 0.002)
        points = np.ascontiguousarray(coarse.reshape(-1, 1, 2), np.float32)
        fine = self._cv2.cornerSubPix(grey, points, (3, 3), (-1, -1), criteria)
        return np.asarray(fine, np.float64).reshape(-1, 2)
