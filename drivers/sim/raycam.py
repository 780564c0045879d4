"""An RGB-D camera made of rays: no GL, no display, the same picture on any machine.

Geometry ids stay in this package: a picture that leaves it carries colour and depth only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import mujoco
import numpy as np
from numpy.typing import NDArray

from drivers.sim.appearance import Appearance
from drivers.sim.board import SUBPIXELS, BoardFace, PlacedBoard
from drivers.sim.film import Film, spilt
from drivers.sim.half_grid import HalfGrid, agree
from drivers.sim.lens import Lens, lens_of
from drivers.sim.outlines import Outlines
from drivers.sim.surface import normals

FloatArray = NDArray[np.float64]

SHADOW_BIAS_M = 0.004
SAME_FACE = 1.0 - 1e-9
"""Smallest scalar product of two unit normals of one flat face."""

FAR_M = 6.0
FILL = 0.12
"""Light from beside the camera, so that no visible face is flat black."""


def camera_path() -> str:
    """The way pictures are made here, for people."""
    return "rays (mj_multiRay)"


@dataclass(frozen=True, eq=False)
class Picture:
    """An ideal picture.

    Attributes:
        rgb: Shape (H, W, 3), float32, 0..1.
        depth_m: Shape (H, W), float32, along the optical axis, 0 where nothing was met.
        geom: Shape (H, W), int32, geometry met, -1 for none. For the referee and tests.
    """

    rgb: NDArray[np.float32]
    depth_m: NDArray[np.float32]
    geom: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class _Hits:
    """What a set of rays from one point met.

    Attributes:
        geom: Shape (N,), -1 for nothing.
        distance: Shape (N,), 0 where nothing was met.
        normal: Shape (N, 3).
    """

    geom: NDArray[np.int32]
    distance: FloatArray
    normal: FloatArray


class Eye(Protocol):
    """Another way to find out what lies under each pixel."""

    def see(
        self, data: mujoco.MjData, camera: str
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Geometry (-1 for none) and depth in metres (0 for none) per pixel, shape (H, W)."""
        ...


