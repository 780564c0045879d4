"""Set-up of the arm's bus: its port by unplugging, the servos' ids, the joints' calibration."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from aspire_tui.commands.bringup import Bringup
from aspire_tui.commands.cell_calibrate import LOOK_EVERY_S
from aspire_tui.commands.person import Person
from aspire_tui.doctor.report import finding_lines
from aspire_tui.errors import ConfigError
from drivers.celledit import CellText
from drivers.cellfile import DeviceSection
from drivers.errors import CellFault, CellRefused
from drivers.feetech import registers as r
from drivers.feetech.arm import FeetechArm
from drivers.feetech.bus import Bus
from drivers.feetech.ids import IdsRefused, find_single, set_baud, set_id
from drivers.feetech.link import PortError, SerialLink
from drivers.feetech.section import FeetechSection, servos_of
from drivers.serial_ports import port_names
from drivers.spawn import running_host
from drivers.types import Finding

if TYPE_CHECKING:
    from drivers.emu.unseen_hand import EmulatedBench

ASKED_TIMES = 5
ASK_AGAIN_AFTER_S = 0.5
UNPLUG_WITHIN_S = 180.0
COMES_BACK_WITHIN_S = 60.0


class Bench(Protocol):
    """The bus of one arm, and the hands at it."""

    def ports(self) -> list[str]: ...

    def only(self, number: int, joint: str) -> None:
        """Plug in one servo alone, 1 at the base."""
        ...

    def all(self) -> None:
        """Plug every servo in."""
        ...


class RealBench:
    """A person's hands at a real arm."""

    def __init__(self, person: Person) -> None:
        self._person = person

    def ports(self) -> list[str]:
        return port_names()

    def only(self, number: int, joint: str) -> None:
        self._person.ask(
            f"   Cut the motor power. Connect only the servo of {joint} to the adapter, power on. "
            "Enter"
        )

    def all(self) -> None:
        self._person.ask("   Cut the motor power. Plug all servos in a chain, power on. Enter")


class PlayedBench:
    """The emulator's: an unseen hand does what is asked of people elsewhere."""

    def __init__(self, person: Person, count: int, emulator: EmulatedBench) -> None:
        self._person, self._count, self._emulator = person, count, emulator

    def ports(self) -> list[str]:
        return self._emulator.ports()

    def only(self, number: int, joint: str) -> None:
        self._person.say(f"   (emulated: an unseen hand connects only the servo of {joint})")
        self._emulator.only(number, self._count)

    def all(self) -> None:
        self._emulator.inject("mend")


@contextmanager
def bench_of(bringup: Bringup) -> Iterator[tuple[Bench, str]]:
    """The bus without a host, and its port as far as it is known.

    Raises:
        CellFault: A host holds it.
    """
    name, device = bringup.cell.info.name, device_of(bringup)
    if running_host(name) is not None:
        raise CellFault(f"a host serves {name}: aspire-tui cell shutdown {name} first")
    if not bringup.emulated:
        yield RealBench(bringup.person), device.port
        return
    from drivers.emu.unseen_hand import EmulatedBench

    emulator = EmulatedBench(bringup.path.resolve(), bringup.paths)
    try:
        count = len(bringup.arm.joints) + 1
        yield PlayedBench(bringup.person, count, emulator), str(bringup.paths.folder / "bus0")
    finally:
        emulator.close()


def device_of(bringup: Bringup) -> DeviceSection:
    """The device of the first arm. Raises ConfigError when it has no Feetech bus."""
    for device in bringup.cell.devices:
        if device.arm == bringup.arm.name and device.feetech is not None:
            return device
    raise ConfigError(f"{bringup.path}: arm {bringup.arm.name} has no [device.feetech]")


# -- the port ------------------------------------------------------------------------------


def find_port(bringup: Bringup) -> str:
    """Which port goes when the arm is unplugged and comes when it is plugged in again."""
    person = bringup.person
    with bench_of(bringup) as (bench, _):
        before = bench.ports()
        person.say(f"   ports now: {', '.join(before) or 'none'}")
        how = (
            f"in another terminal: aspire-tui cell fault {bringup.cell.info.name} unplug"
            if bringup.emulated
            else "pull the USB plug of the arm's adapter"
        )
        person.say(f"   Unplug it: {how}")
        port = _gone(bench.ports, before, UNPLUG_WITHIN_S)
        person.say(f"   gone: {port}")
        back = "… replug" if bringup.emulated else "the same socket as always"
        person.say(f"   Plug it in again ({back})")
        found = _came(bench.ports, port, before, COMES_BACK_WITHIN_S)
    if bringup.emulated:
        return f"{found}, emulated"
    text = CellText(bringup.path)
    text.port(bringup.arm.name, found)
    text.save()
    bringup.reload()
    note = "" if "/by-id/" in found else "; it has no lasting name: keep to this socket"
    return f"{found}{note}"


