"""One end that a verifier is asked about: a scene, and who holds what its goal lifts. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from aspire_tui.environment.draw import Placed
from aspire_tui.environment.task import Relation
from drivers.sim.scene import SceneSpec

NEAR_M = 0.005
"""So near a criterion is a near miss, or a near success."""

Kind = str


@dataclass(frozen=True)
class End:
    """How a trial is to have ended: the scene, and how the hand holds what the goal lifts."""

    spec: SceneSpec
    held: str = ""
    height_m: float = 0.0
    """Clearance under what is held."""
    tilt_rad: float = 0.0
    arms: tuple[int, ...] = (0,)
    """Which arms hold it, by number."""


class NoSuchEnd(ValueError):
    """This kind of end cannot be set for a relation."""


@dataclass(frozen=True)
class Wanted:
    """What an end is to be: how one relation of the goal is to have ended in a scene."""

    relation: Relation
    at: dict[str, Placed]
    """Where the start was drawn, by the thing's name."""
    spec: SceneSpec
    kind: Kind
    rng: np.random.Generator

    @property
    def thing(self) -> Placed:
        return self.at[self.relation.object]

    @property
    def target(self) -> Placed:
        return self.at[self.relation.target]


Maker = Callable[[Wanted], End]


def near(rng: np.random.Generator, limit: float, spread: float = NEAR_M) -> float:
    """Within a few millimetres of a limit, on either side."""
    return limit + float(rng.uniform(-spread, spread))
