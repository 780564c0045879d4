"""A calibration board in the simulated scene: a thin plate with a printed face."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec
import mujoco
import numpy as np
from numpy.typing import NDArray

from drivers.cameras.calibration.board import BoardSpec, checked, sheet
from drivers.errors import CellFileError

FloatArray = NDArray[np.float64]

NAME: Final = "calibration board"
HALF_THICK_M: Final = 0.001
PX_PER_SQUARE: Final = 96
SUBPIXELS: Final = 5
"""Samples along each side of a pixel: print is finer than the camera."""
BLACK, WHITE = 0.06, 0.92


class PlacedBoard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A board, and where its frame is: in the base frame, or in the tool frame of an arm."""

    board: BoardSpec
    mount: str
    xyz_m: tuple[float, float, float]
    wxyz: tuple[float, float, float, float]


def refuse(placed: PlacedBoard, arms: tuple[str, ...]) -> None:
    """Raises ValueError when it cannot be set up."""
    try:
        checked(placed.board)
    except CellFileError as error:
        raise ValueError(str(error)) from None
    if placed.mount not in ("base", *arms):
        raise ValueError(f"board: mount {placed.mount!r} is not base or one of {', '.join(arms)}")
    if not np.isfinite([*placed.xyz_m, *placed.wxyz]).all() or not np.any(placed.wxyz):
        raise ValueError("board: its place must be finite")


def add_board(body: Any, placed: PlacedBoard, T_body_board: FloatArray) -> None:
    """Put its plate on a body of a scene. It touches nothing and weighs nothing."""
    width, height = placed.board.size_m
    margin = placed.board.margin_m
    centre = T_body_board @ np.array([width / 2, height / 2, HALF_THICK_M, 1.0])
    quat = np.zeros(4)
    mujoco.mju_mat2Quat(quat, np.ascontiguousarray(T_body_board[:3, :3]).ravel())
    body.add_geom(
        name=NAME,
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=(width / 2 + margin, height / 2 + margin, HALF_THICK_M),
        pos=centre[:3],
        quat=quat,
        mass=0.0,
        contype=0,
        conaffinity=0,
        rgba=(WHITE, WHITE, WHITE, 1.0),
    )


@dataclass(frozen=True, eq=False)
class BoardFace:
    """What is printed on the plate of a model, sampled under each pixel that shows it."""

    geom: int
    half_m: FloatArray
    print: NDArray[np.float32]

    @classmethod
    def of(cls, model: mujoco.MjModel, placed: PlacedBoard) -> BoardFace:
        """Raises ValueError where OpenCV, which draws the markers, is not installed."""
        try:
            drawn = sheet(placed.board, PX_PER_SQUARE)
        except CellFileError as error:
            raise ValueError(str(error)) from None
        shade = (BLACK + (WHITE - BLACK) / 255.0 * drawn.astype(np.float32)).astype(np.float32)
        geom = int(model.geom(NAME).id)
        return cls(geom, np.array(model.geom_size[geom]), shade)

    def shades(
        self, data: mujoco.MjData, origin: FloatArray, rays: FloatArray
    ) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """Where rays through subpixels meet the print: whether on the printed side, and shade.

        Args:
            rays: Shape (N, S, 3), world frame, S subpixels of N pixels.

        Returns:
            Shapes (N,) and (N,).
        """
        R = data.geom_xmat[self.geom].reshape(3, 3)
        eye = (origin - data.geom_xpos[self.geom]) @ R
        in_front = np.full(len(rays), eye[2] < -self.half_m[2])
        local = rays @ R
        t = (-self.half_m[2] - eye[2]) / local[..., 2]
        size = np.array(self.print.shape)[::-1]
        at = (eye[:2] + local[..., :2] * t[..., None] + self.half_m[:2]) / (2 * self.half_m[:2])
        column, row = (np.clip((at[..., i] * size[i]).astype(int), 0, size[i] - 1) for i in (0, 1))
        return in_front, self.print[row, column].mean(axis=1).astype(np.float32)
