"""Geometry a program may use instead of writing it: nine functions and boxes round points."""

from __future__ import annotations

import numpy as np

from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.outcome import PrimitiveOutcome
from aspire_tui.environment.perception.boxes import oriented_box
from aspire_tui.environment.perception.camera import deproject, quaternion, transform
from aspire_tui.environment.perception.noise import without_strays
from aspire_tui.environment.primitives.arguments import (
    Count,
    Depth,
    Intrinsics,
    Mask,
    Number,
    Points,
    Rotation,
    Step,
    Transform,
    Vector,
)
from aspire_tui.environment.primitives.perception import EVERYWHERE
from aspire_tui.environment.primitives.registry import Primitive, primitive

HELPERS = ("S3",)
LONGEST_SEGMENT = 500
"""Points of one answer: a finer line is for the program to make."""


def _invalid(why: str) -> PrimitiveOutcome:
    return PrimitiveOutcome("INVALID", None, why, raises=True)


@primitive(
    group="geometry", statuses=("OK",), returns="wxyz (4,)", tiers=HELPERS, profiles=EVERYWHERE
)
def rotation_matrix_to_quaternion(bench: Workbench, R: Rotation) -> PrimitiveOutcome:
    """Unit quaternion wxyz of a rotation matrix (3, 3)."""
    q = quaternion(R)
    return PrimitiveOutcome("OK", q, "wxyz ({:.4f}, {:.4f}, {:.4f}, {:.4f})".format(*q))


@primitive(
    group="geometry",
    statuses=("OK",),
    returns="(position (3,), wxyz (4,))",
    tiers=HELPERS,
    profiles=EVERYWHERE,
)
def decompose_transform(bench: Workbench, T: Transform) -> PrimitiveOutcome:
    """Position and unit quaternion wxyz of a pose (4, 4)."""
    p, q = T[:3, 3].copy(), quaternion(T[:3, :3])
    return PrimitiveOutcome("OK", (p, q), "({:.4f}, {:.4f}, {:.4f}) m".format(*p))


@primitive(
    group="geometry",
    statuses=("OK",),
    returns="points (H,W,3), camera frame, metres",
    tiers=HELPERS,
    profiles=EVERYWHERE,
)
def depth_to_point_cloud(
    bench: Workbench, depth_img: Depth, intrinsics: Intrinsics
) -> PrimitiveOutcome:
    """Points of every pixel in the camera frame; the origin where there is no depth."""
    points = deproject(depth_img, intrinsics)
    share = float(np.mean(depth_img > 0))
    return PrimitiveOutcome("OK", points, f"{points.shape}, {100 * share:.0f} % with depth")


@primitive(
    group="geometry",
    statuses=("OK",),
    returns="points (N,3), metres",
    tiers=HELPERS,
    profiles=EVERYWHERE,
)
def mask_to_world_points(
    bench: Workbench, mask: Mask, depth: Depth, intrinsics: Intrinsics, extrinsics: Transform
) -> PrimitiveOutcome:
    """Points of the masked pixels that have depth, moved by the camera pose ``extrinsics``."""
    if mask.shape != depth.shape:
        return _invalid(f"mask has shape {mask.shape}, depth {depth.shape}")
    rows, cols = np.nonzero(mask & (depth > 0) & np.isfinite(depth))
    z = depth[rows, cols].astype(float)
    K = intrinsics
    local = np.stack([(cols - K[0, 2]) * z / K[0, 0], (rows - K[1, 2]) * z / K[1, 1], z], axis=1)
    return PrimitiveOutcome("OK", transform(local, extrinsics), f"{len(z)} points")


@primitive(
    group="geometry", statuses=("OK",), returns="(3,), metres", tiers=HELPERS, profiles=EVERYWHERE
)
def pixel_to_world_point(
    bench: Workbench,
    u: Number,
    v: Number,
    z: Number,
    intrinsics: Intrinsics,
    extrinsics: Transform,
) -> PrimitiveOutcome:
    """The point at depth ``z`` under pixel column ``u``, row ``v``."""
    K = intrinsics
    local = np.array([(u - K[0, 2]) * z / K[0, 0], (v - K[1, 2]) * z / K[1, 1], z])
    p = transform(local, extrinsics)
    return PrimitiveOutcome("OK", p, "({:.4f}, {:.4f}, {:.4f}) m".format(*p))


