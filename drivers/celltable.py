"""What a cell file may say, table by table; what types cannot say is checked in ``cellwhole``."""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

from drivers.cameras.section import CameraCalibration, CameraDevice, HoverRecord
from drivers.compat.section import GelloSection, YamPortalSection
from drivers.emu.section import EmulatorSection
from drivers.feetech.section import FeetechSection
from drivers.perception_section import PerceptionSection
from drivers.remote_section import RemoteSection
from drivers.services import ServiceSection
from drivers.taught import Taught
from drivers.types import (
    ArmSpec,
    BaseSpec,
    CameraSpec,
    CellKind,
    ClockName,
    EstopState,
    PolicySection,
    Room,
    TaskArea,
    Workspace,
)

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


class CellTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
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
    policies: tuple[PolicySection, ...] = ()
    perception: PerceptionSection = PerceptionSection()
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
