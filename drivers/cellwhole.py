"""What types cannot say of a cell file: whether its parts fit each other. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from drivers.cellchecks import Require, check_arm, check_base
from drivers.celltable import EMULATED, NAME, CellTable, SimSection
from drivers.errors import CellFileError
from drivers.found_out import found_out_problems
from drivers.toml_table import place_of


def check_cell(cell: CellTable, path: Path, text: str) -> None:
    """What types cannot say. Raises CellFileError for the first thing that is wrong."""

    def require(good: bool, key: str, problem: str) -> None:
        if not good:
            raise CellFileError(f"{place_of(path, text, key)}: {problem}")

    _check_frame(cell, require)
    for arm in cell.arms:
        check_arm(arm, require)
    simulated = cell.kind == "sim" and (cell.sim is None or cell.sim.world == "mujoco")
    check_base(cell.base, cell.room, cell.arms, simulated, require)
    _check_cameras(cell, require)
    _check_operation(cell, require)
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
        _check_devices(cell, require)


def _check_frame(cell: CellTable, require: Require) -> None:
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


def _check_cameras(cell: CellTable, require: Require) -> None:
    mounts = ("base", *(arm.name for arm in cell.arms))
    for camera in cell.cameras:
        require(
            camera.mount in mounts,
            "mount",
            f"camera {camera.name}: mount {camera.mount!r} is not one of {', '.join(mounts)}",
        )
        require(camera.width > 0 and camera.height > 0, "width", f"camera {camera.name}: no size")
        require(0.0 < camera.fovy_deg < 170.0, "fovy_deg", f"camera {camera.name}: fovy_deg")


def _check_operation(cell: CellTable, require: Require) -> None:
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


def _check_devices(cell: CellTable, require: Require) -> None:
    """Of a cell that has any, emulated ones too."""
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


def _all_taken(cell: CellTable) -> bool:
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