def _gone(ports: Callable[[], list[str]], before: list[str], within_s: float) -> str:
    until_s = time.monotonic() + within_s
    while time.monotonic() < until_s:
        missing = sorted(set(before) - set(ports()))
        if len(missing) == 1:
            return missing[0]
        if len(missing) > 1:
            raise CellRefused("several_gone", f"{', '.join(missing)} went: unplug only the arm")
        time.sleep(LOOK_EVERY_S)
    raise CellRefused("nothing_gone", f"no port went within {within_s:.0f} s: is it plugged in?")


def _came(ports: Callable[[], list[str]], gone: str, before: list[str], within_s: float) -> str:
    """The port under its old name, or under the one that is new."""
    until_s = time.monotonic() + within_s
    while time.monotonic() < until_s:
        now = ports()
        if gone in now:
            return gone
        fresh = sorted(set(now) - set(before))
        if len(fresh) == 1:
            return fresh[0]
        time.sleep(LOOK_EVERY_S)
    raise CellRefused("not_back", f"{gone} did not come back within {within_s:.0f} s")


# -- ids -----------------------------------------------------------------------------------


def set_ids(bringup: Bringup) -> str:
    """Give each servo its id, one alone on the bus at a time; those that are right are left."""
    section = device_of(bringup).feetech or FeetechSection()
    servos = servos_of(section, bringup.arm)
    with bench_of(bringup) as (bench, port):

        def link(baud: int) -> SerialLink:
            return SerialLink(port, baud)

        wanted = tuple(servo.id for servo in servos)
        there = _everyone(link, section.baud)
        if sorted(there) == sorted(wanted):
            bringup.person.say(f"   servos {', '.join(map(str, sorted(there)))} answer, each once")
            if not bringup.person.yes("   Set them again all the same?"):
                return f"ids {', '.join(map(str, sorted(there)))} as they were"
        # From the gripper down: the ones with higher ids are set first, none gets a taken one.
        for number, servo in reversed(list(enumerate(servos, 1))):
            bench.only(number, servo.joint)
            try:
                _give(link, section.baud, servo.id)
            except IdsRefused as refused:
                raise CellRefused("ids", str(refused)) from None
            except OSError as error:
                raise CellFault(f"{port}: {error}") from None
            bringup.person.say(f"   {servo.joint}: id {servo.id}")
        bench.all()
        there = _everyone(link, section.baud)
    if sorted(there) != sorted(wanted):
        seen = ", ".join(map(str, sorted(there))) or "none"
        raise CellRefused("ids", f"servos {seen} answer in the chain: look at the plugs")
    return f"ids {', '.join(map(str, wanted))}"


def _everyone(link: Callable[[int], SerialLink], baud: int) -> tuple[int, ...]:
    try:
        bus = Bus(link(baud), baud, time.monotonic)
    except PortError as error:
        raise CellFault(str(error)) from None
    try:
        there = bus.everyone()
        return () if bus.broken else there
    finally:
        bus.close()


def _give(link: Callable[[int], SerialLink], baud: int, servo_id: int) -> None:
    found = find_single(link, time.monotonic)
    bus = Bus(link(found.baud), found.baud, time.monotonic)
    try:
        if bus.read_one(found.id, r.TORQUE) != 0:
            raise IdsRefused("the servo holds torque: cut the motor power once")
        if found.baud != baud:
            bus = set_baud(bus, found.id, baud, link, time.monotonic)
        set_id(bus, found.id, servo_id)
    finally:
        bus.close()


# -- calibration ---------------------------------------------------------------------------


def calibrate_joints(bringup: Bringup) -> str:
    """Check the calibration, or have it made by hand."""
    device = device_of(bringup)
    section = device.feetech or FeetechSection()
    with bench_of(bringup) as (_, port):
        findings = _findings(bringup, section, port)
    bad = tuple(f for f in findings if f.severity == "error")
    for line in finding_lines(bad):
        bringup.person.say(f"   {line}")
    if section.calibration and not bad:
        if bringup.emulated or not bringup.person.yes("   The calibration fits. Do it again?"):
            return f"{section.calibration} fits what the servos hold"
    elif bringup.emulated:
        raise CellFault(f"{bad[0].what}: {bad[0].seen}" if bad else "no calibration is named")
    raise CellRefused("by_hand", f"aspire-tui cell calibrate {bringup.path}, then cell setup again")


def _findings(bringup: Bringup, section: FeetechSection, port: str) -> Sequence[Finding]:
    """What the driver's own check says; asked again where nothing answers yet."""
    folder, name = bringup.path.resolve().parent, bringup.cell.info.name
    for tries_left in reversed(range(ASKED_TIMES)):
        arm = FeetechArm(bringup.arm, section, port, time.monotonic, folder, name)
        try:
            arm.open()
            return arm.check()
        except PortError as error:
            if not tries_left:
                return (error.finding,)
        except OSError as error:
            if not tries_left:
                raise CellFault(f"{port}: {error}") from None
        finally:
            arm.close()
        time.sleep(ASK_AGAIN_AFTER_S)
    return ()
