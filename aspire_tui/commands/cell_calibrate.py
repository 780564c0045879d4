"""``cell calibrate``: walk a person through calibrating a Feetech arm, step by step."""

from __future__ import annotations

import datetime
import getpass
import os
import select
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from aspire_tui.commands.context import Context
from aspire_tui.commands.jobs import cell_named
from aspire_tui.errors import ConfigError
from drivers.cellfile import EMULATED, CellFile, DeviceSection
from drivers.device_plant import emulated_bus, emulator
from drivers.errors import CellFault, CellRefused
from drivers.feetech.arm import FeetechArm
from drivers.feetech.calibrating import (
    HandCalibration,
    NotDone,
    Swept,
    calibration_of,
    lock_all,
    write_calibration,
)
from drivers.feetech.calibration import (
    Beside,
    Calibration,
    CalibrationError,
    JointMeasured,
    beside,
    load_beside,
    load_calibration,
    save_beside,
    save_calibration,
)
from drivers.feetech.eeprom import NotKept, TorqueIsOn
from drivers.feetech.measuring import Hindered, Mover, tolerance_rad
from drivers.hostlock import Holder, HostLock
from drivers.runtime_dir import cell_paths
from drivers.spawn import running_host
from drivers.types import ArmSpec

LOOK_EVERY_S = 0.05
RELEASE = "release"
MOVE = "move"


@dataclass(frozen=True)
class Bench:
    """The arm that is being calibrated, open, and where its files are."""

    arm: FeetechArm
    spec: ArmSpec
    file: Path


def calibrate(
    ctx: typer.Context,
    cell: Annotated[str, typer.Argument(help="Cell by name or file.")],
    arm: Annotated[str, typer.Option(help="Which arm, in a cell of several.")] = "",
    port: Annotated[str, typer.Option(help="Serial port, instead of the cell file's.")] = "",
    full_turn: Annotated[
        str, typer.Option(help="Joints without stops, with commas.")
    ] = "wrist_roll",
    write_file: Annotated[
        bool, typer.Option("--write-file", help="Put the calibration file into the servos.")
    ] = False,
    keep_servos: Annotated[
        bool, typer.Option("--keep-servos", help="Write the file from what the servos hold.")
    ] = False,
    lock: Annotated[bool, typer.Option("--lock", help="Only close every EEPROM lock.")] = False,
    signs: Annotated[
        bool, typer.Option("--signs", help="Also ask which way each joint turns.")
    ] = False,
    measure: Annotated[
        bool, typer.Option("--measure", help="Only measure how well it arrives: the arm moves.")
    ] = False,
) -> None:
    """Calibrate a Feetech arm by hand: middle, sweep, zero; written to servos and files."""
    if write_file + keep_servos + lock + measure > 1:
        raise ConfigError("give one of --write-file, --keep-servos, --lock, --measure")
    path, file = cell_named(cell, Context.of(ctx).workspace)
    with _opened(path, file, arm, port) as bench:
        if lock:
            lock_all(bench.arm.bus, bench.arm.wiring)
            typer.echo("every EEPROM lock is closed")
        elif keep_servos:
            _save(bench, calibration_of(bench.arm.bus, bench.arm.wiring), None)
        elif measure:
            _measure(bench)
        else:
            _at_rest(bench)
            if write_file:
                _write(bench, load_calibration(bench.file))
            else:
                _by_hand(bench, full_turn, signs)


@contextmanager
def _opened(path: Path, file: CellFile, arm: str, port: str) -> Iterator[Bench]:
    """The arm, open and to ourselves; errors become one line each."""
    device, spec = _device(file, arm)
    if running_host(file.info.name) is not None and not port:
        raise CellFault(
            f"{file.info.name} is served by a host, which holds the arm: "
            f"aspire-tui cell shutdown {file.info.name} first"
        )
    section = device.feetech
    if section is None:
        raise ConfigError(f"{path}: arm {spec.name} has no [device.feetech]")
    folder = path.resolve().parent
    name = section.calibration or f"{file.info.name}-{spec.name}.json"
    with _port(file, device, port) as chosen:
        driver = FeetechArm(spec, section, chosen, time.monotonic, folder, file.info.name)
        yield from _use(driver, Bench(driver, spec, folder / Path(name).expanduser()))
        if not section.calibration:
            typer.echo(f'now add to [device.feetech] of {path}: calibration = "{name}"')


