"""What only a simulation can do, for an emulated cell: things are set out by an unseen hand.

Unlike in a plain stand-in the arms stay where they are: a servo that was somewhere else a moment
ago would be a fault. Whoever resets a scene moves the arms out of the way first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from drivers.emu.loop import Loop
from drivers.emu.world_plant import InTheWay, WorldShafts
from drivers.errors import CellRefused
from drivers.sim.control import Answer
from drivers.sim.scene import SceneSpec
from drivers.sim.stand_in import StandIn
from drivers.sim.world import World

AT_REST_RAD_S: Final = 0.1


class EmulatedStandIn(StandIn):
    """Implements the calls of a stand-in from other threads; the bus goes on meanwhile."""

    def __init__(self, plant: WorldShafts, loop: Loop) -> None:
        super().__init__(plant.world)
        self._plant = plant
        self._loop = loop

    def reset_scene(self, spec: SceneSpec) -> str:
        """Put the things in place and let them settle; the arms stay. Returns the scene's hash.

        Raises:
            CellRefused: An arm moves, or stands where a thing is to be.
            ValueError: The scene cannot be built.
        """
        fresh, scene = self._prepare(spec)
        self._loop.call(lambda: self._take(fresh))
        return scene

    def truth(self) -> Any:
        """What is really so, now; as a :class:`~drivers.sim.stand_in.StandIn` says it."""
        return self._loop.call(super().truth)

    def set_speed(self, factor: float) -> None:
        """Raises ValueError for any pace but that of the wall clock."""
        if factor != 1.0:
            raise ValueError("an emulated cell runs at wall time: its servos have real clocks")

    def snapshot(self) -> bytes:
        return self._loop.call(lambda: self._plant.world.snapshot())

    def restore(self, snapshot: bytes) -> None:
        """Put the things back where they were; the arms stay."""
        fresh = self._plant.prepare_back(snapshot)
        self._loop.call(lambda: self._take(fresh))

    def _prepare(self, spec: SceneSpec) -> tuple[World, str]:
        try:
            return self._plant.prepare(spec)
        except InTheWay as error:
            raise CellRefused("in_the_way", str(error)) from None

    def _take(self, fresh: World) -> None:
        if any(abs(shaft.speed_rad_s) > AT_REST_RAD_S for shaft in self._plant.shafts):
            raise CellRefused("busy", "an arm is moving; wait until it rests")
        try:
            self._plant.take(fresh)
        except InTheWay as error:
            raise CellRefused("in_the_way", str(error)) from None
        self._world = fresh


def at_once(call: Callable[[], Answer]) -> Answer:
    """Run where one is: the calls above find the loop's thread themselves."""
    return call()
