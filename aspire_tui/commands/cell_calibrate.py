"""``cell calibrate``: walk a person through calibrating a Feetech arm, step by step."""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from aspire_tui.commands.context import Context
from aspire_tui.commands.hand_calibration import (
    FULL_TURN,
    Bench,
    Hands,
    PlayedHands,
    RealHands,
    at_rest,
    calibrate_by_hand,
    save,
    today,
    write,
)
from aspire_tui.commands.jobs import cell_named
from aspire_tui.commands.person import Person
from aspire_tui.errors import ConfigError
from drivers.cellfile import EMULATED, CellFile, DeviceSection
from drivers.device_plant import emulated_bus, emulator
from drivers.emu.leading import UnseenHand
from drivers.errors import CellFault, CellRefused
from drivers.feetech.arm import FeetechArm
from drivers.feetech.calibrating import calibration_of, lock_all
from drivers.feetech.calibration import (
    Beside,
    CalibrationError,
    JointMeasured,
    beside,
    load_beside,
    load_calibration,
    save_beside,
)
from drivers.feetech.eeprom import NotKept, TorqueIsOn
from drivers.feetech.measuring import Hindered, Mover, tolerance_rad
from drivers.hostlock import Holder, HostLock
from drivers.runtime_dir import cell_paths
from drivers.spawn import running_host
from drivers.types import ArmSpec

MOVE = "move"


def calibrate(
    ctx: typer.Context,
    cell: Annotated[str, typer.Argument(help="Cell by name or file.")],
    arm: Annotated[str, typer.Option(help="Which arm, in a cell of several.")] = "",
    port: Annotated[str, typer.Option(help="Serial port, instead of the cell file's.")] = "",
    full_turn: Annotated[str, typer.Option(help="Joints without stops, with commas.")] = FULL_TURN,
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
    if not (lock or write_file):
        from aspire_tui.commands.bringup import require_own

        require_own(path)
    person = Person()
    with _opened(path, file, arm, port, person) as (bench, hands):
        if lock:
            lock_all(bench.arm.bus, bench.arm.wiring)
            person.say("every EEPROM lock is closed")
        elif keep_servos:
            save(bench, calibration_of(bench.arm.bus, bench.arm.wiring), None)
        elif measure:
            _measure(bench)
        elif write_file:
            at_rest(bench)
            write(bench, load_calibration(bench.file))
        else:
            turns = [name.strip() for name in full_turn.split(",") if name.strip()]
            calibrate_by_hand(bench, hands, turns, signs)
            person.say("4. How well does it arrive? (the arm moves): cell calibrate … --measure")


@contextmanager
def _opened(
    path: Path, file: CellFile, arm: str, port: str, person: Person
) -> Iterator[tuple[Bench, Hands]]:
    """The arm, open and to ourselves, and who moves it; errors become one line each."""
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
    with _port(file, device, port, person) as (chosen, hands):
        driver = FeetechArm(spec, section, chosen, time.monotonic, folder, file.info.name)
        bench = Bench(driver, spec, folder / Path(name).expanduser(), person, getpass.getuser())
        yield from _use(driver, bench, hands)
        if not section.calibration:
            person.say(f'now add to [device.feetech] of {path}: calibration = "{name}"')


@contextmanager
def _port(
    file: CellFile, device: DeviceSection, port: str, person: Person
) -> Iterator[tuple[str, Hands]]:
    """Where the arm is plugged in; an emulated one is played as long as it is worked at."""
    if port or device.port != EMULATED:
        yield port or device.port, RealHands(person)
        return
    paths = cell_paths(file.info.name)
    paths.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    cell_file = str(file.path.resolve())
    holder = Holder(os.getpid(), getpass.getuser(), file.info.name, cell_file, "calibrate")
    lock = HostLock(paths.lock, holder)
    played = emulator(file, paths)
    try:
        played.start()
        number = [spec.name for spec in file.info.arms].index(device.arm)
        hands = PlayedHands(person, UnseenHand(paths.folder, device.arm))
        yield str(emulated_bus(paths.folder, number)), hands
    finally:
        played.close()
        lock.release()


def _use(driver: FeetechArm, bench: Bench, hands: Hands) -> Iterator[tuple[Bench, Hands]]:
    try:
        driver.open()
        yield bench, hands
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


def _measure(bench: Bench) -> None:
    """Small moves of every joint; the arm holds afterwards."""
    worst = [f for f in bench.arm.check() if f.severity == "error"]
    if worst:
        raise CellFault(f"{worst[0].what}: {worst[0].seen}; aspire-tui cell check says more")
    bench.person.say("The arm moves each joint by 7 degrees, there and back, and holds afterwards.")
    bench.person.confirm("Keep hands away and the power switch near", MOVE)
    bench.arm.energise()
    mover = Mover(bench.arm, bench.spec, time.monotonic, time.sleep)
    measured = {}
    for n, joint in enumerate(bench.spec.joints):
        one = measured[joint.name] = mover.measure(n)
        bench.person.say(
            f"   {joint.name:14} arrives within {one.arrival_rad:.4f} rad, play "
            f"{one.backlash_rad:.4f} rad, lag {1e3 * one.lag_s:.0f} ms" + _sag(one)
        )
    tolerance = tolerance_rad(measured)
    known = load_beside(bench.file) or Beside()
    save_beside(bench.file, Beside(known.joints, measured, tolerance, today(), bench.who))
    bench.person.say(f"saved {beside(bench.file)}")
    bench.person.say(
        f"arrival tolerance {tolerance} rad: the cell uses it from its host's next start"
    )


def _sag(one: JointMeasured) -> str:
    return "" if one.sag_rad_per_Nm is None else f", sag {one.sag_rad_per_Nm:.4f} rad/Nm"
