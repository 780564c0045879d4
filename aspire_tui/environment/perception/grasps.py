"""Two-finger grasps on what a depth picture shows: opposed edges, centred, room for the fingers.

Works on points in a frame whose z is up from the table. Only seen surfaces count: the far side of
a thing is where its top face ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aspire_tui.environment.perception.boxes import yaw_of

FloatArray = NDArray[np.float64]

YAWS = 12
TILTS_RAD = (0.0, np.deg2rad(25.0), np.deg2rad(-25.0))
OFFSETS = (0.0, -0.5, 0.5)
"""Where along the thing to hold it, as a share of half its length."""

LEAST_BITE_M = 0.008
MOST_BITE_M = 0.03
TABLE_CLEARANCE_M = 0.004
OPEN_MARGIN_M = 0.006
EDGE_HALF_M = 0.016
EDGE_BINS = 5
SAMPLED_POINTS = 1500
MOST_GRASPS = 32
FROM_SIDE = 8
"""Directions from which a hand comes in level."""
MOST_FROM_SIDE = 8
LEVEL_CLEARANCE_M = 0.036
"""A level hand's middle over the table: half its palm and a little."""
LEAST_FACING = 0.75
TALL_M = 0.05
"""What is lower than this over the table has no side to take it by."""


@dataclass(frozen=True)
class GripperShape:
    """The fingers in the tool frame (z approach, opening along y), metres.

    ``tip_m`` is how far the fingers reach beyond the tool point, ``reach_m`` how far they stand
    free of the palm behind it, ``palm_m`` half the palm's size along y.
    """

    opening_m: float = 0.075
    thickness_m: float = 0.011
    width_m: float = 0.016
    tip_m: float = 0.012
    reach_m: float = 0.06
    palm_m: float = 0.05


@dataclass(frozen=True, eq=False)
class Grasp:
    """A tool pose (4, 4) in the frame of the points. ``rejected`` says why it is unusable."""

    T: FloatArray
    score: float
    width_m: float
    rejected: str = ""


