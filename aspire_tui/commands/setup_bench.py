"""The bus of one arm without a host, and the hands at it: a person's, or the emulator's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from aspire_tui.commands.bringup import Bringup
from aspire_tui.commands.hand_calibration import Hands, PlayedHands, RealHands
from aspire_tui.commands.person import Person
from aspire_tui.errors import ConfigError
from drivers.cellfile import DeviceSection
from drivers.device_plant import emulated_bus
from drivers.emu.leading import UnseenHand
from drivers.errors import CellFault
from drivers.serial_ports import port_names
from drivers.spawn import running_host

if TYPE_CHECKING:
    from drivers.emu.unseen_hand import EmulatedBench


class Bench(Protocol):
    """The bus of one arm, and the hands at it."""

    def ports(self) -> list[str]: ...

    def only(self, number: int, joint: str) -> None:
        """Plug in one servo alone, 1 at the base."""
        ...

    def all(self) -> None:
        """Plug every servo in."""
        ...

    def hands(self) -> Hands:
        """Who moves the arm."""
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

    def hands(self) -> Hands:
        return RealHands(self._person)


class PlayedBench:
    """The emulator's: an unseen hand does what is asked of people elsewhere."""

    def __init__(self, person: Person, arm: str, count: int, emulator: EmulatedBench) -> None:
        self._person, self._count, self._emulator = person, count, emulator
        self._arm = arm

    def ports(self) -> list[str]:
        return self._emulator.ports()

    def only(self, number: int, joint: str) -> None:
        self._person.say(f"   (emulated: an unseen hand connects only the servo of {joint})")
        self._emulator.only(number, self._count, self._arm)

    def all(self) -> None:
        self._emulator.inject("mend", arm=self._arm)

    def hands(self) -> Hands:
        return PlayedHands(self._person, UnseenHand(self._emulator.paths.folder, self._arm))


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
        arm, names = bringup.arm, [spec.name for spec in bringup.cell.info.arms]
        port = emulated_bus(bringup.paths.folder, names.index(arm.name))
        yield PlayedBench(bringup.person, arm.name, len(arm.joints) + 1, emulator), str(port)
    finally:
        emulator.close()


def device_of(bringup: Bringup) -> DeviceSection:
    """The device of the first arm. Raises ConfigError when it has no Feetech bus."""
    for device in bringup.cell.devices:
        if device.arm == bringup.arm.name and device.feetech is not None:
            return device
    raise ConfigError(f"{bringup.path}: arm {bringup.arm.name} has no [device.feetech]")


def each_arm(bringup: Bringup, step: Callable[[Bringup], str]) -> str:
    """A step for every arm in turn; what came out, by arm where there are several."""
    arms, said = bringup.cell.info.arms, []
    for spec in arms:
        bringup.arm_name = spec.name
        if len(arms) > 1:
            bringup.person.say(f"   arm {spec.name}")
        said.append(step(bringup))
    bringup.arm_name = ""
    return (
        said[0]
        if len(arms) == 1
        else "; ".join(f"{spec.name}: {text}" for spec, text in zip(arms, said, strict=True))
    )
