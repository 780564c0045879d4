"""Scenes that end well, badly, or within a few millimetres of either, for judging a verifier. Pure.

Each starts from a drawn start of the task and says where things are to lie instead, as a program
could have left them. What they are then is for physics and the referee to say.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import msgspec
import numpy as np

from aspire_tui.environment.draw import Placed
from aspire_tui.environment.footprint import patches_of
from aspire_tui.environment.near_end import End, Kind, Maker, NoSuchEnd, Wanted, near
from aspire_tui.environment.near_misses_held import MAKERS as BY_TWO_ARMS
from aspire_tui.environment.perception.outlines import coverage
from aspire_tui.environment.relations_moved import LEFT, OPEN_M, SHUT_M
from aspire_tui.environment.relations_placed import COVERED, floor_m
from aspire_tui.environment.task import TaskDef
from drivers.sim.scene import SceneSlide, SceneSpec

KINDS: Final = ("good", "near", "bad")


def end_of(
    task: TaskDef, placed: list[Placed], spec: SceneSpec, kind: Kind, rng: np.random.Generator
) -> End:
    """An end of the given kind; of several relations in a goal one drawn at random is spoilt.

    Raises:
        NoSuchEnd: A relation of the goal has no maker.
    """
    spoilt = int(rng.integers(len(task.goal)))
    at = {p.thing.name: p for p in placed}
    end = End(spec)
    for i, r in enumerate(task.goal):
        if r.relation not in MAKERS:
            raise NoSuchEnd(f"ends of the relation {r.relation!r} are not known")
        own = kind if i == spoilt else "good"
        made = MAKERS[r.relation](Wanted(r, at, end.spec, own, rng))
        held = made if made.held else replace(end, spec=made.spec)
        end = held
    return end


def _moved(spec: SceneSpec, name: str, x: float, y: float, z: float, yaw: float) -> SceneSpec:
    things = tuple(
        msgspec.structs.replace(o, xyz_m=(x, y, z), yaw_rad=yaw) if o.name == name else o
        for o in spec.objects
    )
    return msgspec.structs.replace(spec, objects=things)


def _direction(rng: np.random.Generator) -> tuple[float, float]:
    angle = float(rng.uniform(-np.pi, np.pi))
    return float(np.cos(angle)), float(np.sin(angle))


def _on(w: Wanted) -> End:
    base, top = w.target, w.thing
    table = base.xyz_m[2] - base.thing.size_m[2] / 2
    limit = 0.5 * max(base.thing.size_m[:2])
    u, v = _direction(w.rng)
    # What stood on something at the start is out of the way.
    low = table + base.thing.size_m[2] / 2
    spec = _moved(w.spec, w.relation.target, base.xyz_m[0], base.xyz_m[1], low, base.yaw_rad)
    stacked = table + base.thing.size_m[2] + top.thing.size_m[2] / 2 + 0.001
    lying = table + top.thing.size_m[2] / 2 + 0.001
    if w.kind == "good":
        off, z = float(w.rng.uniform(0, 0.6)) * limit, stacked
    elif w.kind == "near":
        off, z = near(w.rng, limit), stacked
    else:
        how = int(w.rng.integers(3))
        off = float(w.rng.uniform(1.5, 3.5)) * 2 * limit
        z = lying
        if how == 1:
            off = 2.1 * limit * (1 if w.rng.random() < 0.5 else 1.3)
        elif how == 2:
            # The other way round: what should be below is on top.
            spec = _moved(spec, w.relation.object, base.xyz_m[0], base.xyz_m[1], lying, top.yaw_rad)
            other = table + top.thing.size_m[2] + base.thing.size_m[2] / 2 + 0.001
            return End(
                _moved(spec, w.relation.target, base.xyz_m[0], base.xyz_m[1], other, base.yaw_rad)
            )
    x, y = base.xyz_m[0] + off * u, base.xyz_m[1] + off * v
    return End(_moved(spec, w.relation.object, x, y, z, float(w.rng.uniform(-np.pi, np.pi))))


def _held(w: Wanted) -> End:
    least = w.relation.value_m if w.relation.value_m is not None else 0.04
    if w.kind == "good":
        return End(w.spec, w.relation.object, least + float(w.rng.uniform(0.012, 0.08)))
    if w.kind == "near":
        if w.relation.relation == "upright_above" and w.rng.random() < 0.5:
            tilt = float(np.deg2rad(20.0 + w.rng.uniform(-6, 8)))
            return End(w.spec, w.relation.object, least + 0.06, tilt)
        return End(w.spec, w.relation.object, near(w.rng, least))
    if w.rng.random() < 0.4:
        return End(w.spec)
    return End(w.spec, w.relation.object, float(w.rng.uniform(0.0, 0.8)) * least)


def _covers(w: Wanted) -> End:
    target, block = w.target, w.thing
    patches = patches_of(block.thing)
    least = COVERED if w.relation.share is None else w.relation.share
    goal = (target.xyz_m[0], target.xyz_m[1], target.yaw_rad)
    pose = goal
    for _ in range(200):
        u, v = _direction(w.rng)
        if w.kind == "bad":
            off, turn = float(w.rng.uniform(0.02, 0.12)), float(w.rng.uniform(-np.pi, np.pi))
            if w.rng.random() < 0.3:
                off, turn = 0.0, float(w.rng.choice([np.pi, np.pi / 2, -np.pi / 2]))
        else:
            off, turn = float(w.rng.uniform(0, 0.014)), float(w.rng.uniform(-0.15, 0.15))
        pose = (goal[0] + off * u, goal[1] + off * v, goal[2] + turn)
        share = coverage(patches, goal, pose, 0.002)
        if (w.kind == "good" and share > least + 0.04) or (
            w.kind == "near" and abs(share - least) < 0.06
        ):
            break
        if w.kind == "bad" and share < least - 0.15:
            break
    z = block.xyz_m[2] + 0.001
    return End(_moved(w.spec, w.relation.object, pose[0], pose[1], z, pose[2]))


def _around(w: Wanted) -> End:
    peg, nut = w.target, w.thing
    table = peg.xyz_m[2] - peg.thing.size_m[2] / 2
    lying = table + nut.thing.size_m[2] / 2 + 0.001
    u, v = _direction(w.rng)
    yaw = float(w.rng.uniform(-np.pi, np.pi))
    if w.kind == "good":
        off, z = float(w.rng.uniform(0, 0.008)), lying
    elif w.kind == "near" and w.rng.random() < 0.5:
        # On top of the peg, or caught half-way down it.
        off = float(w.rng.uniform(0.008, 0.035))
        z = table + peg.thing.size_m[2] + nut.thing.size_m[2] / 2 + 0.002
    else:
        # Beside the peg, as near as it can lie.
        reach = 0.5 * max(p.wide_m for p in patches_of(nut.thing)) + 0.5 * peg.thing.size_m[0]
        off = reach * 1.05 + (0.0 if w.kind == "near" else float(w.rng.uniform(0.02, 0.1)))
        off, z = off * (1.42 if w.kind == "near" and w.rng.random() < 0.3 else 1.0), lying
    x, y = peg.xyz_m[0] + off * u, peg.xyz_m[1] + off * v
    if w.kind == "near" and z == lying:
        yaw = float(np.arctan2(v, u)) + float(w.rng.choice([0.0, np.pi / 2, -np.pi / 2]))
    return End(_moved(w.spec, w.relation.object, x, y, z, yaw))


def _drawn(w: Wanted) -> End:
    rail = w.thing.thing.rail
    if rail is None:
        raise NoSuchEnd(f"{w.relation.object!r} runs on no rail")
    if w.relation.relation == "opened":
        least = OPEN_M if w.relation.value_m is None else w.relation.value_m
        value = {
            "good": float(w.rng.uniform(least + 0.006, rail.reach_m)),
            "near": near(w.rng, least),
            "bad": float(w.rng.uniform(0.0, least - 0.008)),
        }[w.kind]
    else:
        most = SHUT_M if w.relation.value_m is None else w.relation.value_m
        value = {
            "good": float(w.rng.uniform(0.0, most - 0.006)),
            "near": near(w.rng, most),
            "bad": float(w.rng.uniform(most + 0.008, rail.reach_m)),
        }[w.kind]
    slide = SceneSlide(rail.reach_m, rail.friction_N, float(np.clip(value, 0, rail.reach_m)))
    things = tuple(
        msgspec.structs.replace(o, slide=slide) if o.name == w.relation.object else o
        for o in w.spec.objects
    )
    return End(msgspec.structs.replace(w.spec, objects=things))


def _in(w: Wanted) -> End:
    tray, thing = w.target, w.thing
    floor = max(tray.thing.parts, key=lambda p: p.size_m[0] * p.size_m[1])
    table = tray.xyz_m[2] - tray.thing.size_m[2] / 2
    radius = max(thing.thing.size_m[:2]) / 2
    high = table + floor_m(tray.thing) + thing.thing.size_m[2] / 2 + 0.001
    low = table + thing.thing.size_m[2] / 2 + 0.001
    room = np.array([floor.size_m[0] / 2, floor.size_m[1] / 2]) - radius - 0.008
    if w.kind == "good":
        u, v = w.rng.uniform(-room, room)
        z = high
    elif w.kind == "near":
        # Against the outside of the frame, or on its rim.
        outside = floor.size_m[1] / 2 + 0.016 + radius
        u = float(w.rng.uniform(-room[0], room[0]))
        side = 1 if w.rng.random() < 0.5 else -1
        rim = bool(w.rng.random() < 0.4)
        v = side * (outside - (0.02 if rim else 0.0))
        z = low + (table + tray.thing.size_m[2] if rim else 0.0)
    else:
        return End(w.spec)
    c, s = np.cos(tray.yaw_rad), np.sin(tray.yaw_rad)
    x, y = tray.xyz_m[0] + c * u - s * v, tray.xyz_m[1] + s * u + c * v
    return End(_moved(w.spec, w.relation.object, float(x), float(y), float(z), 0.0))


def _wiped(w: Wanted) -> End:
    film = w.spec.film
    if film is None:
        raise NoSuchEnd("nothing is spilt in this task")
    most = LEFT if w.relation.share is None else w.relation.share
    cells = np.arange(film.cells)
    rows = cells % film.rows
    # A missed strip along one edge, or a patch in the middle; one cell is 1 cm.
    share = {
        "good": float(w.rng.uniform(0.0, 0.5)) * most,
        "near": most + float(w.rng.uniform(-1.0, 1.5)) / film.rows,
        "bad": float(w.rng.uniform(most + 0.1, 1.0)),
    }[w.kind]
    order = cells[np.lexsort((w.rng.random(film.cells), rows if w.rng.random() < 0.5 else -rows))]
    if w.rng.random() < 0.4:
        middle = film.centres() - film.centres()[int(w.rng.integers(film.cells))]
        order = cells[np.argsort(np.hypot(*middle.T))]
    left = order[: max(0, round(share * film.cells))]
    gone = tuple(int(c) for c in np.setdiff1d(cells, left))
    spec = msgspec.structs.replace(w.spec, film=msgspec.structs.replace(film, gone=gone))
    if w.kind != "good" and w.rng.random() < 0.2:
        # The sponge lies on what it should have wiped: nobody can see there.
        wiper = w.at[film.wiper]
        x, y = film.centres()[int(left[0])] if len(left) else film.centres()[0]
        return End(_moved(spec, film.wiper, float(x), float(y), wiper.xyz_m[2] + 0.004, 0.0))
    return End(spec)


MAKERS: Final[dict[str, Maker]] = {
    "on": _on,
    "rests_on": _on,
    "lifted": _held,
    "upright_above": _held,
    "covers": _covers,
    "around": _around,
    "opened": _drawn,
    "shut": _drawn,
    "in": _in,
    "wiped": _wiped,
    **BY_TWO_ARMS,
}
