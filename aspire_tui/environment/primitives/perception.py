"""Primitives that look: pictures, masks and where things are. Nothing here moves.

Each call keeps the pictures it used. What is not found is NOT_FOUND with the reason; calls that
gave an empty value upstream give it here, and those that cannot (a pose) raise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aspire_tui.domain import Evidence, Keyframe, Status
from aspire_tui.environment.bench import View, Workbench
from aspire_tui.environment.outcome import PrimitiveOutcome
from aspire_tui.environment.perception.camera import quaternion
from aspire_tui.environment.perception.cloud import TableCloud
from aspire_tui.environment.perception.objects import NotFound, ObjectEstimate, locate
from aspire_tui.environment.perception.overlay import draw_box, draw_masks
from aspire_tui.environment.perception.prompt import parse
from aspire_tui.environment.perception.segment import Segment, search, segment_point
from aspire_tui.environment.primitives.arguments import Flag, Key, Pixel, Prompt, Rgb
from aspire_tui.environment.primitives.registry import Primitive, primitive

ALL_CAMERAS = "all"
EVERYWHERE = ("capx", "libero", "robosuite", "r1pro", "yam")
LOW_LEVEL = ("S3", "S4")


def fixed_camera(bench: Workbench) -> str:
    """The camera that overlooks the scene: the first one that does not ride on an arm."""
    for camera in bench.cell.info.cameras:
        if camera.mount == "base":
            return camera.name
    return bench.cell.info.cameras[0].name


def hand_camera(bench: Workbench) -> str | None:
    """The first camera that rides on an arm."""
    for camera in bench.cell.info.cameras:
        if camera.mount != "base":
            return camera.name
    return None


class NoSuchCamera(ValueError):
    """A program named a camera the cell does not have."""


def views_of(bench: Workbench, camera: str | None) -> list[View]:
    """Look with the named camera: the fixed one for None, every one for ``all``.

    Raises:
        NoSuchCamera: The cell has no camera of that name.
    """
    if camera is None:
        return [bench.look(fixed_camera(bench))]
    if camera == ALL_CAMERAS:
        return [bench.look(name) for name in bench.cameras()]
    if camera not in bench.cameras():
        raise NoSuchCamera(f"no camera {camera!r}; there are {', '.join(bench.cameras())}, all")
    return [bench.look(camera)]


def find(
    bench: Workbench, name: str, views: Sequence[View]
) -> tuple[ObjectEstimate | NotFound, tuple[Keyframe, ...]]:
    """Locate a thing, keeping every picture with the box drawn in."""
    found = locate(views, name, table_z_m=bench.table_z_m)
    frames = []
    for view in views:
        overlay = None
        if isinstance(found, ObjectEstimate):
            own = [e for e in found.per_camera or (found,) if e.cameras[0] == view.camera]
            if own:
                overlay = draw_box(view.rgb, own[0], view.K, view.T_base_cam)
        frames.append(bench.evidence.keyframe(view, overlay))
    return found, tuple(frames)


def _observe(bench: Workbench, fixed_alias: str) -> PrimitiveOutcome:
    obs: dict[str, Any] = {}
    frames = []
    seen = []
    for name in bench.cameras():
        view = bench.look(name)
        T = view.T_base_cam
        frames.append(bench.evidence.keyframe(view, None))
        obs[name] = {
            "images": {"rgb": view.rgb, "depth": view.depth_m},
            "intrinsics": view.K,
            "pose_mat": T,
            "pose": np.concatenate([T[:3, 3], quaternion(T[:3, :3])]),
        }
        seen.append(f"{name} {view.rgb.shape[1]}x{view.rgb.shape[0]}")
    # Programs written for other cells know cameras by those names; the pictures are the same.
    obs.setdefault(fixed_alias, obs[fixed_camera(bench)])
    hand = hand_camera(bench)
    if hand is not None:
        obs.setdefault("robot0_eye_in_hand", obs[hand])
    sample = bench.sample()
    q = np.array(sample.q_rad)
    opening = float(np.clip(sample.width_m / bench.arm.gripper.open_width_m, 0.0, 1.0))
    T = bench.kinematics.tool_pose(q)
    obs["robot_joint_pos"] = np.append(q, opening)
    obs["robot_cartesian_pos"] = np.array([*T[:3, 3], *quaternion(T[:3, :3]), opening])
    obs["full_prompt"] = bench.task_language
    where = "({:.3f}, {:.3f}, {:.3f})".format(*T[:3, 3])
    return PrimitiveOutcome(
        "OK",
        obs,
        f"{', '.join(seen)}; tool at {where} m, gripper {sample.width_m * 1000:.0f} mm open",
        evidence=Evidence(keyframes=tuple(frames)),
    )


@primitive(
    group="perception",
    statuses=("OK",),
    returns="dict: per camera images.rgb (H,W,3) uint8, images.depth (H,W) metres, intrinsics 3x3, "
    "pose_mat 4x4 camera to base, pose (7); robot_joint_pos (n+1), robot_cartesian_pos (8), "
    "full_prompt",
    tiers=LOW_LEVEL,
    profiles=("capx", "robosuite"),
)
def get_observation(bench: Workbench) -> PrimitiveOutcome:
    """What the cameras and joints say now.

    ``robot_joint_pos`` ends with the gripper, 0 closed to 1 open; ``robot_cartesian_pos`` is xyz,
    wxyz, gripper. The fixed camera is also there as ``robot0_robotview``, the one on the hand as
    ``robot0_eye_in_hand``.
    """
    return _observe(bench, "robot0_robotview")


@primitive(
    name="get_observation",
    group="perception",
    statuses=("OK",),
    returns=get_observation.returns,
    tiers=("S1", *LOW_LEVEL),
    profiles=("libero",),
)
def get_observation_libero(bench: Workbench) -> PrimitiveOutcome:
    """What the cameras and joints say now; the fixed camera is also there as ``agentview``."""
    return _observe(bench, "agentview")


def _records(segments: Sequence[Segment]) -> list[dict[str, Any]]:
    return [
        {"mask": s.mask, "box": [float(v) for v in s.box], "score": s.score, "label": s.label}
        for s in segments
    ]


def search_picture(
    bench: Workbench, rgb: NDArray[np.uint8], text: str
) -> tuple[tuple[Segment, ...], str, Evidence]:
    """Segments, one line about them, and the picture if this trial took it."""
    view = bench.view_of(rgb)
    cloud = None if view is None else TableCloud.of(view, bench.table_z_m)
    asked = parse(text)
    sighted = search(rgb, asked, cloud)
    parts = []
    if sighted.segments:
        best = sighted.segments[0]
        area = 100 * float(np.mean(best.mask))
        parts.append(f"{len(sighted.segments)} found, best {best.score:.2f}, {area:.1f} %")
    else:
        parts.append(sighted.reason)
    if asked.unknown:
        parts.append(f"could not use: {' '.join(asked.unknown)}")
    if cloud is None:
        parts.append("colour only: this picture has no depth here")
    notes = (*parts[1:], *sighted.rejected)
    if view is None:
        return sighted.segments, "; ".join(parts), Evidence(notes=notes)
    overlay = None
    if sighted.segments:
        overlay = draw_masks(
            rgb,
            [s.mask for s in sighted.segments],
            [s.box for s in sighted.segments],
            [s.score for s in sighted.segments],
        )
    frame = bench.evidence.keyframe(view, overlay)
    return sighted.segments, "; ".join(parts), Evidence(keyframes=(frame,), notes=notes)


@primitive(
    group="perception",
    statuses=("OK", "NOT_FOUND"),
    returns="list of {mask (H,W) bool, box [x1,y1,x2,y2], score, label}, best first; [] if none",
    aliases=("segment_sam3_text_prompt",),
    tiers=LOW_LEVEL,
    profiles=EVERYWHERE,
)
def segment_text_prompt(bench: Workbench, rgb: Rgb, text_prompt: Prompt) -> PrimitiveOutcome:
    """Masks of what a text such as ``small red cube`` describes.

    Understands colour, size and shape words. A picture from ``get_observation`` is judged with its
    depth; any other by colour alone.
    """
    segments, summary, evidence = search_picture(bench, rgb, text_prompt)
    status: Status = "OK" if segments else "NOT_FOUND"
    return PrimitiveOutcome(status, _records(segments), summary, evidence=evidence)


@primitive(
    group="perception",
    statuses=("OK", "NOT_FOUND"),
    returns="list of {mask (H,W) bool, score}; [] if none",
    aliases=("segment_sam3_point_prompt",),
    tiers=LOW_LEVEL,
    profiles=EVERYWHERE,
)
def segment_point_prompt(bench: Workbench, rgb: Rgb, point_coords: Pixel) -> PrimitiveOutcome:
    """Mask of the thing under a pixel (x, y)."""
    view = bench.view_of(rgb)
    at = f"({point_coords[0]:.0f}, {point_coords[1]:.0f})"
    if view is None:
        found = segment_point(rgb, point_coords)
        evidence = Evidence(notes=("colour only: this picture has no depth here",))
    else:
        found = segment_point(
            rgb, point_coords, view.depth_m, view.K, view.T_base_cam, bench.table_z_m
        )
        overlay = draw_masks(rgb, [s.mask for s in found]) if found else None
        evidence = Evidence(keyframes=(bench.evidence.keyframe(view, overlay),))
    if not found:
        return PrimitiveOutcome("NOT_FOUND", [], f"nothing stands out at {at}", evidence=evidence)
    value = [{"mask": s.mask, "score": s.score} for s in found]
    area = 100 * float(np.mean(found[0].mask))
    return PrimitiveOutcome("OK", value, f"{area:.1f} % of the picture at {at}", evidence=evidence)


@primitive(
    group="perception",
    statuses=("OK", "NOT_FOUND"),
    returns="{text: (x, y) in pixels, or (None, None)}",
    aliases=("point_prompt_molmo",),
    tiers=LOW_LEVEL,
    profiles=EVERYWHERE,
)
def point_prompt(bench: Workbench, image: Rgb, text_prompt: Prompt) -> PrimitiveOutcome:
    """A pixel on what a text describes."""
    segments, summary, evidence = search_picture(bench, image, text_prompt)
    if not segments:
        value: dict[str, Any] = {text_prompt: (None, None)}
        return PrimitiveOutcome("NOT_FOUND", value, summary, evidence=evidence)
    x, y = inner_pixel(segments[0].mask)
    value = {text_prompt: (float(x), float(y))}
    return PrimitiveOutcome("OK", value, f"({x}, {y}); {summary}", evidence=evidence)


def inner_pixel(mask: NDArray[np.bool_]) -> tuple[int, int]:
    """The pixel (x, y) of a mask nearest to its middle."""
    rows, cols = np.nonzero(mask)
    middle = np.array([rows.mean(), cols.mean()])
    k = int(np.argmin((rows - middle[0]) ** 2 + (cols - middle[1]) ** 2))
    return int(cols[k]), int(rows[k])


def _pose_outcome(
    bench: Workbench, name: str, camera: str | None
) -> tuple[ObjectEstimate | None, PrimitiveOutcome]:
    try:
        views = views_of(bench, camera)
    except NoSuchCamera as error:
        return None, PrimitiveOutcome("INVALID", None, str(error), raises=True)
    found, frames = find(bench, name, views)
    if isinstance(found, NotFound):
        evidence = Evidence(keyframes=frames, notes=found.seen)
        return None, PrimitiveOutcome(
            "NOT_FOUND", None, found.reason, raises=True, evidence=evidence
        )
    unknown = parse(name).unknown
    notes = found.notes + ((f"could not use: {' '.join(unknown)}",) if unknown else ())
    return found, PrimitiveOutcome(
        "OK", None, describe(found), evidence=Evidence(keyframes=frames, notes=notes)
    )


def describe(thing: ObjectEstimate) -> str:
    """One line about where a thing is."""
    where = "({:.3f}, {:.3f}, {:.3f})".format(*thing.position)
    size = "x".join(f"{1000 * v:.0f}" for v in thing.extent)
    line = (
        f"{where} m ±{1000 * thing.sigma_m:.0f} mm, yaw {np.rad2deg(thing.yaw_rad):.0f}°, "
        f"{size} mm, score {thing.score:.2f} by {'+'.join(thing.cameras)}"
    )
    if len(thing.per_camera) > 1:
        line += f", {1000 * thing.spread_m:.0f} mm apart"
    return line


@primitive(
    group="perception",
    statuses=("OK", "NOT_FOUND"),
    returns="(position (3,) metres, quaternion wxyz (4,), extent (3,) full sides or None)",
    tiers=("S2",),
    profiles=("capx",),
)
def get_object_pose(
    bench: Workbench,
    object_name: Prompt,
    return_bbox_extent: Flag = False,
    camera: Key | None = None,
) -> PrimitiveOutcome:
    """Centre, yaw-only orientation and size of a thing's box, base frame.

    Judged by the fixed camera, or by the one named; ``all`` joins what every camera sees. Not found
    raises PrimitiveError with NOT_FOUND.
    """
    found, outcome = _pose_outcome(bench, object_name, camera)
    if found is None:
        return outcome
    extent = found.extent if return_bbox_extent else None
    return _with(outcome, (found.position, found.wxyz, extent))


@primitive(
    name="get_object_pose",
    group="perception",
    statuses=("OK", "NOT_FOUND"),
    returns="(position (3,) metres, quaternion wxyz (4,)), or (None, None)",
    tiers=("S2",),
    profiles=("libero",),
)
def get_object_pose_libero(
    bench: Workbench, object_name: Prompt, use_multiview: Flag = True
) -> PrimitiveOutcome:
    """Centre and yaw-only orientation of a thing, base frame, from all cameras or the fixed one."""
    found, outcome = _pose_outcome(bench, object_name, ALL_CAMERAS if use_multiview else None)
    if found is None:
        return PrimitiveOutcome(
            outcome.status, (None, None), outcome.summary, evidence=outcome.evidence
        )
    return _with(outcome, (found.position, found.wxyz))


@primitive(
    group="perception",
    statuses=("OK", "NOT_FOUND"),
    returns="(position (3,) metres, quaternion wxyz (4,), extent (3,) full sides)",
    tiers=(),
    profiles=EVERYWHERE,
)
def look_at_object(
    bench: Workbench, object_name: Prompt, camera: Key = "wrist"
) -> PrimitiveOutcome:
    """Where a thing is by one named camera's own judgement, ``all`` for every camera joined.

    Not found raises PrimitiveError with NOT_FOUND.
    """
    found, outcome = _pose_outcome(bench, object_name, camera)
    if found is None:
        return outcome
    return _with(outcome, (found.position, found.wxyz, found.extent))


def _with(outcome: PrimitiveOutcome, value: Any) -> PrimitiveOutcome:
    return PrimitiveOutcome(outcome.status, value, outcome.summary, evidence=outcome.evidence)


@primitive(
    group="perception",
    statuses=("OK",),
    returns="text",
    tiers=("S1", "S2", "S3", "S4"),
    profiles=EVERYWHERE,
)
def task_language(bench: Workbench) -> PrimitiveOutcome:
    """The task in words."""
    return PrimitiveOutcome("OK", bench.task_language, bench.task_language)


PRIMITIVES: tuple[Primitive, ...] = (
    get_observation,
    get_observation_libero,
    segment_text_prompt,
    segment_point_prompt,
    point_prompt,
    get_object_pose,
    get_object_pose_libero,
    look_at_object,
    task_language,
)