class RayCamera:
    """Takes pictures of one model with one look; :meth:`enter` it before the first.

    Where only the table top can be seen nothing is cast: it is fixed and level. Elsewhere half of
    the rows and columns are cast first. Where neighbours agree on one flat face, the pixels between
    lie on it too; all others are cast as well. A thing less than two pixels wide in front of one
    face can be missed, nothing else.
    """

    def enter(
        self,
        model: mujoco.MjModel,
        look: Appearance,
        table: str,
        board: PlacedBoard | None = None,
        film: Film | None = None,
    ) -> None:
        """Look at this model from now on. Raises ValueError when its board cannot be drawn."""
        self._film = film
        self._board = None if board is None else BoardFace.of(model, board)
        self._model = model
        self._look = look
        self._table = int(model.geom(table).id)
        self._outlines = Outlines(model, without=self._table)
        centre, half = model.geom_pos[self._table], model.geom_size[self._table]
        self._table_top = np.array([centre - half, centre + half])
        # Colours of geometries, then of the table's texels, then, as index -1, of nothing.
        self._palette = np.vstack(
            [model.geom_rgba[:, :3], look.table.reshape(-1, 3), look.background]
        ).astype(np.float32)

    def picture(self, data: mujoco.MjData, camera: str, eye: Eye | None = None) -> Picture:
        """Take a picture with a camera of the model; needs its kinematics up to date.

        Args:
            eye: Tells what lies under each pixel; without one, rays do.
        """
        cam = self._model.camera(camera)
        width, height = (int(n) for n in self._model.cam_resolution[cam.id])
        lens = lens_of(width, height, float(self._model.cam_fovy[cam.id]))
        grid = lens.grid
        origin = np.array(data.cam_xpos[cam.id])
        # Contiguous: a transposed view sends numpy down a path twenty times slower.
        to_world = np.ascontiguousarray(data.cam_xmat[cam.id].reshape(3, 3).T)

        rays = lens.half_rays @ to_world
        if eye is None:
            mask = self._outlines.mask(data, origin, to_world, lens.right[::2], lens.up[::2, 0])
            hits = self._cast_where_needed(data, origin, rays, mask.ravel())
        else:
            geom, depth = eye.see(data, camera)
            half = (geom[::2, ::2].ravel(), depth[::2, ::2].ravel() / lens.half_axial)
            hits = self._given(data, origin, rays, *half)
        fine = np.flatnonzero(~grid.settled(*_one_face(hits, grid.shape)))
        fine_rays = lens.rays[fine] @ to_world
        if eye is None:
            fine_hits = self._cast(data, origin, fine_rays)
            geom = grid.spread(hits.geom.reshape(grid.shape))
            geom.ravel()[fine] = fine_hits.geom
            depth = _depth_on_faces(hits.distance * lens.half_axial, grid)
            depth.ravel()[fine] = fine_hits.distance * lens.axial[fine]
        else:
            part = (geom.ravel()[fine], depth.ravel()[fine] / lens.axial[fine])
            fine_hits = self._given(data, origin, fine_rays, *part)
        light = grid.spread(self._light(data, origin, rays, hits, grid.shape).reshape(grid.shape))
        light.ravel()[fine] = self._light(data, origin, fine_rays, fine_hits, None)
        rgb = self._colours(geom, depth, lens, origin, to_world, data)
        if self._board is not None:
            _print_on(rgb, geom, self._board, data, lens, origin, to_world)
        rgb *= light[..., None]
        return Picture(rgb=rgb, depth_m=depth, geom=geom)

    def _cast(self, data: mujoco.MjData, origin: FloatArray, rays: FloatArray) -> _Hits:
        n = len(rays)
        geom = np.full(n, -1, dtype=np.int32)
        distance, normal = np.zeros(n), np.zeros(3 * n)
        if n:
            mujoco.mj_multiRay(
                self._model, data, origin, rays.ravel(), None, 1, -1, geom, distance, normal, n,
                FAR_M,
            )  # fmt: skip
        distance[geom < 0] = 0.0
        return _Hits(geom, distance, normal.reshape(n, 3))

    def _cast_where_needed(
        self, data: mujoco.MjData, origin: FloatArray, rays: FloatArray, mask: NDArray[np.bool_]
    ) -> _Hits:
        """As :meth:`_cast`; rays that can only meet the table top are worked out."""
        falling = np.minimum(rays[:, 2], -1e-9)
        distance = (self._table_top[1, 2] - origin[2]) / falling
        xy = rays[:, :2] * distance[:, None] + origin[:2]
        on_top = ((xy > self._table_top[0, :2]) & (xy < self._table_top[1, :2])).all(axis=1)
        bare = on_top & (distance > 0.0) & (distance < FAR_M) & ~mask
        geom = np.full(len(rays), self._table, dtype=np.int32)
        normal = np.zeros((len(rays), 3))
        normal[:, 2] = 1.0
        rest = np.flatnonzero(~bare)
        cast = self._cast(data, origin, rays[rest])
        geom[rest], distance[rest], normal[rest] = cast.geom, cast.distance, cast.normal
        return _Hits(geom, distance, normal)

    def _given(
        self,
        data: mujoco.MjData,
        origin: FloatArray,
        rays: FloatArray,
        geom: NDArray[np.int32],
        distance: FloatArray,
    ) -> _Hits:
        points = rays * distance[:, None] + origin
        return _Hits(geom, distance, normals(self._model, data, geom, points))

    def _light(
        self,
        data: mujoco.MjData,
        origin: FloatArray,
        rays: FloatArray,
        hits: _Hits,
        shape: tuple[int, int] | None,
    ) -> NDArray[np.float32]:
        """Light on every hit: ambient, a little from the camera's side, and the lamp's.

        Args:
            shape: Rows and columns when the rays are those of a grid.
        """
        from_lamp = rays * hits.distance[:, None]
        from_lamp += origin - self._look.lamp_m
        length = np.sqrt(np.einsum("ij,ij->i", from_lamp, from_lamp))
        from_lamp /= length[:, None]
        lamp = np.maximum(-np.einsum("ij,ij->i", hits.normal, from_lamp), 0.0)
        lamp *= self._reached(data, from_lamp, length, shape)
        fill = np.maximum(-np.einsum("ij,ij->i", hits.normal, rays), 0.0)
        light = (self._look.ambient + FILL * fill + self._look.lamp * lamp).astype(np.float32)
        light[hits.geom < 0] = 1.0
        return np.asarray(light)

    def _reached(
        self,
        data: mujoco.MjData,
        rays: FloatArray,
        length: FloatArray,
        shape: tuple[int, int] | None,
    ) -> NDArray[np.bool_]:
        """Which points the lamp reaches. On a grid every second one first, as for pixels."""

        def unblocked(rows: NDArray[np.intp]) -> NDArray[np.bool_]:
            hits = self._cast(data, self._look.lamp_m, rays[rows])
            return (hits.geom < 0) | (hits.distance > length[rows] - SHADOW_BIAS_M)

        every = np.arange(len(rays))
        if shape is None:
            return unblocked(every)
        grid = HalfGrid(*shape)
        half = unblocked(every.reshape(shape)[::2, ::2].ravel()).reshape(grid.shape)
        reached = grid.spread(half)
        unsure = np.flatnonzero(~grid.settled(*agree(half)))
        reached.ravel()[unsure] = unblocked(unsure)
        return reached.ravel()

    def _colours(
        self,
        geom: NDArray[np.int32],
        depth_m: NDArray[np.float32],
        lens: Lens,
        origin: FloatArray,
        to_world: FloatArray,
        data: mujoco.MjData,
    ) -> NDArray[np.float32]:
        """Surface colour of every pixel, unlit, shape (H, W, 3)."""
        x, y = (
            (lens.right * to_world[0, i] + (lens.up * to_world[1, i] - to_world[2, i])).astype(
                np.float32
            )
            * depth_m
            + np.float32(origin[i])
            for i in (0, 1)
        )
        on_table = geom == self._table
        index = np.where(on_table, self._model.ngeom + self._look.texel(x, y), geom)
        rgb = np.asarray(self._palette.take(index, axis=0, mode="wrap"))
        if self._film is not None:
            rgb[on_table & spilt(self._film, x, y, data)] = self._film.rgb
        return rgb


