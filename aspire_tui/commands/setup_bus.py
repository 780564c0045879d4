"""Set-up of the arm's bus: its port by unplugging, the servos' ids."""

from __future__ import annotations

import time
from collections.abc import Callable

from aspire_tui.commands.bringup import Bringup
from aspire_tui.commands.setup_bench import bench_of, device_of
from drivers.celledit import CellText
from drivers.errors import CellFault, CellRefused
from drivers.feetech import registers as r
from drivers.feetech.bus import Bus
from drivers.feetech.ids import IdsRefused, find_single, set_baud, set_id
from drivers.feetech.link import PortError, SerialLink
from drivers.feetech.section import FeetechSection, servos_of

LOOK_EVERY_S = 0.05
UNPLUG_WITHIN_S = 180.0
COMES_BACK_WITHIN_S = 60.0


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
