"""How a scene looks: light, colours and table texture, drawn from one seed; never its geometry."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

TILE_PX = 256
TILE_M = 0.64
"""One repeat of the table texture, so a texel is 2.5 mm."""


@dataclass(frozen=True, eq=False)
class Appearance:
    """Light and surfaces of one reset.

    Attributes:
        lamp_m: Position of the lamp, base frame, shape (3,).
        lamp: Brightness of its light on a facing surface.
        ambient: Light that comes from everywhere.
        table: Shape (TILE_PX, TILE_PX, 3), float32, colour of the table by texel.
        background: Shape (3,), colour where a ray meets nothing.
        hue_shift: Largest change of an object's hue, in turns.
    """

    lamp_m: FloatArray
    lamp: float
    ambient: float
    table: NDArray[np.float32]
    background: FloatArray
    seed: int
    hue_shift: float = 0.012

    @classmethod
    def draw(cls, seed: int) -> Appearance:
        """The look that belongs to a seed."""
        rng = np.random.default_rng([seed, 1])
        azimuth = rng.uniform(0.0, 2 * np.pi)
        tilt = rng.uniform(0.15, 0.65)
        direction = np.array(
            [np.sin(tilt) * np.cos(azimuth), np.sin(tilt) * np.sin(azimuth), np.cos(tilt)]
        )
        return cls(
            lamp_m=np.array([0.35, 0.0, 0.0]) + 1.8 * direction,
            lamp=float(rng.uniform(0.45, 0.7)),
            ambient=float(rng.uniform(0.35, 0.5)),
            table=_table(rng),
            background=np.full(3, rng.uniform(0.2, 0.6)) + rng.uniform(-0.03, 0.03, 3),
            seed=seed,
        )

    def object_rgb(self, rgb: tuple[float, float, float], index: int) -> tuple[float, ...]:
        """The colour a thing really has under this look: its nominal one, slightly off."""
        rng = np.random.default_rng([self.seed, 2, index])
        hue, saturation, value = colorsys.rgb_to_hsv(*rgb)
        hue = (hue + rng.uniform(-self.hue_shift, self.hue_shift)) % 1.0
        saturation = min(1.0, saturation * rng.uniform(0.92, 1.0))
        value = min(1.0, value * rng.uniform(0.92, 1.05))
        return (*colorsys.hsv_to_rgb(hue, saturation, value), 1.0)

    def texel(self, x_m: NDArray[np.float32], y_m: NDArray[np.float32]) -> NDArray[np.int32]:
        """Row of ``table``, flattened, that colours the table at a point."""
        per_m = np.float32(TILE_PX / TILE_M)
        # Whole tiles are added so that truncation rounds down everywhere on the table.
        i = (x_m * per_m + np.float32(16 * TILE_PX)).astype(np.int32) % TILE_PX
        j = (y_m * per_m + np.float32(16 * TILE_PX)).astype(np.int32) % TILE_PX
        return i * TILE_PX + j


def _table(rng: np.random.Generator) -> NDArray[np.float32]:
    """A desk surface: plain, planks or checks, of low saturation, with grain."""
    base = np.array(
        colorsys.hsv_to_rgb(rng.uniform(0.0, 1.0), rng.uniform(0.0, 0.18), rng.uniform(0.35, 0.75))
    )
    kind = rng.choice(["plain", "planks", "checks"])
    shade = np.zeros((TILE_PX, TILE_PX))
    row, col = np.indices((TILE_PX, TILE_PX))
    contrast = rng.uniform(0.04, 0.14)
    if kind == "planks":
        plank = TILE_PX // int(rng.choice([4, 8]))
        shade += contrast * (rng.random(TILE_PX)[(row // plank)] - 0.5)
        shade -= 0.12 * (row % plank == 0)
    elif kind == "checks":
        check = TILE_PX // int(rng.choice([8, 16]))
        shade += contrast * (((row // check) + (col // check)) % 2 - 0.5)
    for size in (4, 16):
        knots = rng.normal(size=(TILE_PX // size, TILE_PX // size))
        shade += 0.02 * np.kron(knots, np.ones((size, size)))
    return np.clip(base * (1.0 + shade[..., None]), 0.02, 0.95).astype(np.float32)
