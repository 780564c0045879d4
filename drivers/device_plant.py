"""Real devices behind a host, or buses whose far end is emulated: wall clock, nothing moves alone.

Services are started first and in order, then the emulator; devices are opened by the core.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
import zmq

from drivers.arm import ArmDriver
from drivers.body import CellBody
from drivers.cameras.devices import DeviceConfig
from drivers.cellfile import EMULATED, CellFile
from drivers.core import CellCore
from drivers.devices import OwnDriver, open_device
from drivers.errors import CellFileError
from drivers.plant import BetweenTicks
from drivers.runtime_dir import CellPaths
from drivers.safety import ToolXyz
from drivers.services import READY_FD, Services, ServiceSection
from drivers.types import CellInfo
from drivers.world_feed import WorldFeed

log = logging.getLogger("cell host")

LOOK_EVERY_S: Final = 1.0
NO_MODEL: Final = "none"
MODELS: Final = Path(__file__).parent / "models"


class BenchState(msgspec.Struct, frozen=True):
    """What the camera process of a real bench learns: where each arm is measured to be."""

    t_s: float
    q_rad: dict[str, tuple[float, ...]]


class DevicePlant:
    """Implements :class:`drivers.plant.Plant`. Killing its host leaves devices as they hold."""

    speed = 1.0

    def __init__(
        self,
        cell: CellFile,
        name: str,
        paths: CellPaths,
        noise: bool,
        context: zmq.Context[zmq.Socket[bytes]],
        own: OwnDriver | None = None,
    ) -> None:
        """Start the services, wait for their health, prepare the drivers; connects to no device.

        Raises:
            CellFileError: A service did not come up, or a device cannot be driven from here.
        """
        self.info: CellInfo = msgspec.structs.replace(cell.info, name=name)
        self.adopted = True
        self.exits_alone = cell.info.kind == "emulated"
        if not noise:
            self.info = msgspec.structs.replace(self.info, brands=(*cell.info.brands, "noise-off"))
        self.tool_xyz, self.body = arm_models(self.info, cell.path)
        self._services = Services(cell.services, cell.path.resolve().parent)
        self._emulator = emulator(cell, paths, noise)
        try:
            self._services.start()
            self._emulator.start()
            self.arms: Mapping[str, ArmDriver] = _open_arms(cell, paths, own)
            self._pictures = _Pictures(self, cell) if cell.info.kind == "hardware" else None
            self._feed = (
                None if self._pictures is None else WorldFeed(self._pictures, paths, context)
            )
        except CellFileError:
            self._end_services()
            raise
        self._core: CellCore | None = None
        self._looked_s = 0.0

    def clock(self) -> float:
        """The machine's monotonic clock, which every process here shares."""
        return time.monotonic()

    def advance(self, dt_s: float) -> None:
        """Real time passes by itself."""

    def join(self, core: CellCore) -> None:
        self._core = core

    def start(self, between_ticks: BetweenTicks) -> None:
        if self._feed is not None:
            self._feed.start()

    def after_tick(self, now_s: float) -> None:
        if self._feed is not None:
            self._feed.after_tick(now_s)
        if now_s - self._looked_s < LOOK_EVERY_S:
            return
        self._looked_s = now_s
        for ended in (*self._services.ended(), *self._emulator.ended()):
            log.warning("service %s", ended)
            if self._core is not None:
                self._core.note(f"service {ended}", "service")

    def close(self) -> None:
        if self._feed is not None:
            self._feed.close()
        self._end_services()

    def _end_services(self) -> None:
        self._emulator.close()
        self._services.close()

    def measured(self) -> dict[str, tuple[float, ...]]:
        """Joints of every arm as last read."""
        if self._core is None:
            return {}
        samples = self._core.status().arms
        return {spec.name: s.q_rad for spec, s in zip(self.info.arms, samples, strict=True)}


class _Pictures:
    """What the cameras of a real bench are fed with; see :class:`drivers.world_feed.Pictured`."""

    def __init__(self, plant: DevicePlant, cell: CellFile) -> None:
        self._plant = plant
        self.info = cell.info
        self.camera_factory = cell.camera_source or "drivers.cameras.devices:open_source"
        self.camera_config = msgspec.msgpack.encode(cell.info.cameras)
        if not cell.camera_source:
            folder = str(cell.path.resolve().parent)
            config = DeviceConfig(cell.info.cameras, cell.camera_devices, folder)
            self.camera_config = config.encode()

    def clock(self) -> float:
        return self._plant.clock()

    def world_state(self) -> bytes:
        return msgspec.msgpack.encode(BenchState(self._plant.clock(), self._plant.measured()))


def arm_models(info: CellInfo, path: Path) -> tuple[Mapping[str, ToolXyz], CellBody | None]:
    """Tool points and bodies of the arms, where the machine has what their models need.

    Raises:
        CellFileError: An arm names a model, or a part of one, that is not there.
    """
    if all(arm.model == NO_MODEL for arm in info.arms):
        return {}, None
    known = sorted(file.stem for file in MODELS.glob("*.xml"))
    for arm in info.arms:
        if arm.model not in known:
            raise CellFileError(
                f"{path}: arm {arm.name}: no model {arm.model!r}; there are {', '.join(known)}, or "
                f'"{NO_MODEL}" for every arm: then only joints are guarded'
            )
    if importlib.util.find_spec("mujoco") is None:
        return {}, None
    try:
        points = importlib.import_module("drivers.sim.tool_point").tool_points(info)
        return points, importlib.import_module("drivers.sim.arm_body").ArmsBody(info)
    except (KeyError, ValueError) as error:
        said = " ".join(str(error).strip("\"'").split())
        raise CellFileError(f"{path}: an arm does not fit its model: {said}") from None


def emulator(cell: CellFile, paths: CellPaths, noise: bool = True) -> Services:
    """Who plays the devices of an emulated cell; nobody for others. Not yet started."""
    if cell.info.kind != "emulated":
        return Services([], Path.cwd())
    command = ["python", "-m", "drivers.emu", str(cell.path.resolve()), "--run-dir"]
    command += [str(paths.folder)]
    command += [] if noise else ["--noise-off"]
    return Services([ServiceSection("emulator", tuple(command), READY_FD)], Path.cwd())


def _open_arms(cell: CellFile, paths: CellPaths, own: OwnDriver | None) -> dict[str, ArmDriver]:
    arms: dict[str, ArmDriver] = {}
    by_arm = {device.arm: device for device in cell.devices}
    for number, spec in enumerate(cell.info.arms):
        device = by_arm[spec.name]
        port = str(emulated_bus(paths.folder, number)) if device.port == EMULATED else device.port
        arms[spec.name] = open_device(device, spec, cell, port, own)
    return arms


def emulated_bus(run_dir: Path, number: int) -> Path:
    """Where the emulator puts the bus of the n-th arm of a cell."""
    return run_dir / f"bus{number}"
