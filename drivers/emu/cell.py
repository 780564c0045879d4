"""An emulated cell: the cell's world, a servo bus for each of its arms, and eyes to see it."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import replace
from pathlib import Path

import msgspec
import zmq

from drivers.cellfile import CellFile
from drivers.emu.answers import Answers
from drivers.emu.assembly import Owned, assemble, gears_of, owned_from
from drivers.emu.eyes import MISSING, EyesConfig, frozen, live
from drivers.emu.fault_socket import NAME, FaultServer
from drivers.emu.faults import Chaos
from drivers.emu.journal import BenchJournal
from drivers.emu.loop import Loop
from drivers.emu.memory import Reg
from drivers.emu.rig import Line, Rig, Views
from drivers.emu.section import EmulatorSection
from drivers.emu.stand_in import EmulatedStandIn, at_once
from drivers.emu.succession import Orphan
from drivers.emu.world_plant import WorldShafts
from drivers.errors import CellFileError
from drivers.jaw import jaw_angle_rad
from drivers.runtime_dir import CellPaths
from drivers.sim.arm import ArmSetpoint
from drivers.sim.camera_source import CameraConfig
from drivers.sim.control import serve
from drivers.sim.settings import noisy_cell
from drivers.types import ArmSpec, CellInfo
from drivers.world_feed import WorldFeed

log = logging.getLogger("emulator")


class Shown:
    """What the camera process sees: a :class:`drivers.world_feed.Pictured`."""

    camera_factory = "drivers.emu.eyes:open_source"

    def __init__(
        self, info: CellInfo, config: EyesConfig, plant: WorldShafts, views: Views
    ) -> None:
        self.info = info
        self.camera_config = config.encode()
        self._plant = plant
        self.now_s = 0.0
        self.views = views

    def clock(self) -> float:
        return self.now_s

    def world_state(self) -> bytes:
        """The world as it is, and what has become of the cameras that look at it."""
        if self.views.missing:
            return MISSING
        if self.views.frozen:
            return frozen(self.now_s)
        world = self._plant.world
        world.start_at(self.now_s)
        for arm in self.info.arms:
            encoders = tuple(shaft.angle_rad for shaft in self._plant.of_arm(arm.name)[:-1])
            was: ArmSetpoint = world.arms[arm.name].setpoint
            world.arms[arm.name].adopt(msgspec.structs.replace(was, encoder_rad=encoders))
        return live(world.snapshot(), covered=self.views.black)


class EmulatedCell:
    """Everything of one emulated cell in this process, until its loop ends."""

    def __init__(
        self, cell: CellFile, run_dir: Path, noise: bool, seed: int | None, played: str = ""
    ) -> None:
        """``played``: a name for exactly this cell; with one, what was left of it is taken up.

        Raises:
            CellFileError: The cell file describes no emulated cell.
        """
        section = _section(cell, seed)
        self.paths = CellPaths(run_dir)
        believed = cell.info.cameras
        info, errors = noisy_cell(replace(cell, info=_as_simulated(cell.info, section)), noise)
        # Joint zeros are off by how the servos were mounted and calibrated, not by a draw a scene.
        errors = msgspec.structs.replace(errors, joint_offset_sd_deg=0.0)
        try:
            self.plant = WorldShafts(info, errors, gears_of(section))
        except ValueError as error:
            raise CellFileError(f"{cell.path}: {error}") from None
        if section.start == "resting":
            self.plant.lay_down()
        lines = [self._line(cell, section, n) for n in range(len(info.arms))]
        self.rig = Rig(lines, self.plant, time.monotonic())
        try:
            chaos = Chaos(self.rig, section.chaos, section.chaos_per_minute, section.seed)
        except ValueError as error:
            raise CellFileError(f"{cell.path}: [emulator] {error}") from None
        self.loop = Loop(self.rig, FaultServer(run_dir / NAME, Answers(self.rig, chaos)))
        self.loop.after_tick = self._after_tick
        self._journal = BenchJournal(self.paths.journal, played) if played else None
        if self._journal is not None:
            self._journal.take_up(self.plant, self.rig)
        self._orphan = Orphan(self.rig)
        eyes = EyesConfig(CameraConfig(info, errors), believed)
        self._shown = Shown(info, eyes, self.plant, self.rig.views)
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context(1)
        self._feed = WorldFeed(self._shown, self.paths, self._context)
        self._control = serve(EmulatedStandIn(self.plant, self.loop), self.paths.sim, at_once)

    def start(self) -> None:
        """Start the cameras."""
        self._feed.start()

    def close(self) -> None:
        """End what was started beside the loop."""
        if self._journal is not None:
            self._journal.keep(self.plant, self.rig, math.inf)
        self._control.close()
        self._feed.close()
        self._context.destroy(0)
        self.paths.world.unlink(missing_ok=True)

    def _after_tick(self, now_s: float) -> None:
        if self._orphan.forgotten(now_s):
            self.loop.end()
        if self._journal is not None:
            self._journal.keep(self.plant, self.rig, now_s)
        if self.rig.views.silent:
            return
        self._shown.now_s = now_s
        self._feed.after_tick(now_s)

    def _line(self, cell: CellFile, section: EmulatorSection, number: int) -> Line:
        arm = cell.info.arms[number]
        shafts = self.plant.of_arm(arm.name)
        owned = tuple(Owned(servo_id) for servo_id in range(1, len(shafts) + 1))
        held = section.held_by(arm.name)
        if held:
            owned = owned_from(cell.path.parent / held)
        if len(owned) != len(shafts):
            raise CellFileError(
                f"{cell.path}: [emulator] calibration has {len(owned)} servos, arm {arm.name} "
                f"{len(shafts)}"
            )
        line = assemble(section, arm.name, self.paths.folder / f"bus{number}", shafts, owned)
        _limit(line, arm)
        if section.start == "holding":
            for servo in line.bus.servos:
                servo.write(Reg.TORQUE, b"\x01")
        return line


def _limit(line: Line, arm: ArmSpec) -> None:
    """Tell the register log what the cell file allows, in ticks; half a tick is rounding."""
    spans = [(joint.lo_rad, joint.hi_rad) for joint in arm.joints]
    gripper, jaw = arm.gripper, arm.gripper.jaw
    if jaw is not None:
        widths = (gripper.closed_width_m, gripper.open_width_m)
        spans.append((jaw_angle_rad(jaw, widths[0]), jaw_angle_rad(jaw, widths[1])))
    for servo, span in zip(line.bus.servos, spans, strict=True):
        low, high = sorted(servo.ticks_at(angle) for angle in span)
        line.bus.log.allowed[servo.servo_id] = (math.ceil(low - 0.5), math.floor(high + 0.5))


def _section(cell: CellFile, seed: int | None) -> EmulatorSection:
    if cell.emulator is None:
        raise CellFileError(f'{cell.path}: kind is {cell.info.kind!r}; [emulator] needs "emulated"')
    if seed is None:
        return cell.emulator
    return msgspec.structs.replace(cell.emulator, seed=seed)


def _as_simulated(info: CellInfo, section: EmulatorSection) -> CellInfo:
    """The cell as it is played: cameras where they stand, not where they are believed to be."""
    cameras = []
    for camera in info.cameras:
        stands = section.cameras.get(camera.name)
        if stands is not None:
            camera = msgspec.structs.replace(
                camera, mount_xyz_m=stands.xyz_m, mount_wxyz=stands.wxyz
            )
        cameras.append(camera)
    return msgspec.structs.replace(info, kind="sim", cameras=tuple(cameras))