def _print_on(
    rgb: NDArray[np.float32],
    geom: NDArray[np.int32],
    board: BoardFace,
    data: mujoco.MjData,
    lens: Lens,
    origin: FloatArray,
    to_world: FloatArray,
) -> None:
    """Give pixels that show the board the mean of what is printed under them."""
    rows, columns = np.nonzero(geom == board.geom)
    pixel = lens.right[1] - lens.right[0]
    part = pixel * ((np.arange(SUBPIXELS) + 0.5) / SUBPIXELS - 0.5)
    right, up = (grid.ravel() for grid in np.meshgrid(part, part))
    rays = np.empty((len(rows), SUBPIXELS**2, 3))
    rays[..., 0] = lens.right[columns][:, None] + right
    rays[..., 1] = lens.up[rows] + up
    rays[..., 2] = -1.0
    printed, shade = board.shades(data, origin, rays @ to_world)
    rgb[rows[printed], columns[printed]] = shade[printed, None]


def _one_face(hits: _Hits, shape: tuple[int, int]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where neighbours met one flat face, or both nothing: to the right and below."""
    normal = hits.normal.reshape(*shape, 3)
    nothing = (hits.geom < 0).reshape(shape)
    across, down = agree(hits.geom.reshape(shape))
    flat = np.einsum("ijk,ijk->ij", normal[:, 1:], normal[:, :-1]) > SAME_FACE
    across &= flat | nothing[:, 1:]
    flat = np.einsum("ijk,ijk->ij", normal[1:], normal[:-1]) > SAME_FACE
    down &= flat | nothing[1:]
    return across, down


def _depth_on_faces(half_depth_m: FloatArray, grid: HalfGrid) -> NDArray[np.float32]:
    """Depth of all pixels that lie between neighbours on one face, shape (H, W)."""
    seen = half_depth_m > 0.0
    inverse = np.divide(1.0, half_depth_m, out=np.zeros_like(half_depth_m), where=seen)
    full = grid.halfway(inverse.reshape(grid.shape))
    return np.divide(1.0, full, out=np.zeros_like(full), where=full > 0.0).astype(np.float32)
