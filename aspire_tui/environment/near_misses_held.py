"""Ends in the air that two arms leave: who holds a thing, and how high. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from aspire_tui.environment.near_end import End, Maker, Wanted, near
from drivers.sim.scene import SceneSpec

FIRST: Final = (0,)
SECOND: Final = (1,)
BOTH: Final = (0, 1)
LEAST_M: Final = 0.10


def _held(w: Wanted, spec: SceneSpec, arms: tuple[int, ...]) -> End:
    """Held by these arms; spoilt by height, by the first arm alone, or not begun at all."""
    least = LEAST_M if w.relation.value_m is None else w.relation.value_m
    how = int(w.rng.integers(3)) if w.kind == "bad" else 0
    if how == 2:
        return End(w.spec)
    if how == 1:
        return End(w.spec, w.relation.object, least + 0.04, arms=FIRST)
    if w.kind == "good":
        high = least + float(w.rng.uniform(0.015, 0.08))
    elif w.kind == "near":
        high = near(w.rng, least)
    else:
        high = float(w.rng.uniform(0.0, 0.8)) * least
    return End(spec, w.relation.object, high, arms=arms)


def _both(w: Wanted) -> End:
    """By both hands."""
    return _held(w, w.spec, BOTH)


def _handed(w: Wanted) -> End:
    """In the second hand, before which it is laid; spoilt, it may still be in the first one."""
    across = tuple(
        msgspec.structs.replace(o, xyz_m=(o.xyz_m[0], -o.xyz_m[1], o.xyz_m[2]))
        if o.name == w.relation.object
        else o
        for o in w.spec.objects
    )
    return _held(w, msgspec.structs.replace(w.spec, objects=across), SECOND)


MAKERS: Final[dict[str, Maker]] = {"raised_by_both": _both, "handed_over": _handed}
