"""A simulated world behind a host: its journal, its pictures and its own socket."""

from __future__ import annotations

import hashlib
import importlib
import logging
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import zmq

from drivers.arm import ArmDriver
from drivers.cellfile import CellFile
from drivers.core import CellCore
from drivers.hosted_world import HostedWorld
from drivers.kinematic_world import KinematicWorld
from drivers.plant import BetweenTicks
from drivers.runtime_dir import CellPaths
from drivers.world_feed import WorldFeed

log = logging.getLogger("cell host")

JOURNAL_PERIOD_S: Final = 0.25


class _Journal(msgspec.Struct, frozen=True):
    cell: str
    world: bytes


class SimulatedPlant:
    """Implements :class:`drivers.plant.Plant`. A restart finds the same world in the journal."""

    def __init__(
        self,
        cell: CellFile,
        name: str,
        paths: CellPaths,
        noise: bool,
        speed: float | None,
        context: zmq.Context[zmq.Socket[bytes]],
    ) -> None:
        self._paths = paths
        self._key = f"{hashlib.sha256(cell.path.read_bytes()).hexdigest()} noise={noise}"
        self._world = open_world(cell, noise)
        self.info = msgspec.structs.replace(self._world.info, name=name)
        self.tool_xyz = self._world.tool_xyz
        self.body = self._world.body
        self.exits_alone = True
        if speed is not None:
            self._world.control.speed = speed
        self.adopted = self._restore()
        self._feed = WorldFeed(self._world, paths, context)
        self._stand_in: Any = None
        self._journalled_s = 0.0
        self._noted = ""

    @property
    def arms(self) -> Mapping[str, ArmDriver]:
        return self._world.arms

    @property
    def speed(self) -> float:
        return self._world.control.speed

    def clock(self) -> float:
        return self._world.clock()

    def advance(self, dt_s: float) -> None:
        self._world.advance(dt_s)

    def join(self, core: CellCore) -> None:
        control = self._world.control
        control.before_change = core.require_idle
        control.after_change = lambda: core.adopt("stand-in")

    def start(self, between_ticks: BetweenTicks) -> None:
        self._feed.start()
        if isinstance(self._world, KinematicWorld):
            return  # It has no scene to set.
        control = importlib.import_module("drivers.sim.control")
        self._stand_in = control.serve(self._world.control, self._paths.sim, between_ticks)

    def after_tick(self, now_s: float) -> None:
        self._feed.after_tick(now_s)
        if now_s - self._journalled_s >= JOURNAL_PERIOD_S:
            self._journalled_s = now_s
            self._write_journal()

    def close(self) -> None:
        self._write_journal()
        if self._stand_in is not None:
            self._stand_in.close()
        self._feed.close()

    def _restore(self) -> bool:
        """Find the world of an earlier host of the same cell file; whether there was one."""
        try:
            kept = msgspec.msgpack.decode(self._paths.journal.read_bytes(), type=_Journal)
            if kept.cell != self._key:
                return False
            self._world.restore(kept.world)
        except FileNotFoundError:
            return False
        except (OSError, ValueError) as error:
            log.warning("the journal cannot be used, starting afresh: %s", error)
            return False
        return True

    def _write_journal(self) -> None:
        kept = _Journal(self._key, self._world.journal())
        beside = self._paths.journal.with_suffix(".new")
        try:
            beside.write_bytes(msgspec.msgpack.encode(kept))
            beside.replace(self._paths.journal)
        except OSError as error:
            # A full disk must not stop the loop; a restart then finds an older world.
            if self._noted != str(error):
                self._noted = str(error)
                log.warning("the journal is not written: %s", error)


def open_world(cell: CellFile, noise: bool) -> HostedWorld:
    """The world of a simulated cell."""
    if cell.sim is not None and cell.sim.world == "kinematic":
        return KinematicWorld(cell)
    world: HostedWorld = importlib.import_module("drivers.sim.hosted").open_world(cell, noise)
    return world
