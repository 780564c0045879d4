"""Primitives that say where to hold a thing. Nothing here moves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aspire_tui.domain import Evidence, GraspCandidate
from aspire_tui.environment.bench import View, Workbench
from aspire_tui.environment.outcome import PrimitiveOutcome
from aspire_tui.environment.perception.camera import invert, quaternion, transform
from aspire_tui.environment.perception.cloud import TableCloud, frame_on
from aspire_tui.environment.perception.grasps import (
    MOST_GRASPS,
    OPEN_MARGIN_M,
    Grasp,
    GripperShape,
    sample_grasps,
)
from aspire_tui.environment.perception.objects import NotFound
from aspire_tui.environment.perception.overlay import draw_grasps
from aspire_tui.environment.perception.plane import dominant_plane
from aspire_tui.environment.perception.topdown import grasp_on_box, most_upright
from aspire_tui.environment.primitives.arguments import (
    Depth,
    Flag,
    Fraction,
    Intrinsics,
    Key,
    Mask,
    Points,
    Prompt,
    Scores,
    Transform,
    Transforms,
)
from aspire_tui.environment.primitives.perception import (
    ALL_CAMERAS,
    EVERYWHERE,
    LOW_LEVEL,
    describe,
    find,
    views_of,
)
from aspire_tui.environment.primitives.registry import Primitive, primitive

FloatArray = NDArray[np.float64]


def gripper_shape(bench: Workbench) -> GripperShape:
    """The cell's gripper as grasps are planned for it."""
    spec = bench.arm.gripper
    return GripperShape(
        opening_m=spec.open_width_m,
        thickness_m=spec.finger_thickness_m,
        width_m=spec.finger_breadth_m,
        tip_m=spec.tip_m,
        reach_m=spec.finger_depth_m,
        palm_m=spec.palm_half_m,
    )


def _triple(v: NDArray[np.floating]) -> tuple[float, float, float]:
    return float(v[0]), float(v[1]), float(v[2])


def _candidate(T_base: FloatArray, score: float, width_m: float, rejected: str) -> GraspCandidate:
    q = quaternion(T_base[:3, :3])
    return GraspCandidate(
        xyz_m=_triple(T_base[:3, 3]),
        wxyz=(float(q[0]), float(q[1]), float(q[2]), float(q[3])),
        score=round(float(score), 4),
        width_m=round(float(width_m), 5),
        rejected=rejected,
    )


def _recorded(
    usable: Sequence[Grasp], rejected: Sequence[Grasp], T: FloatArray
) -> tuple[GraspCandidate, ...]:
    """The best usable ones and, in the room left, what was considered and refused."""
    kept = [*usable[:24], *rejected[: max(8, MOST_GRASPS - len(usable))]][:MOST_GRASPS]
    return tuple(_candidate(T @ g.T, g.score, g.width_m, g.rejected) for g in kept)


def _plain_grasp(
    bench: Workbench, name: str, camera: str | None, stack: str | None
) -> PrimitiveOutcome:
    views = views_of(bench, camera)
    found, frames = find(bench, name, views, stack)
    if isinstance(found, NotFound):
        evidence = Evidence(keyframes=frames, notes=found.seen)
        return PrimitiveOutcome("NOT_FOUND", None, found.reason, raises=True, evidence=evidence)
    gripper = gripper_shape(bench)
    position, wxyz, width = grasp_on_box(found, bench.table_z_m, gripper)
    too_wide = width > gripper.opening_m - OPEN_MARGIN_M
    why = f"{1000 * width:.0f} mm wide, opens {1000 * gripper.opening_m:.0f} mm" if too_wide else ""
    candidate = GraspCandidate(
        _triple(position),
        (float(wxyz[0]), float(wxyz[1]), float(wxyz[2]), float(wxyz[3])),
        found.score,
        width,
        why,
    )
    evidence = Evidence(keyframes=frames, grasps=(candidate,), notes=found.notes)
    if too_wide:
        return PrimitiveOutcome(
            "NOT_FOUND", None, f"no grasp from above: {why}", raises=True, evidence=evidence
        )
    summary = f"grasp at ({position[0]:.3f}, {position[1]:.3f}, {position[2]:.3f}) m on "
    return PrimitiveOutcome("OK", (position, wxyz), summary + describe(found), evidence=evidence)


