"""An emulated bench outlives its process: what lay where, how the arms stood and held.

As if power had stayed on: the next emulator of the same cell file takes up what the last one left.
EEPROMs are not kept here; they hold what the calibration file says.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from drivers.emu.memory import Reg, signed
from drivers.emu.rig import Rig
from drivers.emu.world_plant import WorldShafts

log = logging.getLogger("emulator")

PERIOD_S: Final = 0.5


class _Kept(msgspec.Struct, frozen=True):
    played: str
    world: bytes
    servos: tuple[tuple[int, int], ...]
    """Torque switch and goal, ticks, of every servo of every line."""


class BenchJournal:
    """One file, replaced twice a second while things move or change."""

    def __init__(self, path: Path, played: str) -> None:
        """``played``: a name for exactly this cell; what another cell left is not taken up."""
        self._path = path
        self._played = played
        self._written_s = 0.0
        self._troubled = False

    def take_up(self, plant: WorldShafts, rig: Rig) -> bool:
        """Put the bench and the arms where the last emulator left them; whether there was one."""
        try:
            kept = msgspec.msgpack.decode(self._path.read_bytes(), type=_Kept)
            servos = [servo for line in rig.lines for servo in line.bus.servos]
            if kept.played != self._played or len(kept.servos) != len(servos):
                return False
            plant.wake_up(kept.world)
        except FileNotFoundError:
            return False
        except (OSError, ValueError, UnicodeDecodeError) as error:
            log.warning("the journal cannot be used, starting afresh: %s", error)
            return False
        for servo, (torque, goal) in zip(servos, kept.servos, strict=True):
            servo.power_cycle()
            servo.set_goal_register(goal)
            if torque:
                servo.write(Reg.TORQUE, bytes((torque,)))
        return True

    def keep(self, plant: WorldShafts, rig: Rig, now_s: float) -> None:
        """Write it down, at most twice a second. A full disk does not stop the bus."""
        if now_s - self._written_s < PERIOD_S:
            return
        self._written_s = now_s
        kept = _Kept(self._played, plant.world.snapshot(), tuple(_servos(rig)))
        beside = self._path.with_suffix(".new")
        try:
            beside.write_bytes(msgspec.msgpack.encode(kept))
            beside.replace(self._path)
        except OSError as error:
            if not self._troubled:
                log.warning("the journal is not written: %s", error)
            self._troubled = True


def _servos(rig: Rig) -> Sequence[tuple[int, int]]:
    return [
        (servo.memory.get(Reg.TORQUE), signed(servo.memory.get(Reg.GOAL_POSITION), 15))
        for line in rig.lines
        for servo in line.bus.servos
    ]