def sample_grasps(
    thing: NDArray[np.floating],
    others: NDArray[np.floating],
    table_z_m: float,
    gripper: GripperShape,
) -> tuple[list[Grasp], list[Grasp]]:
    """Candidates on a thing.

    Args:
        thing: Points on it, shape (N, 3).
        others: Points on everything else above the table, shape (M, 3).

    Returns:
        Usable ones, best first, and those that were rejected; each at most ``MOST_GRASPS``.
    """
    points = np.asarray(thing, float)
    points = points[np.all(np.isfinite(points), axis=1)]
    if len(points) < 12:
        return [], []
    points = points[:: max(1, len(points) // SAMPLED_POINTS)]
    near = np.asarray(others, float).reshape(-1, 3)
    near = near[np.all(np.abs(near - points.mean(axis=0)) < 0.2, axis=1)]
    top = points[points[:, 2] > np.quantile(points[:, 2], 0.95) - 0.008]
    start = yaw_of(top[:, :2])
    usable: list[Grasp] = []
    rejected: list[Grasp] = []
    for k in range(YAWS):
        for tilt in TILTS_RAD:
            R = _tool_axes(start + np.pi / 2 + np.pi * k / YAWS, tilt)
            local, around = points @ R, near @ R
            for offset in OFFSETS:
                grasp = _close(local, around, R, offset, table_z_m, gripper)
                if grasp is not None:
                    (rejected if grasp.rejected else usable).append(grasp)
    level = [
        g
        for k in range(FROM_SIDE)
        if (g := _level(points, near, 2 * np.pi * k / FROM_SIDE, table_z_m, gripper)) is not None
    ]
    usable.sort(key=lambda g: -g.score)
    rejected.sort(key=lambda g: -g.score)
    aside = sorted((g for g in level if not g.rejected), key=lambda g: -g.score)[:MOST_FROM_SIDE]
    # From above comes first where it can be had; a level hand is what is left for tall things.
    chosen = [*usable[: MOST_GRASPS - len(aside)], *aside]
    chosen.sort(key=lambda g: -g.score)
    return chosen, [*rejected, *(g for g in level if g.rejected)][:MOST_GRASPS]


def _level(
    points: FloatArray,
    near: FloatArray,
    heading_rad: float,
    table_z_m: float,
    gripper: GripperShape,
) -> Grasp | None:
    """A hand that comes in level along a heading and closes at half the thing's height."""
    top = float(np.quantile(points[:, 2], 0.97))
    if top - table_z_m < TALL_M:
        return None
    c, s = float(np.cos(heading_rad)), float(np.sin(heading_rad))
    R = np.array([[0.0, s, c], [0.0, -c, s], [1.0, 0.0, 0.0]])
    z_mid = max(table_z_m + LEVEL_CLEARANCE_M, (table_z_m + top) / 2)
    local = points @ R
    slab = local[np.abs(local[:, 0] - z_mid) < gripper.width_m / 2]
    if len(slab) < 8:
        return None
    across, along = np.sort(slab[:, 1]), np.sort(slab[:, 2])
    lo, hi = _share(across, 0.02), _share(across, 0.98)
    width, y, surface = hi - lo, (lo + hi) / 2, _share(along, 0.05)
    # Only the near face is seen: its points have to be on the side the hand comes from.
    facing = float(np.mean(slab[:, 2] < surface + max(0.010, width / 3)))
    z = surface + min(MOST_BITE_M, width / 2)
    T = np.eye(4)
    T[:3, :3] = R
    T[:3, 3] = R @ np.array([z_mid, y, z])
    easy = float(np.clip((gripper.opening_m - width) / gripper.opening_m, 0, 1))
    score = 0.3 * facing + 0.15 * easy
    why = ""
    if width > gripper.opening_m - OPEN_MARGIN_M:
        why = f"{width * 1000:.0f} mm wide, the gripper opens {gripper.opening_m * 1000:.0f} mm"
    elif facing < LEAST_FACING:
        why = "the side it would come from was hardly seen"
    elif z_mid > top - gripper.width_m / 2:
        why = "too low to hold from the side"
    elif _blocked(near @ R, z_mid, y, z, gripper):
        why = "a finger would touch something"
    return Grasp(T, score, width, why)


def _tool_axes(yaw_rad: float, tilt_rad: float) -> FloatArray:
    """Columns x, y, z of a tool pointing down, opening along ``yaw_rad``, tipped about its y."""
    # Both halves of the circle close on the same line; take the one nearer to the tool's home yaw.
    yaw = yaw_rad % np.pi
    y = np.array([np.cos(yaw), np.sin(yaw), 0.0])
    side = np.array([-np.sin(yaw), np.cos(yaw), 0.0])
    z = -np.cos(tilt_rad) * np.array([0.0, 0.0, 1.0]) + np.sin(tilt_rad) * side
    return np.stack([np.cross(y, z), y, z], axis=1)


def _close(
    local: FloatArray,
    around: FloatArray,
    R: FloatArray,
    offset: float,
    table_z_m: float,
    gripper: GripperShape,
) -> Grasp | None:
    """Close the fingers over one slab of the thing; coordinates are in the tool's axes."""
    ordered = np.sort(local[:, 0])
    lo_x, hi_x = _share(ordered, 0.03), _share(ordered, 0.97)
    if offset and hi_x - lo_x < 0.035:
        return None
    x = (lo_x + hi_x) / 2 + offset * (hi_x - lo_x) / 2
    slab = local[np.abs(local[:, 0] - x) < gripper.width_m / 2]
    if len(slab) < 8:
        return None
    across = np.sort(slab[:, 1])
    lo, hi = _share(across, 0.02), _share(across, 0.98)
    width, y = hi - lo, (lo + hi) / 2
    surface = _share(np.sort(slab[:, 2]), 0.05)
    z = _depth_for(R, x, y, surface, table_z_m, gripper)
    T = np.eye(4)
    T[:3, :3] = R
    T[:3, 3] = R @ np.array([x, y, z])
    straight = _opposed(local, x)
    centred = 1.0 - 0.6 * abs(offset)
    upright = max(0.0, -float(R[2, 2]))
    easy = float(np.clip((gripper.opening_m - width) / gripper.opening_m, 0, 1))
    score = 0.45 * straight + 0.2 * centred + 0.2 * upright + 0.15 * easy
    why = ""
    if width > gripper.opening_m - OPEN_MARGIN_M:
        why = f"{width * 1000:.0f} mm wide, the gripper opens {gripper.opening_m * 1000:.0f} mm"
    elif z - surface < LEAST_BITE_M:
        why = "too low to hold above the table"
    elif _blocked(around, x, y, z, gripper):
        why = "a finger would touch something"
    return Grasp(T, score, width, why)


def _depth_for(
    R: FloatArray, x: float, y: float, surface: float, table_z_m: float, gripper: GripperShape
) -> float:
    """How far along the approach the tool point goes: into the thing, tips clear of the table."""
    down = -float(R[2, 2])
    lift = gripper.tip_m * down + gripper.width_m / 2 * abs(float(R[2, 0])) + TABLE_CLEARANCE_M
    # Height of a point (x, y, z) is R[2] · (x, y, z); it falls as z grows.
    deepest = (float(R[2, 0]) * x + float(R[2, 1]) * y - table_z_m - lift) / down
    middle = surface + (deepest - surface + gripper.tip_m) / 2
    return float(min(surface + MOST_BITE_M, max(middle, min(deepest, surface + 0.012)), deepest))


def _opposed(local: FloatArray, x: float) -> float:
    """1 when both edges run along the fingers, 0 when they slant by 35° or more."""
    bins = np.floor((local[:, 0] - x + EDGE_HALF_M) / (2 * EDGE_HALF_M) * EDGE_BINS)
    at, edges = [], []
    for k in range(EDGE_BINS):
        row = np.sort(local[bins == k, 1])
        if len(row) >= 4:
            at.append((k + 0.5) / EDGE_BINS * 2 * EDGE_HALF_M)
            edges.append((_share(row, 0.03), _share(row, 0.97)))
    if len(at) < 3:
        return 0.5
    d = np.array(at) - np.mean(at)
    slopes = d @ np.array(edges) / float(d @ d)
    return float(np.clip(1 - np.mean(np.abs(np.arctan(slopes))) / np.deg2rad(35), 0, 1))


def _share(ordered: FloatArray, share: float) -> float:
    """The value below which a share of ordered values lies."""
    return float(ordered[round(share * (len(ordered) - 1))])


def _blocked(around: FloatArray, x: float, y: float, z: float, gripper: GripperShape) -> bool:
    """Would the open fingers or the palm stand in something that was seen?"""
    if len(around) == 0:
        return False
    d = around - (x, y, z)
    half = gripper.opening_m / 2
    beside = np.abs(d[:, 1])
    in_fingers = (
        (np.abs(d[:, 0]) < gripper.width_m / 2)
        & (beside > half)
        & (beside < half + gripper.thickness_m)
        & (d[:, 2] > -gripper.reach_m)
        & (d[:, 2] < gripper.tip_m)
    )
    in_palm = (
        (np.abs(d[:, 0]) < 0.03)
        & (beside < gripper.palm_m)
        & (d[:, 2] < -gripper.reach_m)
        & (d[:, 2] > -gripper.reach_m - 0.05)
    )
    return int(np.count_nonzero(in_fingers | in_palm)) > 3