@primitive(
    group="grasping",
    statuses=("OK", "NOT_FOUND"),
    returns="(position (3,) metres, quaternion wxyz (4,))",
    tiers=("S2",),
    profiles=("capx",),
)
def sample_grasp_pose(
    bench: Workbench, object_name: Prompt, stack: Key | None = None
) -> PrimitiveOutcome:
    """One grasp from above across the narrow side of a thing, from one look of the fixed camera.

    Nothing found, or nothing narrow enough, raises PrimitiveError with NOT_FOUND.
    """
    return _plain_grasp(bench, object_name, None, stack)


@primitive(
    name="sample_grasp_pose",
    group="grasping",
    statuses=("OK", "NOT_FOUND"),
    returns="(position (3,) metres, quaternion wxyz (4,)), or (None, None)",
    tiers=("S1", "S2"),
    profiles=("libero",),
)
def sample_grasp_pose_libero(
    bench: Workbench,
    object_name: Prompt,
    use_multiview: Flag = True,
    stack: Key | None = None,
) -> PrimitiveOutcome:
    """One grasp from above across the narrow side of a thing, by all cameras or the fixed one."""
    outcome = _plain_grasp(bench, object_name, ALL_CAMERAS if use_multiview else None, stack)
    if outcome.status == "OK":
        return outcome
    return PrimitiveOutcome(
        outcome.status, (None, None), outcome.summary, evidence=outcome.evidence
    )


def _no_grasp(rejected: Sequence[Grasp], evidence: Evidence) -> PrimitiveOutcome:
    reasons = list(dict.fromkeys(g.rejected for g in rejected))
    why = "; ".join(reasons[:3]) if reasons else "too few points with depth in the mask"
    return PrimitiveOutcome("NOT_FOUND", None, f"no grasp: {why}", raises=True, evidence=evidence)


@primitive(
    group="grasping",
    statuses=("OK", "NOT_FOUND"),
    returns="(grasps (K,4,4) in the camera frame, scores (K,)), best first",
    tiers=LOW_LEVEL,
    profiles=EVERYWHERE,
)
def plan_grasp(
    bench: Workbench, depth: Depth, intrinsics: Intrinsics, segmentation: Mask
) -> PrimitiveOutcome:
    """Two-finger grasps on the masked part of a depth picture, as tool poses in the camera frame.

    Multiply with the camera's ``pose_mat`` for the base frame. No grasp at all raises
    PrimitiveError with NOT_FOUND.
    """
    if segmentation.shape != depth.shape:
        return PrimitiveOutcome(
            "INVALID",
            None,
            f"segmentation has shape {segmentation.shape}, depth {depth.shape}",
            raises=True,
        )
    view = bench.view_of(depth)
    if view is None:
        cloud = TableCloud.build(depth, intrinsics)
    else:
        cloud = TableCloud.build(depth, intrinsics, view.T_base_cam, bench.table_z_m)
    if cloud is None:
        why = "no table in the depth picture to tell up from down by"
        if not np.any(depth > 0):
            why = "the picture has no depth; sample_grasp_pose goes by the table and several views"
        return PrimitiveOutcome("NOT_FOUND", None, f"no grasp: {why}", raises=True)
    thing = cloud.points[segmentation & cloud.valid]
    others = cloud.points[~segmentation & cloud.above_table()]
    gripper = gripper_shape(bench)
    usable, rejected = sample_grasps(thing, others, cloud.table_z_m, gripper)
    evidence = _picture_of(bench, view, cloud, usable, rejected, gripper)
    if not usable:
        return _no_grasp(rejected, evidence)
    poses = np.stack([cloud.in_camera(g.T) for g in usable])
    scores = np.array([g.score for g in usable])
    at = poses[0, :3, 3]
    summary = (
        f"{len(usable)} grasps, best {scores[0]:.2f} at ({at[0]:.3f}, {at[1]:.3f}, {at[2]:.3f}) m "
        f"in the camera frame, {len(rejected)} rejected"
    )
    return PrimitiveOutcome("OK", (poses, scores), summary, evidence=evidence)


def _picture_of(
    bench: Workbench,
    view: View | None,
    cloud: TableCloud,
    usable: Sequence[Grasp],
    rejected: Sequence[Grasp],
    gripper: GripperShape,
) -> Evidence:
    if view is None:
        note = "this depth picture was not taken in this trial; grasps are in the table's frame"
        return Evidence(grasps=_recorded(usable, rejected, np.eye(4)), notes=(note,))
    overlay = None
    if usable:
        poses, scores = [g.T for g in usable], [g.score for g in usable]
        overlay = draw_grasps(view.rgb, poses, scores, view.K, cloud.T_base_cam, gripper)
    frame = bench.evidence.keyframe(view, overlay)
    return Evidence(keyframes=(frame,), grasps=_recorded(usable, rejected, np.eye(4)))


