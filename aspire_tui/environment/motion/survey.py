"""Keeps a bench's obstacle map up to date from its pictures, and knows what the hand holds."""

from __future__ import annotations

import numpy as np

from aspire_tui.environment.bench import Holding, View, Workbench
from aspire_tui.environment.motion.collision import HeldBox
from aspire_tui.environment.motion.obstacles import GROW_M, ObstacleMap, Region
from aspire_tui.environment.motion.planner import NEAR_M, Planner
from aspire_tui.environment.motion.pose import FloatArray, invert, pose_matrix
from aspire_tui.environment.motion.silhouette import Silhouette

HELD_SHRINK_M = 0.005
"""A held thing is taken this much smaller than it was seen: its own support was seen with it."""

HELD_MARGIN_M = 0.02


def survey(bench: Workbench) -> ObstacleMap:
    """Enter what the cameras saw since the last time, looking once more if things may have moved.

    A picture counts only if it was taken after the last grip or contact.
    """
    if bench.obstacles is None:
        silhouette = Silhouette(bench.arm)
        bench.obstacles = ObstacleMap(bench.cell.info.workspace, silhouette)
    seen = bench.obstacles
    if max(seen.seen_s, _newest(bench)) <= bench.changed_s:
        for camera in bench.cell.info.cameras:
            if camera.mount == "base" and camera.depth:
                bench.look(camera.name)
    for view in bench.views_since(seen.seen_s):
        if view.frame.depth is None or view.q_rad is None:
            continue
        # On the hand itself, what is held fills the picture and the joints' errors count double.
        if view.frame.mount != "base" and bench.holding is not None:
            continue
        seen.add(view, view.q_rad, hidden=_held_pose(bench, view))
    return seen


def planner(bench: Workbench, T_base_target: FloatArray) -> Planner:
    """A planner among what was seen, for a move from where the arm is to a tool pose."""
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
    )
    return Planner(bench.kinematics, world, bench.cell.info.workspace, bench.rng)


def grasped(bench: Workbench, width_m: float, force_N: float) -> Holding:
    """What the fingers have closed on: the seen thing at the tool, taken out of the map."""
    T = bench.kinematics.tool_pose(bench.joints())
    x, y = float(T[0, 3]), float(T[1, 3])
    box = None
    if bench.obstacles is not None:
        seen = bench.obstacles.extent(x, y, NEAR_M)
        if seen is not None:
            half = tuple(max(HELD_SHRINK_M, h - HELD_SHRINK_M) for h in seen.half_m)
            T_base_box = pose_matrix(np.array(seen.centre_m), np.array((1.0, 0.0, 0.0, 0.0)))
            box = HeldBox(invert(T) @ T_base_box, (half[0], half[1], half[2]))
            reach = float(np.hypot(*seen.half_m[:2])) + HELD_MARGIN_M
            bench.obstacles.forget(Region(seen.centre_m[0], seen.centre_m[1], reach))
    return Holding(width_m, bench.cell.now_s(), force_N, box)


def _newest(bench: Workbench) -> float:
    views = bench.views_since(bench.changed_s)
    times = [v.frame.t_s for v in views if v.frame.mount == "base" and v.frame.depth is not None]
    return max(times, default=-np.inf)


def _held_pose(bench: Workbench, view: View) -> tuple[FloatArray, FloatArray] | None:
    """Pose and half extents of what is held, where it was when a picture was taken."""
    holding = bench.holding
    if holding is None or holding.box is None or view.q_rad is None:
        return None
    T = bench.kinematics.tool_pose(view.q_rad) @ holding.box.T_tool_box
    return T, np.array(holding.box.half_m) + HELD_MARGIN_M