@contextmanager
def _port(file: CellFile, device: DeviceSection, port: str) -> Iterator[str]:
    """Where the arm is plugged in; an emulated one is played as long as it is worked at."""
    if port or device.port != EMULATED:
        yield port or device.port
        return
    paths = cell_paths(file.info.name)
    paths.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    holder = Holder(os.getpid(), _who(), file.info.name, str(file.path.resolve()), "calibrate")
    lock = HostLock(paths.lock, holder)
    played = emulator(file, paths)
    try:
        played.start()
        number = [spec.name for spec in file.info.arms].index(device.arm)
        yield str(emulated_bus(paths.folder, number))
    finally:
        played.close()
        lock.release()


def _use(driver: FeetechArm, bench: Bench) -> Iterator[Bench]:
    try:
        driver.open()
        yield bench
    except (NotKept, Hindered, OSError) as error:
        raise CellFault(str(error)) from None
    except TorqueIsOn as error:
        raise CellRefused("torque_on", str(error)) from None
    except CalibrationError as error:
        raise ConfigError(str(error)) from None
    finally:
        driver.close()


def _device(file: CellFile, arm: str) -> tuple[DeviceSection, ArmSpec]:
    devices = {d.arm: d for d in file.devices if d.driver == "feetech"}
    if not devices:
        raise ConfigError(f"{file.path}: no arm there has driver feetech")
    if not arm and len(devices) > 1:
        raise ConfigError(f"--arm: which of {', '.join(devices)}?")
    name = arm or next(iter(devices))
    if name not in devices:
        raise ConfigError(f"--arm {arm}: {file.info.name} has {', '.join(devices)}")
    return devices[name], next(spec for spec in file.info.arms if spec.name == name)


def _at_rest(bench: Bench) -> None:
    """Torque off, in two steps when it is on: the arm falls."""
    torque = bench.arm.energised()
    on = torque or any(f.code == "torque_mixed" for f in bench.arm.check())
    if not on:
        return
    typer.echo("The arm holds torque. It has no brakes: released, it falls.")
    _ask(f"Hold it with both hands, then type {RELEASE}", RELEASE)
    bench.arm.release()
    typer.echo("torque is off")


def _by_hand(bench: Bench, full_turn: str, signs: bool) -> None:
    joints = [name.strip() for name in full_turn.split(",") if name.strip()]
    unknown = [name for name in joints if name not in bench.arm.wiring.names]
    if unknown == ["wrist_roll"]:
        joints = []
    elif unknown:
        raise ConfigError(f"--full-turn {unknown[0]}: joints are {_names(bench)}")
    hand = HandCalibration(bench.arm.bus, bench.arm.wiring, joints)
    while True:
        _ask("1. Put every joint into the middle of its range, the gripper half open. Enter")
        try:
            hand.middle()
            _sweep(hand, joints)
            calibration = hand.result()
        except NotDone as error:
            typer.echo(f"   {error}")
            continue
        break
    answer = _ask(
        f"3. Put the arm into the zero pose of its model ({bench.spec.model}), the gripper at its "
        "zero. Enter, or type skip to keep the zeros there are"
    )
    if answer != "skip":
        hand.zero()
    for joint in bench.arm.wiring.names if signs else ():
        _direction(hand, joint)
    _write(bench, calibration)
    known = load_beside(bench.file) or Beside()
    zeros = Beside(
        hand.zeros(calibration), known.measured, known.arrival_tolerance_rad, _today(), _who()
    )
    _save(bench, calibration, zeros)
    typer.echo("4. To measure how well it arrives (the arm moves): cell calibrate … --measure")


