"""The cell file: one TOML file that says what a cell is made of.

Unknown keys are errors that name the nearest known one and the line. ``[sim]`` makes it a stand-in,
``[[device]]`` says what drives each arm of a real one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from drivers.cameras.section import CameraCalibration, CameraDevice, HoverRecord
from drivers.celltable import (
    AS_ITS_KIND,
    EMULATED,
    NAME,
    CellTable,
    DeviceSection,
    OperationSection,
    SimSection,
)
from drivers.cellwhole import check_cell
from drivers.emu.section import EmulatorSection
from drivers.errors import CellFileError
from drivers.feetech.measured import as_measured
from drivers.remote_section import RemoteSection
from drivers.services import ServiceSection
from drivers.taught import Taught, regions_of, starts_of
from drivers.toml_table import convert_table, suggestion
from drivers.types import (
    CellInfo,
)

__all__ = [
    "AS_ITS_KIND",
    "EMULATED",
    "NAME",
    "CellFile",
    "CellReference",
    "DeviceSection",
    "OperationSection",
    "SimSection",
    "convert_table",
    "find_cell",
    "load_cell",
    "read_reference",
]


@dataclass(frozen=True)
class CellFile:
    """A cell file that was read and found consistent. ``sim`` is None for hardware."""

    path: Path
    info: CellInfo
    sim: SimSection | None
    devices: tuple[DeviceSection, ...]
    services: tuple[ServiceSection, ...] = ()
    camera_source: str = ""
    emulator: EmulatorSection | None = None
    """None unless the cell is emulated."""
    operation: OperationSection = AS_ITS_KIND
    remote: RemoteSection | None = None
    """Where its host is, when that is another machine."""
    camera_devices: tuple[CameraDevice, ...] = ()
    calibrated: Mapping[str, CameraCalibration] = field(default_factory=dict)
    taught: Mapping[str, Taught] = field(default_factory=dict)
    hover: HoverRecord | None = None

    @property
    def has_workers(self) -> bool:
        """Whether trials can also run in a stand-in of this process's own."""
        return self.info.kind == "sim" and self.remote is None


class _ReferenceTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    remote: RemoteSection
    operation: OperationSection = OperationSection()


@dataclass(frozen=True)
class CellReference:
    """A cell file that only says where a cell's host listens."""

    path: Path
    name: str
    remote: RemoteSection
    operation: OperationSection


def read_reference(path: Path) -> CellReference | None:
    """What a cell file says when it is a reference to a cell elsewhere; else None.

    Raises:
        CellFileError: As :func:`load_cell`.
    """
    table, text = _read_table(path)
    if "remote" not in table or "arms" in table:
        return None
    said = convert_table(table, _ReferenceTable, path, text)
    if NAME.fullmatch(said.name) is None:
        raise CellFileError(f"{path}: name {said.name!r}: use lower case letters, digits, - and _")
    try:
        said.remote.port  # noqa: B018  It checks the address.
    except CellFileError as error:
        raise CellFileError(f"{path}: {error}") from None
    return CellReference(
        path, said.name, said.remote.beneath(path.resolve().parent), said.operation
    )


def load_cell(path: Path) -> CellFile:
    """Read and check a cell file.

    Raises:
        CellFileError: One line: which file, which line, what is wrong, how to mend it.
    """
    table, text = _read_table(path)
    if "remote" in table and "arms" not in table:
        raise CellFileError(
            f"{path} refers to a cell elsewhere, which is not known here before it was connected to"
        )
    cell = convert_table(table, CellTable, path, text)
    check_cell(cell, path, text)
    measured = {device.arm: device.feetech for device in cell.device if device.feetech is not None}
    folder = path.resolve().parent
    info = CellInfo(
        name=cell.name,
        kind=cell.kind,
        clock=cell.clock,
        arms=tuple(
            as_measured(arm, measured[arm.name], folder) if arm.name in measured else arm
            for arm in cell.arms
        ),
        cameras=cell.cameras,
        workspace=cell.workspace,
        control_hz=cell.control_hz,
        estop=cell.estop,
        task_area=cell.task_area,
        base=cell.base,
        room=cell.room,
        policies=cell.policies,
        perception=cell.perception,
        brands=("emulated",) if cell.kind == "emulated" else (),
        regions=regions_of(cell.taught),
        starts=starts_of(cell.taught),
    )
    sim = None if cell.kind == "hardware" else cell.sim or SimSection()
    emulator = (cell.emulator or EmulatorSection()) if cell.kind == "emulated" else None
    return CellFile(
        path,
        info,
        sim,
        cell.device,
        cell.service,
        cell.camera_source,
        emulator,
        cell.operation,
        cell.remote,
        cell.camera_device,
        cell.calibrated,
        cell.taught,
        cell.hover,
    )


def _read_table(path: Path) -> tuple[dict[str, Any], str]:
    try:
        text = path.read_text(encoding="utf-8")
        return tomllib.loads(text), text
    except OSError as error:
        raise CellFileError(f"{path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CellFileError(f"{path}: not TOML: {error}") from None
    except RecursionError:
        raise CellFileError(f"{path}: not TOML: nested too deep") from None


def find_cell(name_or_path: str, search_dirs: Sequence[Path]) -> Path:
    """The file of a cell given by path, or by name in the first folder that has it.

    Raises:
        CellFileError: There is none; names the nearest.
    """
    direct = Path(name_or_path)
    if direct.suffix == ".toml":
        if direct.is_file():
            return direct
        raise CellFileError(f"{direct}: no such cell file")
    for folder in search_dirs:
        candidate = folder / f"{name_or_path}.toml"
        if candidate.is_file():
            return candidate
    known = sorted({file.stem for folder in search_dirs for file in folder.glob("*.toml")})
    raise CellFileError(f"no cell named {name_or_path!r}{suggestion(name_or_path, known)}")
