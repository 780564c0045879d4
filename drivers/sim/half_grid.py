"""Every second pixel of every second row, and what may be concluded about the pixels between.

On a flat face the inverse of depth is affine in the pixel, so a pixel halfway between two that met
the same face has their mean, exactly. Pixels whose neighbours disagree are named, to be cast.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
S = TypeVar("S", bound=np.generic)


@dataclass(frozen=True)
class HalfGrid:
    """The half grid of a picture of ``height`` x ``width`` pixels."""

    height: int
    width: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the half grid."""
        return (self.height + 1) // 2, (self.width + 1) // 2

    def settled(self, across: BoolArray, down: BoolArray) -> BoolArray:
        """Which pixels need no ray of their own, shape (height, width).

        Args:
            across: Where a grid pixel and the next one in its row agree, shape (h, w - 1).
            down: Where a grid pixel and the one below it agree, shape (h - 1, w).
        """
        out = np.zeros((self.height, self.width), dtype=np.bool_)
        out[::2, ::2] = True
        out[::2, 1:-1:2] = across[:, : (self.width - 1) // 2]
        out[1:-1:2, ::2] = down[: (self.height - 1) // 2]
        whole = across[:-1] & across[1:] & down[:, :-1]
        out[1:-1:2, 1:-1:2] = whole[: (self.height - 1) // 2, : (self.width - 1) // 2]
        return out

    def spread(self, grid: NDArray[S]) -> NDArray[S]:
        """Every pixel takes the grid pixel above and left of it, shape (height, width)."""
        out = np.empty((self.height, self.width), dtype=grid.dtype)
        for y in (0, 1):
            for x in (0, 1):
                part = out[y::2, x::2]
                part[:] = grid[: part.shape[0], : part.shape[1]]
        return out

    def halfway(self, grid: FloatArray) -> FloatArray:
        """Every pixel takes the mean of the grid pixels round it, shape (height, width).

        Only meant where :meth:`settled`; the last row and column of an even picture repeat.
        """
        out = self.spread(grid)
        right, below = out[::2, 1:-1:2], out[1:-1:2, ::2]
        right += grid[:, 1 : right.shape[1] + 1]
        right *= 0.5
        below += grid[1 : below.shape[0] + 1]
        below *= 0.5
        middle = out[1:-1:2, 1:-1:2]
        middle += grid[1 : middle.shape[0] + 1, 1 : middle.shape[1] + 1]
        middle *= 0.5
        return out


def agree(values: NDArray[S]) -> tuple[BoolArray, BoolArray]:
    """Where neighbours of a grid are equal: to the right, shape (h, w-1), and below, (h-1, w)."""
    return values[:, 1:] == values[:, :-1], values[1:] == values[:-1]
