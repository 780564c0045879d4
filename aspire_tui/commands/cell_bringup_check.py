"""``cell check``: look at a cell's devices, read-only, and say what an operator should know."""

from __future__ import annotations

import datetime
import getpass
from typing import Annotated

import typer

from aspire_tui.commands.context import Context, JsonFlag, print_json
from aspire_tui.commands.jobs import cell_named
from aspire_tui.doctor.report import finding_lines
from aspire_tui.errors import ConfigError, Exit
from drivers.acceptance import accepted, read_report, report_path
from drivers.cameras.calibration.verdict import judged_age
from drivers.cellfile import CellFile
from drivers.client import CellClient
from drivers.devices import open_device
from drivers.errors import DeviceFinding
from drivers.findings import found
from drivers.spawn import ensure_host, running_host
from drivers.types import Finding

LEAVE_AFTER_S = 5.0
"""How long the host of an emulated cell stays that was started only to be looked at."""

PortOption = Annotated[str, typer.Option(help="Serial port, instead of the cell file's.")]


def check(
    ctx: typer.Context,
    cell: Annotated[str, typer.Argument(help="Cell by name or file.")],
    port: PortOption = "",
    as_json: JsonFlag = False,
) -> None:
    """Look at the devices of a cell; nothing is written and nothing moves."""
    path, file = cell_named(cell, Context.of(ctx).workspace)
    name = file.info.name
    if file.info.kind == "sim":
        findings: tuple[Finding, ...] = ()
        seen_by = "a stand-in: it has no device to look at"
    elif running_host(name) is not None and not port:
        findings, seen_by = _as_host_saw(name), "as its host saw when it connected"
    elif file.info.kind == "emulated" and not port:
        ensure_host(path.resolve(), name, getpass.getuser(), idle_exit_s=LEAVE_AFTER_S)
        findings, seen_by = _as_host_saw(name), "emulated: this says nothing about hardware"
    else:
        findings, seen_by = (*_look(file, port), *_looked_through(file)), "just now"
    report = read_report(report_path(file.path, name))
    if file.info.kind == "hardware" and not accepted(report):
        findings = (*findings, found("hardware_unproven", "none on file"))
    if file.info.kind != "sim":
        findings = (*findings, *_cameras(file))
    bad = any(f.severity == "error" for f in findings)
    if as_json:
        print_json({"cell": name, "kind": file.info.kind, "healthy": not bad, "findings": findings})
    else:
        typer.echo(f"{name}: {seen_by}")
        for line in finding_lines(findings):
            typer.echo(line)
        if file.info.kind != "sim":
            typer.echo(_sum(findings))
    raise typer.Exit(Exit.FAULT if bad else Exit.PASS)


def _as_host_saw(name: str) -> tuple[Finding, ...]:
    from drivers.cameras.look import look

    client = CellClient(name, who=getpass.getuser())
    try:
        findings, status = client.findings(), client.status()
        cameras = [camera.name for camera in client.info.cameras]
        findings = (*findings, *look(cameras, client.glance, name))
    finally:
        client.close()
    if status.state in ("LOST", "FAULT") and not any(f.severity == "error" for f in findings):
        lost = found("device_lost", f"{status.state}: {status.cause}", cell=name)
        return (lost, *findings)
    return findings


def _look(file: CellFile, port: str) -> tuple[Finding, ...]:
    """Open each device in turn, look, and let go of it again."""
    out: list[Finding] = []
    arms = {spec.name: spec for spec in file.info.arms}
    if port and len(file.devices) > 1:
        raise ConfigError(f"--port {port}: {file.info.name} has several devices; which is meant?")
    for device in file.devices:
        driver = open_device(device, arms[device.arm], file, port or device.port)
        try:
            driver.open()
            out += driver.check()
        except DeviceFinding as error:
            out.append(error.finding)
        except OSError as error:
            out.append(found("device_lost", str(error), cell=file.info.name))
        finally:
            driver.close()
    return tuple(out)


def _looked_through(file: CellFile) -> list[Finding]:
    """What the cameras of a cell without a host send."""
    if not file.camera_devices:
        return []
    from drivers.cameras.devices import DeviceConfig, DeviceSource
    from drivers.cameras.look import look

    folder, names = str(file.path.resolve().parent), [c.name for c in file.info.cameras]
    try:
        source = DeviceSource(DeviceConfig(file.info.cameras, file.camera_devices, folder))
    except OSError as error:
        cell = file.info.name
        return [found("camera_missing", str(error), camera=", ".join(names), cell=cell)]
    try:
        return look(names, source.frame, file.info.name)
    finally:
        source.close()


def _cameras(file: CellFile) -> list[Finding]:
    """How well and how long ago the cameras' poses were measured."""
    now, name, out = datetime.datetime.now(datetime.UTC), file.info.name, []
    for camera in file.info.cameras:
        record = file.calibrated.get(camera.name)
        if record is None:
            if file.info.kind == "hardware":
                out.append(found("camera_uncalibrated", "never", camera=camera.name, cell=name))
            continue
        said = judged_age(record.at, now)
        if said:
            seen = f"{said}; by {record.who}, known to {record.spread_mm:.1f} mm"
            out.append(found("camera_calibration_old", seen, camera=camera.name, cell=name))
    return out


def _sum(findings: tuple[Finding, ...]) -> str:
    errors = sum(f.severity == "error" for f in findings)
    warnings = sum(f.severity == "warn" for f in findings)
    if errors:
        return f"{errors} to mend before the arm is enabled, {warnings} to know"
    return f"nothing stands in the way; {warnings} to know"
