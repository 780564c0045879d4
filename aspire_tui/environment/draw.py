"""Draws the start of a task for a seed: where everything lies, and the scene that has it there."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from aspire_tui.environment.task import ObjectDef, PartDef, Start, TaskDef
from drivers.sim.film import CELL_M, Film
from drivers.sim.scene import PRINT_M, SceneObject, ScenePart, SceneSlide, SceneSpec

COLOURS: dict[str, tuple[float, float, float]] = {
    "red": (0.78, 0.12, 0.10),
    "green": (0.10, 0.58, 0.18),
    "blue": (0.10, 0.25, 0.75),
    "yellow": (0.88, 0.76, 0.10),
    "purple": (0.45, 0.16, 0.58),
    "orange": (0.90, 0.45, 0.08),
    "white": (0.92, 0.92, 0.92),
    "black": (0.07, 0.07, 0.07),
    "grey": (0.5, 0.5, 0.5),
    "brown": (0.42, 0.26, 0.13),
    "pink": (0.92, 0.50, 0.62),
    "cyan": (0.12, 0.70, 0.75),
}


class ResetImpossible(Exception):
    """No scene fits the task's own rules."""


@dataclass(frozen=True)
class Placed:
    """Where the reset put one thing: centre, base frame, metres, and yaw."""

    thing: ObjectDef
    xyz_m: tuple[float, float, float]
    yaw_rad: float


def draw(
    task: TaskDef, seed: int, attempt: int, table_z_m: float
) -> tuple[list[Placed], SceneSpec]:
    """Draw a scene for a seed. The same seed and attempt give the same scene, on any machine."""
    rng = np.random.default_rng([seed, zlib.crc32(task.name.encode()), attempt])
    placed: dict[str, Placed] = {}
    discs: list[tuple[float, float, float]] = []
    spill = _film(task, rng, discs, table_z_m)
    stacked = {r.object: r.target for r in task.start.relations if r.relation == "on"}
    _placed_apart(task, rng, placed, discs, table_z_m)
    order = [o for o in task.objects if o.name not in stacked and o.name not in placed]
    order += [o for o in task.objects if o.name in stacked]
    for thing in order:
        yaw = float(rng.uniform(*task.start.yaw_rad))
        if thing.name in stacked:
            below = placed[stacked[thing.name]]
            z = below.xyz_m[2] + (below.thing.size_m[2] + thing.size_m[2]) / 2
            placed[thing.name] = Placed(thing, (below.xyz_m[0], below.xyz_m[1], z), yaw)
            continue
        x, y = _free_spot(task, rng, _radius(thing.size_m), discs)
        discs.append((x, y, _radius(thing.size_m)))
        placed[thing.name] = Placed(thing, (x, y, table_z_m + thing.size_m[2] / 2), yaw)
    for place in task.start.recalled:
        was = placed[place.name]
        placed[place.name] = Placed(was.thing, place.xyz_m, place.yaw_rad)
    others = _distractors(task, rng, discs, table_z_m)
    objects = tuple(
        SceneObject(
            name=p.thing.name,
            shape=p.thing.shape,
            size_m=p.thing.size_m,
            rgb=COLOURS[p.thing.colour],
            mass_kg=p.thing.mass_kg,
            xyz_m=p.xyz_m,
            yaw_rad=p.yaw_rad,
            friction=p.thing.friction,
            parts=tuple(_part(part) for part in p.thing.parts),
            hold=p.thing.hold,
            slide=_slide(p.thing),
        )
        for p in placed.values()
    )
    seeds = rng.integers(0, 2**31, size=2)
    spec = SceneSpec(
        base_pose=_base_pose(task.start, rng),
        objects=objects,
        distractors=others,
        appearance_seed=int(seeds[0]),
        noise_seed=int(seeds[1]),
        film=spill,
    )
    return list(placed.values()), spec


def _base_pose(start: Start, rng: np.random.Generator) -> tuple[float, float, float] | None:
    """Where a base that drives starts; None leaves it where the cell says."""
    if start.base_x_m is None or start.base_y_m is None:
        return None
    x, y = float(rng.uniform(*start.base_x_m)), float(rng.uniform(*start.base_y_m))
    return x, y, float(rng.uniform(*start.base_yaw_rad))


