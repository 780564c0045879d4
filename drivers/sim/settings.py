"""What a cell file says about its simulation: the noise, and the brand of having none."""

from __future__ import annotations

from typing import Final

import msgspec

from drivers.cellfile import CellFile, convert_table
from drivers.errors import CellFileError
from drivers.sim.noise import NoiseSpec
from drivers.types import CellInfo

NOISE_OFF: Final = "noise-off"


def noisy_cell(cell: CellFile | CellInfo, noise: bool) -> tuple[CellInfo, NoiseSpec]:
    """What a client may know of a simulated cell, and what its sensors get wrong.

    Args:
        noise: False gives an ideal cell whose info carries the brand ``noise-off``.

    Raises:
        CellFileError: The cell is not simulated, or ``[sim.noise]`` has an unknown or wrong key.
    """
    if isinstance(cell, CellInfo):
        info, spec = cell, NoiseSpec()
    else:
        info = cell.info
        table = {} if cell.sim is None else dict(cell.sim.noise)
        spec = convert_table(table, NoiseSpec, cell.path)
        wrong = [key for key, value in table.items() if value < 0.0]
        if wrong:
            raise CellFileError(f"{cell.path}: sim.noise.{wrong[0]} must not be negative")
    if info.kind != "sim":
        raise CellFileError(f"cell {info.name} is {info.kind}, not a simulated one")
    if noise:
        return info, spec
    brands = tuple(b for b in info.brands if b != NOISE_OFF)
    return msgspec.structs.replace(info, brands=(*brands, NOISE_OFF)), NoiseSpec.off()
