"""Ends in the air that two arms leave: who holds a thing, and how high. Pure."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from aspire_tui.environment.draw import Placed
from aspire_tui.environment.near_end import End, Kind, Maker, near
from aspire_tui.environment.task import Relation, TaskDef
from drivers.sim.scene import SceneSpec

FIRST: Final = (0,)
SECOND: Final = (1,)
BOTH: Final = (0, 1)
LEAST_M: Final = 0.10


def _height(kind: Kind, least: float, rng: np.random.Generator) -> float:
    if kind == "good":
        return least + float(rng.uniform(0.015, 0.08))
    if kind == "near":
        return near(rng, least)
    return float(rng.uniform(0.0, 0.8)) * least


def _both(
    task: TaskDef,
    r: Relation,
    at: dict[str, Placed],
    spec: SceneSpec,
    kind: Kind,
    rng: np.random.Generator,
) -> End:
    """By both hands; spoilt by height, by one hand that is not there, or not begun at all."""
    least = LEAST_M if r.value_m is None else r.value_m
    how = int(rng.integers(3)) if kind == "bad" else 0
    if how == 2:
        return End(spec)
    if how == 1:
        return End(spec, r.object, least + 0.04, arms=FIRST)
    return End(spec, r.object, _height(kind, least, rng), arms=BOTH)


def _handed(
    task: TaskDef,
    r: Relation,
    at: dict[str, Placed],
    spec: SceneSpec,
    kind: Kind,
    rng: np.random.Generator,
) -> End:
    """In the second hand, before which it is laid; spoilt by height, or still in the first one."""
    least = LEAST_M if r.value_m is None else r.value_m
    how = int(rng.integers(3)) if kind == "bad" else 0
    if how == 2:
        return End(spec)
    if how == 1:
        return End(spec, r.object, least + 0.04, arms=FIRST)
    across = tuple(
        msgspec.structs.replace(o, xyz_m=(o.xyz_m[0], -o.xyz_m[1], o.xyz_m[2]))
        if o.name == r.object
        else o
        for o in spec.objects
    )
    moved = msgspec.structs.replace(spec, objects=across)
    return End(moved, r.object, _height(kind, least, rng), arms=SECOND)


MAKERS: Final[dict[str, Maker]] = {"raised_by_both": _both, "handed_over": _handed}
