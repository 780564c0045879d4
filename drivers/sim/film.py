"""Something spilt on the table: a patch of cells that a thing pressed flat on the table wipes off.

Which cells are gone is part of the world's state (MuJoCo's user data), so snapshots carry it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec
import mujoco
import numpy as np
from numpy.typing import NDArray

CELL_M = 0.01
PRESSED_M = 0.0025
"""A wiper whose underside is higher than this above the film only passes over it."""

FLAT = 0.98
"""Least cosine between the wiper's own vertical and the table's."""


class Film(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rectangle of cells of 1 cm, axes those of the base frame; metres, colour in 0..1."""

    name: str
    lo_m: tuple[float, float]
    columns: int
    rows: int
    z_m: float
    rgb: tuple[float, float, float]
    wiper: str
    """The thing that wipes."""
    gone: tuple[int, ...] = ()
    """Cells that are wiped already when the scene is set, by their place in ``centres``."""

    @property
    def cells(self) -> int:
        return self.columns * self.rows

    def centres(self) -> NDArray[np.float64]:
        """Middle of every cell, shape (columns * rows, 2)."""
        i, j = np.divmod(np.arange(self.cells), self.rows)
        return np.stack(
            [self.lo_m[0] + (i + 0.5) * CELL_M, self.lo_m[1] + (j + 0.5) * CELL_M], axis=1
        )


class Wiping(Protocol):
    """The part of a thing that wiping depends on."""

    @property
    def name(self) -> str: ...
    @property
    def size_m(self) -> tuple[float, float, float]: ...


def wipe(film: Film, things: Sequence[Wiping], data: mujoco.MjData) -> None:
    """Take off what lies under the wiper now, if it is pressed flat onto the table."""
    half = next(np.array(t.size_m) / 2 for t in things if t.name == film.wiper)
    body = data.body(film.wiper)
    R = body.xmat.reshape(3, 3)
    if abs(R[2, 2]) < FLAT or body.xpos[2] - half[2] > film.z_m + PRESSED_M:
        return
    local = (film.centres() - body.xpos[:2]) @ R[:2, :2]
    under = np.all(np.abs(local) < half[:2], axis=1)
    data.userdata[under] = 1.0


def spilt(
    film: Film, x_m: NDArray[np.float32], y_m: NDArray[np.float32], data: mujoco.MjData
) -> NDArray[np.bool_]:
    """Which points of the table are still covered; shape of the arguments."""
    i = np.floor((x_m - film.lo_m[0]) / CELL_M).astype(int)
    j = np.floor((y_m - film.lo_m[1]) / CELL_M).astype(int)
    inside = (i >= 0) & (i < film.columns) & (j >= 0) & (j < film.rows)
    cell = np.where(inside, i * film.rows + j, 0)
    return np.asarray(inside & (data.userdata[cell] < 0.5))
