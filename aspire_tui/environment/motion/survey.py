"""Keeps a bench's obstacle map up to date from its pictures, and knows what the hand holds."""

from __future__ import annotations

import numpy as np

from aspire_tui.environment.bench import Holding, View, Workbench, held_shift_m
from aspire_tui.environment.motion.collision import HeldBox, StillArm
from aspire_tui.environment.motion.obstacles import GROW_M, ObstacleMap, Region
from aspire_tui.environment.motion.planner import NEAR_M, Planner
from aspire_tui.environment.motion.pose import FloatArray, invert, pose_matrix
from aspire_tui.environment.motion.silhouette import Outline, Silhouette, TeamOutline

HELD_SHRINK_M = 0.005
"""A held thing is taken this much smaller than it was seen: its own support was seen with it."""

HELD_MARGIN_M = 0.02
CLEAR_M = 0.12
"""From this far the hand no longer hides where it gripped or let go."""


def survey(bench: Workbench) -> ObstacleMap:
    """Enter what the cameras saw since things last moved, looking once more where needed.

    After a grip or a contact the first look is past the hand; the next follows once the hand has
    left the place and no longer hides what it did there.
    """
    seen = _map_of(bench)
    _enter(bench, seen)
    if _needs_look(bench, seen):
        for camera in bench.cell.info.cameras:
            if camera.mount == "base" and camera.depth:
                bench.look(camera.name)
        _enter(bench, seen)
    return seen


def _map_of(bench: Workbench) -> ObstacleMap:
    if bench.obstacles is None:
        outline: Outline = Silhouette(bench.arm)
        if bench.team:
            outline = TeamOutline([b.arm for b in bench.team])
        bench.obstacles = ObstacleMap(bench.cell.info.workspace, outline)
    return bench.obstacles


def enter(bench: Workbench, centre_m: FloatArray, extent_m: FloatArray) -> None:
    """Enter a thing that was located without depth; what nobody asked for stays unknown.

    Its box is taken upright and round: as wide as its diagonal would be too much to pass by.
    """
    for each in bench.benches:
        _map_of(each).put(centre_m, float(np.max(extent_m[:2])) / 2, float(extent_m[2]) / 2)


def _enter(bench: Workbench, seen: ObstacleMap) -> None:
    for view in bench.views_since(bench.changed_s):
        if view.frame.depth is None or view.q_rad is None or seen.has(view):
            continue
        # On the hand itself, what is held fills the picture and the joints' errors count double.
        if view.frame.mount != "base" and bench.of_arm(view.frame.mount).holding is not None:
            continue
        hidden = [h for b in bench.benches if (h := _held_pose(b, view)) is not None]
        seen.add(view, view.q_rad, hidden=hidden)


def _needs_look(bench: Workbench, seen: ObstacleMap) -> bool:
    if seen.overview is None or seen.overview[0] < bench.changed_s:
        return True
    if bench.changed_at is None:
        return False
    hand = bench.of_arm(bench.changed_by)
    then, now = (
        float(np.linalg.norm(hand.kinematics.tool_pose(q)[:3, 3] - bench.changed_at))
        for q in (hand.own_part(seen.overview[1]), hand.joints())
    )
    return then < CLEAR_M <= now


def planner(bench: Workbench, T_base_target: FloatArray, *, alone: bool = False) -> Planner:
    """A planner among what was seen, for a move from where the arm is to a tool pose.

    Args:
        alone: The cell's other arms move too, and are looked after elsewhere.
    """
    start = bench.kinematics.tool_pose(bench.joints_commanded())
    # Boxes are grown; what they add must not reach back into what may be touched.
    near = tuple(
        Region(float(T[0, 3]), float(T[1, 3]), NEAR_M + GROW_M) for T in (start, T_base_target)
    )
    holding = bench.holding
    world = bench.kinematics.shape.among(
        survey(bench).boxes(near),
        table_z_m=bench.table_z_m,
        width_m=bench.width_m(),
        held=None if holding is None else holding.box,
        neighbours=() if alone else [still(b) for b in bench.others],
    )
    return Planner(bench.kinematics, world, bench.cell.info.workspace, bench.rng)


def still(bench: Workbench) -> StillArm:
    """An arm where it stands now, with what it holds, as something others must not touch."""
    holding = bench.holding
    return StillArm(
        bench.arm.name,
        bench.kinematics.shape,
        bench.joints(),
        bench.width_m(),
        None if holding is None else holding.box,
    )


def grasped(bench: Workbench, width_m: float, force_N: float) -> Holding:
    """What the fingers have closed on: the seen thing at the tool, taken out of the map."""
    T = bench.kinematics.hand_pose(bench.joints())
    x, y = float(T[0, 3]), float(T[1, 3])
    box = None
    if bench.team:
        survey(bench)
    if bench.obstacles is not None:
        seen = bench.obstacles.extent(x, y, NEAR_M)
        if seen is not None:
            half = tuple(max(HELD_SHRINK_M, h - HELD_SHRINK_M) for h in seen.half_m)
            T_base_box = pose_matrix(np.array(seen.centre_m), np.array((1.0, 0.0, 0.0, 0.0)))
            # A one-sided jaw has moved it since it was seen, against the fixed one.
            T_base_box[:3, 3] += held_shift_m(bench.arm.gripper, width_m) * T[:3, 1]
            box = HeldBox(invert(T) @ T_base_box, (half[0], half[1], half[2]))
            reach = float(np.hypot(*seen.half_m[:2])) + HELD_MARGIN_M
            gone = Region(seen.centre_m[0], seen.centre_m[1], reach)
            for each in bench.benches:
                if each.obstacles is not None:
                    each.obstacles.forget(gone)
    return Holding(width_m, bench.cell.now_s(), force_N, box)


def _held_pose(bench: Workbench, view: View) -> tuple[FloatArray, FloatArray] | None:
    """Pose and half extents of what is held, where it was when a picture was taken."""
    holding = bench.holding
    if holding is None or holding.box is None or view.q_rad is None:
        return None
    T = bench.kinematics.hand_pose(bench.own_part(view.q_rad)) @ holding.box.T_tool_box
    return T, np.array(holding.box.half_m) + HELD_MARGIN_M