@primitive(
    group="geometry",
    statuses=("OK",),
    returns="points, same shape",
    tiers=HELPERS,
    profiles=EVERYWHERE,
)
def transform_points(
    bench: Workbench, points: Points, transform_matrix: Transform
) -> PrimitiveOutcome:
    """Apply a pose (4, 4) to points of shape (..., 3)."""
    return PrimitiveOutcome("OK", transform(points, transform_matrix), f"{points.shape}")


@primitive(
    group="geometry",
    statuses=("OK",),
    returns="list of (3,), both ends included",
    tiers=HELPERS,
    profiles=EVERYWHERE,
)
def interpolate_segment(
    bench: Workbench, p1: Vector, p2: Vector, step: Step = 0.03
) -> PrimitiveOutcome:
    """Points on a straight line, at most ``step`` apart."""
    distance = float(np.linalg.norm(p2 - p1))
    if distance < 1e-6:
        return PrimitiveOutcome("OK", [p1], "1 point")
    count = int(np.ceil(distance / step))
    if count > LONGEST_SEGMENT:
        return _invalid(f"{count} points; at most {LONGEST_SEGMENT}")
    line = [p1 + (p2 - p1) * s for s in np.linspace(0.0, 1.0, count + 1)]
    return PrimitiveOutcome("OK", line, f"{count + 1} points over {distance:.3f} m")


@primitive(group="geometry", statuses=("OK",), returns="(3,)", tiers=HELPERS, profiles=EVERYWHERE)
def normalize_vector(bench: Workbench, v: Vector) -> PrimitiveOutcome:
    """The vector at length 1; one shorter than 1e-6 has no direction and comes back as it is."""
    length = float(np.linalg.norm(v))
    if length < 1e-6:
        return PrimitiveOutcome("OK", v, f"length {length:.2g}: unchanged, it has no direction")
    return PrimitiveOutcome("OK", v / length, f"length was {length:.4g}")


@primitive(
    group="geometry",
    statuses=("OK",),
    returns="{center (3,), extent (3,) full sides, R (3,3)}",
    tiers=("S2", "S3", "S4"),
    profiles=EVERYWHERE,
)
def get_oriented_bounding_box_from_3d_points(bench: Workbench, points: Points) -> PrimitiveOutcome:
    """Smallest oriented box round points, in their own frame."""
    try:
        box = oriented_box(points)
    except ValueError as error:
        return _invalid(str(error))
    value = {"center": box.center, "extent": box.extent, "R": box.R}
    size = " x ".join(f"{1000 * v:.0f}" for v in box.extent)
    return PrimitiveOutcome("OK", value, f"{size} mm round {points.size // 3} points")


@primitive(
    group="geometry",
    statuses=("OK",),
    returns="points (N,3)",
    tiers=("S3", "S4"),
    profiles=("capx", "libero"),
)
def subsample_point_cloud(
    bench: Workbench, pc: Points, max_points: Count = 10000
) -> PrimitiveOutcome:
    """At most so many points, drawn at random without repeats."""
    flat = pc.reshape(-1, pc.shape[-1])
    if len(flat) > max_points:
        flat = flat[np.sort(bench.rng.choice(len(flat), max_points, replace=False))]
    return PrimitiveOutcome("OK", flat, f"{len(flat)} of {pc.size // 3} points")


@primitive(
    group="geometry",
    statuses=("OK",),
    returns="points (N,3), or (points, colors) when colors are given",
    tiers=("S3", "S4"),
    profiles=("capx", "libero"),
)
def filter_noise(
    bench: Workbench, points: Points, colors: Points | None = None
) -> PrimitiveOutcome:
    """Points without strays: those far from their neighbours compared with the rest."""
    flat = points.reshape(-1, 3)
    keep = without_strays(flat)
    summary = f"{int(keep.sum())} of {len(flat)} points kept"
    if colors is None:
        return PrimitiveOutcome("OK", flat[keep], summary)
    tints = colors.reshape(-1, 3)
    if len(tints) != len(flat):
        return _invalid(f"{len(flat)} points but {len(tints)} colors")
    return PrimitiveOutcome("OK", (flat[keep], tints[keep]), summary)


PRIMITIVES: tuple[Primitive, ...] = (
    rotation_matrix_to_quaternion,
    decompose_transform,
    depth_to_point_cloud,
    mask_to_world_points,
    pixel_to_world_point,
    transform_points,
    interpolate_segment,
    normalize_vector,
    get_oriented_bounding_box_from_3d_points,
    subsample_point_cloud,
    filter_noise,
)
