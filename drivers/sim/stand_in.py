"""What only a simulated cell can do: set a scene, tell the truth, change its pace, go back in time.

No hardware host has one. Only a reset and the referee hold it.
"""

from __future__ import annotations

from collections.abc import Callable

from drivers.sim.scene import SceneSpec
from drivers.sim.truth import SceneTruth, read_truth
from drivers.sim.world import World


class StandIn:
    """Controls one world, between control ticks.

    ``before_change`` is called before the world is replaced and may refuse; ``after_change`` lets
    whoever drives the arms adopt where they are now.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.speed = 1.0
        """Simulated seconds per wall second, where the world is tied to the wall clock."""
        self.before_change: Callable[[], None] = _nothing
        self.after_change: Callable[[], None] = _nothing

    def reset_scene(self, spec: SceneSpec) -> str:
        """Put the arms home and the things in place, let them settle; returns the scene's hash.

        Raises:
            CellRefused: A motion is in flight.
            ValueError: The scene cannot be built.
        """
        self.before_change()
        scene = self._world.reset(spec)
        self.after_change()
        return scene

    def place_arm(self, arm: str, q_rad: tuple[float, ...], width_m: float) -> None:
        """Put an arm where another was measured to be.

        Raises:
            CellRefused: A motion is in flight.
            ValueError: Not as many joints as the arm has.
        """
        joints = len(self._world.arms[arm].setpoint.q_rad)
        if len(q_rad) != joints:
            raise ValueError(f"arm {arm} has {joints} joints, {len(q_rad)} were given")
        self.before_change()
        self._world.place_arm(arm, q_rad, width_m)
        self.after_change()

    def truth(self) -> SceneTruth:
        """What is really so, now."""
        return read_truth(self._world)

    def set_speed(self, factor: float) -> None:
        """Choose the pace of a hosted world, 0.1 to 10 times wall time."""
        if not 0.1 <= factor <= 10.0:
            raise ValueError(f"speed factor {factor} is outside 0.1 to 10")
        self.speed = factor

    def snapshot(self) -> bytes:
        """The whole world as bytes."""
        return self._world.snapshot()

    def restore(self, snapshot: bytes) -> None:
        """Go back to a snapshot; cell time runs on.

        Raises:
            CellRefused: A motion is in flight.
            ValueError: The bytes are not a snapshot of such a cell.
        """
        self.before_change()
        self._world.restore(snapshot)
        self.after_change()


def _nothing() -> None:
    return None