def _part(part: PartDef) -> ScenePart:
    rgb = COLOURS[part.colour] if part.colour else None
    return ScenePart(part.shape, part.size_m, part.xyz_m, part.yaw_rad, rgb)


def _slide(thing: ObjectDef) -> SceneSlide | None:
    if thing.rail is None:
        return None
    return SceneSlide(reach_m=thing.rail.reach_m, friction_N=thing.rail.friction_N)


def _film(
    task: TaskDef,
    rng: np.random.Generator,
    discs: list[tuple[float, float, float]],
    table_z_m: float,
) -> Film | None:
    """What is spilt, with the table under it taken."""
    spill = task.spill
    if spill is None:
        return None
    lo = (float(rng.uniform(*spill.x_m)), float(rng.uniform(*spill.y_m)))
    long, wide = spill.columns * CELL_M, spill.rows * CELL_M
    discs.append((lo[0] + long / 2, lo[1] + wide / 2, float(np.hypot(long, wide)) / 2))
    return Film(
        name="spill",
        lo_m=lo,
        columns=spill.columns,
        rows=spill.rows,
        z_m=table_z_m,
        rgb=COLOURS[spill.colour],
        wiper=spill.wiper,
    )


def _placed_apart(
    task: TaskDef,
    rng: np.random.Generator,
    placed: dict[str, Placed],
    discs: list[tuple[float, float, float]],
    table_z_m: float,
) -> None:
    """Things with a place of their own, and those mounted on them."""
    for thing in task.objects:
        if thing.mount:
            base = placed[thing.mount]
            xyz = (base.xyz_m[0], base.xyz_m[1], table_z_m + thing.size_m[2] / 2)
            placed[thing.name] = Placed(thing, xyz, base.yaw_rad)
            continue
        if thing.place is None:
            continue
        yaw = float(rng.uniform(*thing.place.yaw_rad))
        x, y = _spot_in(task, rng, thing.place.x_m, thing.place.y_m, _radius(thing.size_m), discs)
        discs.append((x, y, _radius(thing.size_m)))
        height = PRINT_M if thing.hold == "printed" else thing.size_m[2]
        placed[thing.name] = Placed(thing, (x, y, table_z_m + height / 2), yaw)


def _radius(size: tuple[float, float, float]) -> float:
    return float(np.hypot(size[0], size[1])) / 2


def _free_spot(
    task: TaskDef, rng: np.random.Generator, radius: float, discs: list[tuple[float, float, float]]
) -> tuple[float, float]:
    return _spot_in(task, rng, task.start.x_m, task.start.y_m, radius, discs)


def _spot_in(
    task: TaskDef,
    rng: np.random.Generator,
    x_m: tuple[float, float],
    y_m: tuple[float, float],
    radius: float,
    discs: list[tuple[float, float, float]],
) -> tuple[float, float]:
    for _ in range(400):
        x, y = float(rng.uniform(*x_m)), float(rng.uniform(*y_m))
        if all(np.hypot(x - a, y - b) > radius + r + task.start.gap_m for a, b, r in discs):
            return x, y
    raise ResetImpossible(
        f"task {task.name}: no free spot in x {x_m}, y {y_m} "
        f"for {len(discs) + 1} things with a gap of {task.start.gap_m} m"
    )


def _distractors(
    task: TaskDef,
    rng: np.random.Generator,
    discs: list[tuple[float, float, float]],
    table_z_m: float,
) -> tuple[SceneObject, ...]:
    named = {o.colour for o in task.objects}
    colours = [c for c in task.distractors.colours if c not in named]
    lo, hi = task.distractors.count
    out = []
    for i in range(int(rng.integers(lo, hi + 1)) if colours else 0):
        side = float(rng.uniform(*task.distractors.size_m))
        size = (side, side, side * float(rng.uniform(0.6, 1.2)))
        try:
            x, y = _free_spot(task, rng, _radius(size), discs)
        except ResetImpossible:
            break
        discs.append((x, y, _radius(size)))
        out.append(
            SceneObject(
                name=f"distractor {i + 1}",
                shape="cylinder" if rng.random() < 0.5 else "box",
                size_m=size,
                rgb=COLOURS[colours[int(rng.integers(len(colours)))]],
                mass_kg=0.05,
                xyz_m=(x, y, table_z_m + size[2] / 2),
                yaw_rad=float(rng.uniform(-3.14, 3.14)),
            )
        )
    return tuple(out)
