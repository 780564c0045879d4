"""The cell file: one TOML file that says what a cell is made of.

Unknown keys are errors that name the nearest known one and the line. ``[sim]`` makes it a stand-in,
``[[device]]`` says what drives each arm of a real one.
"""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, get_args

import msgspec

from drivers.cameras.section import CameraCalibration, CameraDevice, HoverRecord
from drivers.cellchecks import check_arm, check_base
from drivers.compat.section import GelloSection, YamPortalSection
from drivers.emu.section import EmulatorSection
from drivers.errors import CellFileError
from drivers.feetech.measured import as_measured
from drivers.feetech.section import FeetechSection
from drivers.found_out import found_out_problems
from drivers.remote_section import RemoteSection
from drivers.services import ServiceSection
from drivers.taught import Taught, regions_of, starts_of
from drivers.types import (
    ArmSpec,
    BaseSpec,
    CameraSpec,
    CellInfo,
    CellKind,
    ClockName,
    EstopState,
    Room,
    TaskArea,
    Workspace,
)

T = TypeVar("T", bound=msgspec.Struct)

EMULATED: Final = "emulated"
"""Port of a device whose far end the emulator plays."""
NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")


class SimSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[sim]``: how the stand-in is simulated. ``noise`` belongs to whoever simulates."""

    world: Literal["mujoco", "kinematic"] = "mujoco"
    speed: float = 1.0
    """Simulated seconds per wall second behind a host."""
    noise: dict[str, float] = {}


class DeviceSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[[device]]``: which driver moves an arm, and where it is plugged in."""

    arm: str
    driver: str
    port: str
    feetech: FeetechSection | None = None
    """With ``driver = "feetech"``."""
    gello: GelloSection | None = None
    """With ``driver = "gello"``."""
    yam_portal: YamPortalSection | None = None
    """With ``driver = "yam-portal"``."""


class OperationSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[operation]``: how people work with this cell. What is not said follows from its kind."""

    presence: Literal["hold", "goes-on"] | None = None
    """When nobody is there: HOLD after the primitive, or go on. Hardware always holds."""
    presence_s: float | None = None
    """How old the last key of an operator may be."""
    approval: Literal["each", "new", "large-moves", "none-within-grant", "none"] | None = None
    """Which programs somebody approves before they run. Hardware never goes without."""


AS_ITS_KIND: Final = OperationSection()


class _CellTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    kind: CellKind
    workspace: Workspace
    arms: tuple[ArmSpec, ...]
    cameras: tuple[CameraSpec, ...] = ()
    clock: ClockName = "wall"
    control_hz: float = 100.0
    estop: EstopState = "UNKNOWN"
    task_area: TaskArea | None = None
    base: BaseSpec | None = None
    room: Room | None = None
    sim: SimSection | None = None
    device: tuple[DeviceSection, ...] = ()
    service: tuple[ServiceSection, ...] = ()
    emulator: EmulatorSection | None = None
    operation: OperationSection = OperationSection()
    remote: RemoteSection | None = None
    """Its host is elsewhere; the rest of the file is what that host said."""
    camera_source: str = ""
    """``module:function`` that takes the pictures of a hardware cell; see ``cameras/base.py``."""
    camera_device: tuple[CameraDevice, ...] = ()
    calibrated: dict[str, CameraCalibration] = {}
    taught: dict[str, Taught] = {}
    hover: HoverRecord | None = None


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
    cell = convert_table(table, _CellTable, path, text)
    _check(cell, path, text)
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
    raise CellFileError(f"no cell named {name_or_path!r}{_suggestion(name_or_path, known)}")


def convert_table(table: Any, into: type[T], path: Path, text: str = "") -> T:
    """A TOML table as a struct; errors name file, line and the nearest known key."""
    try:
        return msgspec.convert(table, into)
    except msgspec.ValidationError as error:
        raise CellFileError(_explain(str(error), into, path, text)) from None


def _explain(message: str, into: type[msgspec.Struct], path: Path, text: str) -> str:
    what, _, where = message.partition(" - at `$")
    where = where.rstrip("`").lstrip(".")
    keys = _keys_of(where)
    unknown = re.search(r"unknown field `([^`]+)`", what)
    if unknown is None:
        place = _place(path, text, keys[-1] if keys else "")
        return f"{place}: {where}: {what}" if where else f"{place}: {what}"
    key = unknown.group(1)
    section = f" in [{'.'.join(keys)}]" if keys else ""
    known = _fields_at(into, keys)
    return f"{_place(path, text, key)}: unknown key {key!r}{section}{_suggestion(key, known)}"


def _keys_of(where: str) -> list[str]:
    """``arms[0].gripper`` as its keys, without the indices."""
    return [key for key in re.split(r"\.|\[[^\]]*\]", where) if key]


def _fields_at(into: type[msgspec.Struct], keys: Sequence[str]) -> list[str]:
    """Known keys of the struct at a path."""
    current = into
    for key in keys:
        fields = {f.encode_name: f.type for f in msgspec.structs.fields(current)}
        inner = next(iter(_structs_in(fields.get(key))), None)
        if inner is None:
            return []
        current = inner
    return [f.encode_name for f in msgspec.structs.fields(current)]


def _structs_in(annotation: Any) -> Iterable[type[msgspec.Struct]]:
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        yield annotation
    for argument in get_args(annotation):
        yield from _structs_in(argument)


def _place(path: Path, text: str, key: str) -> str:
    """The file, and the line when the key occurs on exactly one."""
    if not key:
        return str(path)
    pattern = re.compile(rf"""(^|[\s\{{,\[."'])["']?{re.escape(key)}["']?\s*[=\].]""")
    lines = [n for n, line in enumerate(text.splitlines(), 1) if pattern.search(line)]
    return f"{path}:{lines[0]}" if len(lines) == 1 else str(path)


def _suggestion(word: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known: {', '.join(known)}" if known else ""


def _check(cell: _CellTable, path: Path, text: str) -> None:
    """What types cannot say. Raises CellFileError for the first thing that is wrong."""

    def require(good: bool, key: str, problem: str) -> None:
        if not good:
            raise CellFileError(f"{_place(path, text, key)}: {problem}")

    require(
        NAME.fullmatch(cell.name) is not None,
        "name",
        f"name {cell.name!r}: use lower case letters, digits, - and _, at most 32",
    )
    require(
        all(math.isfinite(x) for x in _numbers(msgspec.to_builtins(cell))),
        "",
        "every number must be finite",
    )
    require(20.0 <= cell.control_hz <= 1000.0, "control_hz", "control_hz must be 20 to 1000")
    require(len(cell.arms) > 0, "arms", "a cell needs at least one [[arms]]")
    names = [arm.name for arm in cell.arms] + [camera.name for camera in cell.cameras]
    require(len(set(names)) == len(names), "name", "two arms or cameras share one name")
    lo, hi = cell.workspace.lo_m, cell.workspace.hi_m
    require(all(a < b for a, b in zip(lo, hi, strict=True)), "workspace", "lo_m must be < hi_m")
    for arm in cell.arms:
        check_arm(arm, require)
    simulated = cell.kind == "sim" and (cell.sim is None or cell.sim.world == "mujoco")
    check_base(cell.base, cell.room, cell.arms, simulated, require)
    for camera in cell.cameras:
        mounts = ("base", *(arm.name for arm in cell.arms))
        require(
            camera.mount in mounts,
            "mount",
            f"camera {camera.name}: mount {camera.mount!r} is not one of {', '.join(mounts)}",
        )
        require(camera.width > 0 and camera.height > 0, "width", f"camera {camera.name}: no size")
        require(0.0 < camera.fovy_deg < 170.0, "fovy_deg", f"camera {camera.name}: fovy_deg")
    require(
        cell.emulator is None or cell.kind == "emulated",
        "emulator",
        f'[emulator] needs kind = "emulated", not {cell.kind!r}',
    )
    limit_s = cell.operation.presence_s
    require(
        limit_s is None or 1.0 <= limit_s <= 3600.0, "presence_s", "presence_s must be 1 to 3600"
    )
    require(
        cell.kind != "hardware"
        or (cell.operation.presence != "goes-on" and cell.operation.approval != "none"),
        "operation",
        "a hardware cell holds without people and asks for approval; leave those lines out",
    )
    if cell.remote is not None:
        return  # What drives it is said where it is.
    known = found_out_problems(
        cell.arms, cell.cameras, cell.camera_device, cell.calibrated, cell.taught
    )
    for key, wrong in known:
        require(False, key, wrong)
    if cell.kind == "sim":
        require(not cell.device, "device", "a sim cell has no [[device]]")
        speed = (cell.sim or SimSection()).speed
        require(0.1 <= speed <= 10.0, "speed", "sim.speed must be 0.1 to 10")
    else:
        kind = cell.kind
        require(
            cell.sim is None or (kind == "emulated" and cell.sim.world == "mujoco"),
            "sim",
            "a hardware cell has no [sim]; an emulated one may, for its noise",
        )
        require(cell.clock == "wall", "clock", f"a cell of kind {kind} keeps the wall clock")
        ports = [device.port for device in cell.device if device.port != EMULATED]
        require(len(set(ports)) == len(ports), "port", "two [[device]] share one port")
        require(
            kind == "emulated" or len(ports) == len(cell.device),
            "port",
            f'port {EMULATED!r} needs kind = "emulated"',
        )
        require(
            kind == "emulated" or ":" in cell.camera_source or _all_taken(cell),
            "camera_source",
            "each of a hardware cell's [[cameras]] needs a [[camera_device]] "
            '(or camera_source = "module:function" for all)',
        )
        driven = sorted(device.arm for device in cell.device)
        wanted = sorted(arm.name for arm in cell.arms)
        require(driven == wanted, "device", f"[[device]] must name each arm once: {wanted}")


def _all_taken(cell: _CellTable) -> bool:
    return {d.camera for d in cell.camera_device} >= {c.name for c in cell.cameras}


def _numbers(value: Any) -> Iterable[float]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _numbers(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _numbers(item)
    elif isinstance(value, float):
        yield value