@primitive(
    group="grasping",
    statuses=("OK", "NOT_FOUND"),
    returns="(grasps (K,4,4) in the clouds' frame, scores (K,)), best first",
    tiers=LOW_LEVEL,
    profiles=("capx", "libero"),
)
def plan_grasp_from_point_clouds(
    bench: Workbench, pc_full: Points, pc_segment: Points
) -> PrimitiveOutcome:
    """Two-finger grasps on a part of a cloud, in the frame the clouds are given in.

    The largest plane of the whole cloud is taken for the table. No grasp at all raises
    PrimitiveError with NOT_FOUND.
    """
    full = _finite(pc_full)
    part = _finite(pc_segment)
    table = dominant_plane(full)
    if table is None:
        why = "no table in the cloud to tell up from down by"
        return PrimitiveOutcome("NOT_FOUND", None, f"no grasp: {why}", raises=True)
    if len(part) and float(np.median(table.height_m(part))) < 0:
        table = table.flipped()
    T = frame_on(table)
    thing = np.asarray(transform(part, T), float)
    around = np.asarray(transform(full, T), float)
    others = around[around[:, 2] > max(0.005, 3 * table.residual_m)]
    if len(thing) and len(others):
        others = others[_far_from(others, thing)]
    usable, rejected = sample_grasps(thing, others, 0.0, gripper_shape(bench))
    back = invert(T)
    evidence = Evidence(grasps=_recorded(usable, rejected, back))
    if not usable:
        return _no_grasp(rejected, evidence)
    poses = np.stack([back @ g.T for g in usable])
    scores = np.array([g.score for g in usable])
    summary = f"{len(usable)} grasps, best {scores[0]:.2f}, {len(rejected)} rejected"
    return PrimitiveOutcome("OK", (poses, scores), summary, evidence=evidence)


def _finite(points: FloatArray) -> FloatArray:
    flat = points.reshape(-1, 3)
    # A point at the origin of the sensor is a pixel without a reading.
    return np.asarray(flat[np.all(np.isfinite(flat), axis=1) & np.any(flat != 0, axis=1)], float)


def _far_from(others: FloatArray, thing: FloatArray, gap_m: float = 0.004) -> NDArray[np.bool_]:
    """Points of the whole cloud that are not the thing's own."""
    from scipy.spatial import cKDTree

    distance, _ = cKDTree(thing).query(others, distance_upper_bound=gap_m)
    return np.asarray(~np.isfinite(distance), bool)


@primitive(
    group="grasping",
    statuses=("OK", "NOT_FOUND"),
    returns="(T (4,4) in the base frame or None, score)",
    tiers=("S3",),
    profiles=EVERYWHERE,
)
def select_top_down_grasp(
    bench: Workbench,
    grasps: Transforms,
    scores: Scores,
    cam_to_world: Transform,
    vertical_threshold: Fraction = 0.8,
) -> PrimitiveOutcome:
    """The best of some camera-frame grasps whose approach points down, moved to the base frame.

    (None, -inf) when none does.
    """
    if len(grasps) != len(scores):
        why = f"{len(grasps)} grasps but {len(scores)} scores"
        return PrimitiveOutcome("INVALID", None, why, raises=True)
    best, score = most_upright(grasps, scores, cam_to_world, vertical_threshold)
    shown = tuple(
        _candidate(
            cam_to_world @ T,
            s,
            0.0,
            "" if i == best else _why_not(cam_to_world @ T, vertical_threshold),
        )
        for i, (T, s) in enumerate(zip(grasps[:MOST_GRASPS], scores, strict=False))
    )
    evidence = Evidence(grasps=shown)
    if best is None:
        why = f"none of {len(grasps)} grasps points down (threshold {vertical_threshold:g})"
        return PrimitiveOutcome("NOT_FOUND", (None, score), why, evidence=evidence)
    T = cam_to_world @ grasps[best]
    at = T[:3, 3]
    summary = f"score {score:.2f} at ({at[0]:.3f}, {at[1]:.3f}, {at[2]:.3f}) m"
    return PrimitiveOutcome("OK", (T, score), summary, evidence=evidence)


def _why_not(T: FloatArray, vertical_threshold: float) -> str:
    return "not upright" if -float(T[2, 2]) <= vertical_threshold else "scores less"


PRIMITIVES: tuple[Primitive, ...] = (
    sample_grasp_pose,
    sample_grasp_pose_libero,
    plan_grasp,
    plan_grasp_from_point_clouds,
    select_top_down_grasp,
)