def _sweep(hand: HandCalibration, full_turn: list[str]) -> None:
    typer.echo("2. Move every joint slowly from stop to stop" + _but(full_turn) + ", then Enter")
    rows: list[Swept] = []
    while not select.select([sys.stdin], [], [], LOOK_EVERY_S)[0]:
        rows = hand.watch()
        if sys.stdout.isatty():
            sys.stdout.write("\r" + "  ".join(f"{s.lo:4}…{s.hi:4}" for s in rows) + " ")
            sys.stdout.flush()
    sys.stdin.readline()
    rows = hand.watch()
    typer.echo("")
    for swept in rows:
        note = "  passed the end of its count" if swept.wrapped else ""
        typer.echo(f"   {swept.joint:14} {swept.lo:5} to {swept.hi:5}{note}")


def _direction(hand: HandCalibration, joint: str) -> None:
    while True:
        before = hand.positions()[joint]
        _ask(
            f"   Turn {joint} a little in the model's positive direction (gripper: open it). Enter"
        )
        try:
            sign = hand.turned(joint, before)
        except NotDone as error:
            typer.echo(f"   {error}")
            continue
        typer.echo(f"   {joint}: sign {sign:+d}")
        return


def _but(full_turn: list[str]) -> str:
    return f" ({', '.join(full_turn)} needs none)" if full_turn else ""


def _write(bench: Bench, calibration: Calibration) -> None:
    missing = [name for name in bench.arm.wiring.names if name not in calibration]
    if missing:
        raise ConfigError(f"{bench.file}: nothing about {', '.join(missing)}")
    write_calibration(bench.arm.bus, bench.arm.wiring, calibration)
    typer.echo("written to the servos, locked and read back")


def _save(bench: Bench, calibration: Calibration, ours: Beside | None) -> None:
    save_calibration(bench.file, calibration)
    typer.echo(f"saved {bench.file} (LeRobot's)")
    if ours is not None:
        save_beside(bench.file, ours)
        typer.echo(f"saved {beside(bench.file)}")


def _measure(bench: Bench) -> None:
    """Small moves of every joint; the arm holds afterwards."""
    worst = [f for f in bench.arm.check() if f.severity == "error"]
    if worst:
        raise CellFault(f"{worst[0].what}: {worst[0].seen}; aspire-tui cell check says more")
    typer.echo("The arm will move each joint by 7 degrees, there and back, and hold afterwards.")
    _ask(f"Keep hands away and the power switch near, then type {MOVE}", MOVE)
    bench.arm.energise()
    mover = Mover(bench.arm, bench.spec, time.monotonic, time.sleep)
    measured = {}
    for n, joint in enumerate(bench.spec.joints):
        one = measured[joint.name] = mover.measure(n)
        typer.echo(
            f"   {joint.name:14} arrives within {one.arrival_rad:.4f} rad, play "
            f"{one.backlash_rad:.4f} rad, lag {1e3 * one.lag_s:.0f} ms" + _sag(one)
        )
    tolerance = tolerance_rad(measured)
    known = load_beside(bench.file) or Beside()
    save_beside(bench.file, Beside(known.joints, measured, tolerance, _today(), _who()))
    typer.echo(f"saved {beside(bench.file)}")
    typer.echo(f"arrival tolerance {tolerance} rad: the cell uses it when its host starts next")


def _sag(one: JointMeasured) -> str:
    return "" if one.sag_rad_per_Nm is None else f", sag {one.sag_rad_per_Nm:.4f} rad/Nm"


def _ask(text: str, expected: str = "") -> str:
    """One line from the person. With ``expected``, anything else ends it: nothing happened."""
    sys.stdout.write(f"{text}: ")
    sys.stdout.flush()
    line = sys.stdin.readline()
    answer = line.strip().lower()
    if not line or (expected and answer != expected):
        raise CellRefused("not_confirmed", "not confirmed: nothing was written, nothing moved")
    return answer


def _names(bench: Bench) -> str:
    return ", ".join(bench.arm.wiring.names)


def _today() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _who() -> str:
    return getpass.getuser()
