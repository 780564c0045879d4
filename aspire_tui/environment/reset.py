"""Brings the scene to a task's start and proves it, with a verdict of its own.

A simulated cell is set through its stand-in socket; what was set is then checked by the cameras
like on any cell, against where the reset procedure put things (not against simulator truth).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from aspire_tui.domain import Check, ResetOutcome, ResetVerdict
from aspire_tui.environment.bench import View, Workbench
from aspire_tui.environment.parking import park
from aspire_tui.environment.perception.objects import ObjectEstimate, locate
from aspire_tui.environment.relations import judge_range
from aspire_tui.environment.task import ObjectDef, TaskDef
from drivers.errors import CellRefused
from drivers.sim.scene import SceneObject, SceneSpec

PLACED_M = 0.04
"""How far from its place a camera may see a thing before the reset counts as failed."""

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


SEEN_AFTER_S = 0.4
"""So long after a scene was set every camera of a cell on the wall clock shows it."""


class Setter(Protocol):
    """The part of a stand-in a reset needs. No hardware host offers it."""

    def reset_scene(self, spec: SceneSpec) -> str: ...


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
    stacked = {r.object: r.target for r in task.start.relations if r.relation == "on"}
    order = [o for o in task.objects if o.name not in stacked]
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
        )
        for p in placed.values()
    )
    seeds = rng.integers(0, 2**31, size=2)
    spec = SceneSpec(
        objects=objects,
        distractors=others,
        appearance_seed=int(seeds[0]),
        noise_seed=int(seeds[1]),
    )
    return list(placed.values()), spec


def _radius(size: tuple[float, float, float]) -> float:
    return float(np.hypot(size[0], size[1])) / 2


def _free_spot(
    task: TaskDef, rng: np.random.Generator, radius: float, discs: list[tuple[float, float, float]]
) -> tuple[float, float]:
    for _ in range(400):
        x, y = float(rng.uniform(*task.start.x_m)), float(rng.uniform(*task.start.y_m))
        if all(np.hypot(x - a, y - b) > radius + r + task.start.gap_m for a, b, r in discs):
            return x, y
    raise ResetImpossible(
        f"task {task.name}: no free spot in x {task.start.x_m}, y {task.start.y_m} "
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


def reset(
    task: TaskDef, seed: int, bench: Workbench, setter: Setter, attempt: int
) -> tuple[ResetVerdict, str]:
    """Set the scene for a seed and verify it by the cameras.

    A simulated arm is put home with the scene; any other goes there itself first.

    Returns:
        The verdict of this attempt and the hash of the scene that was set.
    """
    placed, spec = draw(task, seed, attempt, bench.table_z_m)
    if bench.cell.info.kind != "sim":
        bench.forget()
        stuck = park(bench)
        if stuck:
            return _not_set(task, attempt, f"the arm did not go home: {stuck}"), ""
    try:
        scene = setter.reset_scene(spec)
    except CellRefused as refused:
        return _not_set(task, attempt, f"the scene was not set: {refused.text}"), ""
    bench.forget()
    if bench.cell.info.kind != "sim":
        bench.cell.wait(SEEN_AFTER_S)
    return verify_reset(task, placed, bench, attempt), scene


def _not_set(task: TaskDef, attempt: int, reason: str) -> ResetVerdict:
    return ResetVerdict("failed", attempt, task.start.attempts, (), reason, ())


def verify_reset(
    task: TaskDef, placed: list[Placed], bench: Workbench, attempt: int
) -> ResetVerdict:
    """Is every thing where the task wants it, seen by a camera, with an empty gripper?"""
    view = bench.look(task.cameras[0])
    checks = [_gripper_check(bench.benches)]
    covered = {r.target for r in task.start.relations if r.relation == "on"}
    for p in placed:
        if p.thing.name in covered:
            continue
        checks.append(_place_check(view, p, bench))
    outcome, reason = _conclude(checks)
    return ResetVerdict(
        outcome=outcome,
        attempt=attempt,
        of=task.start.attempts,
        checks=tuple(checks),
        reason=reason,
        keyframes=(bench.evidence.keyframe(view),),
    )


def _gripper_check(benches: Sequence[Workbench]) -> Check:
    """Judged by the gripper that presses hardest."""
    force_N = max(bench.sample().grip_force_N for bench in benches)
    return judge_range("gripper empty", "gripper", force_N, "N", None, 2.0, sd=0.0)


def _place_check(view: View, p: Placed, bench: Workbench) -> Check:
    name = f"{p.thing.name} in place"
    found = locate([view], p.thing.name, table_z_m=bench.table_z_m)
    if not isinstance(found, ObjectEstimate):
        return judge_range(name, view.camera, None, "m", None, PLACED_M, sd=0.0, why=found.reason)
    off = float(np.hypot(found.position[0] - p.xyz_m[0], found.position[1] - p.xyz_m[1]))
    return judge_range(name, view.camera, off, "m", None, PLACED_M, sd=0.0)


def _conclude(checks: list[Check]) -> tuple[ResetOutcome, str]:
    if checks[0].outcome == "FAIL":
        return "unsafe_held_object", "the gripper presses on something; nothing was moved"
    for c in checks:
        if c.outcome == "FAIL":
            return "failed", f"{c.name}: {c.value} {c.unit}, at most {c.hi} ({c.source})"
    unseen = [c for c in checks if c.outcome == "UNSURE"]
    if unseen:
        return "unsure", f"{unseen[0].name}: {unseen[0].why} ({unseen[0].source})"
    return "ok", f"{len(checks)} checks passed"
