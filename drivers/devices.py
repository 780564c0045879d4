"""Which code drives which device: names of drivers in cell files, opened lazily.

To add an arm: implement :class:`drivers.arm.ArmDriver`, add a line to ``DRIVERS``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from drivers.arm import ArmDriver
from drivers.cellfile import CellFile, DeviceSection
from drivers.errors import CellFileError
from drivers.types import ArmSpec

OWN: Final = "own"
"""The driver of a cell that is served by a program of its own; see :mod:`drivers.serving`."""
OwnDriver = Callable[[ArmSpec, str], ArmDriver]
"""Makes the driver of an arm from its part of the cell file and its port; connects to nothing."""


def open_device(
    device: DeviceSection, spec: ArmSpec, cell: CellFile, port: str, own: OwnDriver | None = None
) -> ArmDriver:
    """The driver of one device; connects to nothing yet.

    Args:
        port: Where it is plugged in: the cell file's own, or the emulator's.
        own: What drives devices whose driver is ``own``.

    Raises:
        CellFileError: No such driver, or its table is missing or wrong.
    """
    if device.driver == OWN:
        if own is None:
            raise CellFileError(
                f'{cell.path}: driver = "own": it is served by the program that brings its driver'
            )
        return own(spec, port)
    factory = DRIVERS.get(device.driver)
    if factory is None:
        raise CellFileError(
            f"{cell.path}: no driver named {device.driver!r}; known: {', '.join(sorted(DRIVERS))}"
        )
    return factory(device, spec, cell, port)


def _feetech(device: DeviceSection, spec: ArmSpec, cell: CellFile, port: str) -> ArmDriver:
    from drivers.feetech.arm import FeetechArm

    if device.feetech is None:
        raise CellFileError(f"{cell.path}: arm {spec.name}: driver feetech needs [device.feetech]")
    folder = cell.path.resolve().parent
    return FeetechArm(spec, device.feetech, port, time.monotonic, folder, cell.info.name)


def _gello(device: DeviceSection, spec: ArmSpec, cell: CellFile, port: str) -> ArmDriver:
    from drivers.compat.gello import gello_arm
    from drivers.compat.section import GelloSection

    return gello_arm(spec, device.gello or GelloSection(), port, time.monotonic)


def _yam_portal(device: DeviceSection, spec: ArmSpec, cell: CellFile, port: str) -> ArmDriver:
    from drivers.compat.section import YamPortalSection
    from drivers.compat.yam_portal import yam_arm

    return yam_arm(spec, device.yam_portal or YamPortalSection(), port, time.monotonic)


DRIVERS: Final[dict[str, Callable[[DeviceSection, ArmSpec, CellFile, str], ArmDriver]]] = {
    "feetech": _feetech,
    "gello": _gello,
    "yam-portal": _yam_portal,
}
