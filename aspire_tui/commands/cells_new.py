"""``cells new``: a cell file of one's own, made from one that ships."""

from __future__ import annotations

import shutil
from typing import Annotated, Any

import tomlkit
import typer

from aspire_tui.commands.context import Context
from aspire_tui.errors import ConfigError
from drivers.cellfile import NAME, CellFile, find_cell, load_cell

UNSET = "unset"
"""Path of a camera that set-up has not asked about yet."""


def new(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="What it is called: lower case, digits, - and _.")],
    base: Annotated[str, typer.Option("--from", help="Cell to start from.")] = "so101-emulated",
    port: Annotated[
        str, typer.Option(help="A real arm's serial port: makes the cell a hardware one.")
    ] = "",
) -> None:
    """Make a cell file in the workspace; `cell setup` takes it from there."""
    workspace = Context.of(ctx).workspace
    if NAME.fullmatch(name) is None:
        raise ConfigError(f"{name}: use lower case letters, digits, - and _, at most 32")
    source = find_cell(base, workspace.cell_folders())
    cell = load_cell(source)
    target = workspace.root / "cells" / f"{name}.toml"
    if target.exists():
        raise ConfigError(f"{target} is there already; choose another name")
    target.parent.mkdir(parents=True, exist_ok=True)
    doc = tomlkit.parse(source.read_text(encoding="utf-8"))
    doc["name"] = name
    if port:
        _make_real(doc, cell, port)
    calibration = "" if port else _calibration(cell, name)
    if calibration:
        for row in (*doc.get("device", ()), doc):
            table = row.get("feetech") or row.get("emulator")
            if table is not None and "calibration" in table:
                table["calibration"] = calibration
    fresh = target.with_suffix(".new.toml")
    try:
        fresh.write_text(tomlkit.dumps(doc), encoding="utf-8")
        load_cell(fresh)
        if calibration:
            shutil.copy(source.parent / _named(cell), target.parent / calibration)
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)
    typer.echo(f"{target}")
    typer.echo(f"next: aspire-tui cell setup {name}")


def _calibration(cell: CellFile, name: str) -> str:
    return f"{name}.json" if _named(cell) else ""


def _named(cell: CellFile) -> str:
    """The calibration file of the arm that is copied."""
    for device in cell.devices:
        if device.feetech is not None and device.feetech.calibration:
            return device.feetech.calibration
    return ""


def _make_real(doc: Any, cell: CellFile, port: str) -> None:
    """From stand-in or emulated to hardware: one arm on a port, its cameras still to be named."""
    if len(cell.info.arms) != 1:
        raise ConfigError(f"--port: {cell.info.name} has {len(cell.info.arms)} arms; edit the file")
    for key in ("sim", "emulator", "device", "camera_device", "calibrated", "taught", "hover"):
        doc.pop(key, None)
    doc["kind"], doc["clock"], doc["control_hz"] = "hardware", "wall", 100.0
    doc["estop"] = "UNKNOWN"
    device = tomlkit.table()
    device.add("arm", cell.info.arms[0].name)
    device.add("driver", "feetech")
    device.add("port", port)
    device.add("feetech", tomlkit.table())
    _append(doc, "device", [device])
    rows = []
    for camera in cell.info.cameras:
        row = tomlkit.table()
        row.add("camera", camera.name)
        row.add("driver", "v4l2")
        row.add("path", UNSET)
        rows.append(row)
    for row in doc.get("cameras", ()):
        row["depth"] = False
    if rows:
        _append(doc, "camera_device", rows)


def _append(doc: Any, name: str, rows: list[Any]) -> None:
    tables = tomlkit.aot()
    for row in rows:
        tables.append(row)
    doc.append(name, tables)
