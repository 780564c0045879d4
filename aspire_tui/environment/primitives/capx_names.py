"""Names that programs written for CaP-X and its LIBERO and robosuite cells also call."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

import numpy as np
from numpy.typing import NDArray

from aspire_tui.domain import Evidence, Keyframe, Status
from aspire_tui.environment.bench import View, Workbench
from aspire_tui.environment.outcome import PrimitiveOutcome
from aspire_tui.environment.perception.cloud import TableCloud
from aspire_tui.environment.perception.model_sight import mask_in_box
from aspire_tui.environment.perception.objects import NotFound
from aspire_tui.environment.perception.overlay import draw_masks
from aspire_tui.environment.perception.prompt import parse
from aspire_tui.environment.perception.segment import Segment
from aspire_tui.environment.primitives.arguments import Flag, Key, Prompt, Rgb, finite
from aspire_tui.environment.primitives.masks import search_picture
from aspire_tui.environment.primitives.perception import (
    LOW_LEVEL,
    find,
    fixed_camera,
    hand_camera,
    views_of,
)
from aspire_tui.environment.primitives.registry import Primitive, primitive

Box = Annotated[NDArray[np.float64], finite((4,), "box x1, y1, x2, y2, pixels", 1e5)]
ANYTHING: Final = "thing"


@primitive(
    group="perception",
    statuses=("OK", "NOT_FOUND"),
    returns="list of {box [x1,y1,x2,y2], score, label}, best first; [] if none",
    tiers=LOW_LEVEL,
    profiles=("capx", "robosuite"),
    frame="pixels",
    example='detect_object_owlvit(obs["CAMERA"]["images"]["rgb"], "red cube")',
)
def detect_object_owlvit(
    bench: Workbench, rgb: Rgb, text: Prompt, stack: Key | None = None
) -> PrimitiveOutcome:
    """Boxes of what a text describes, by the cell's perception stack."""
    segments, summary, evidence = search_picture(bench, rgb, text, stack)
    value = [
        {"box": [float(v) for v in s.box], "score": s.score, "label": s.label} for s in segments
    ]
    status: Status = "OK" if segments else "NOT_FOUND"
    return PrimitiveOutcome(status, value, summary, evidence=evidence)


@primitive(
    group="perception",
    statuses=("OK", "NOT_FOUND"),
    returns="list of {mask (H,W) bool, score}, best first; [] if none",
    tiers=LOW_LEVEL,
    profiles=("capx", "robosuite"),
    frame="pixels",
    example='segment_sam2(obs["CAMERA"]["images"]["rgb"])',
)
def segment_sam2(bench: Workbench, rgb: Rgb, box: Box | None = None) -> PrimitiveOutcome:
    """The mask of the thing in a box; without one, masks of everything that stands out."""
    if box is None:
        segments, summary, evidence = search_picture(bench, rgb, ANYTHING, "classical")
        value = [{"mask": s.mask, "score": s.score} for s in segments]
        status: Status = "OK" if segments else "NOT_FOUND"
        return PrimitiveOutcome(status, value, summary, evidence=evidence)
    view = bench.view_of(rgb)
    cloud = None if view is None else TableCloud.of(view, bench.table_z_m)
    height, width = rgb.shape[:2]
    x1, x2 = sorted(int(np.clip(v, 0, width)) for v in (box[0], box[2]))
    y1, y2 = sorted(int(np.clip(v, 0, height)) for v in (box[1], box[3]))
    mask = mask_in_box(rgb, (x1, y1, x2, y2), cloud)
    if mask is None or not mask.any():
        return PrimitiveOutcome("NOT_FOUND", [], "the box is too small or too large for a thing")
    frames: tuple[Keyframe, ...] = ()
    if view is not None:
        frames = (bench.evidence.keyframe(view, draw_masks(rgb, [mask], [(x1, y1, x2, y2)])),)
    area = 100 * float(np.mean(mask))
    return PrimitiveOutcome(
        "OK", [{"mask": mask, "score": 0.5}], f"{area:.1f} %", evidence=Evidence(keyframes=frames)
    )


@primitive(
    group="perception",
    statuses=("OK", "NOT_FOUND"),
    returns="dict: agentview_mask, wrist_mask (H,W) bool or None, points_3d (N,3) base frame, "
    "scores (one per camera that found it)",
    tiers=("S2",),
    profiles=("libero",),
    example='get_object_3d_points_and_masks_from_language("red cube")',
)
def get_object_3d_points_and_masks_from_language(
    bench: Workbench, text_prompt: Prompt, use_multiview: Flag = True, stack: Key | None = None
) -> PrimitiveOutcome:
    """Masks of a thing by the fixed camera and the one on the hand, and its points of both."""
    value: dict[str, Any] = {
        "agentview_mask": None,
        "wrist_mask": None,
        "points_3d": np.zeros((0, 3)),
        "scores": [],
    }
    names = {"agentview_mask": fixed_camera(bench)}
    hand = hand_camera(bench)
    if use_multiview and hand is not None:
        names["wrist_mask"] = hand
    frames: list[Keyframe] = []
    clouds: list[NDArray[np.float64]] = []
    said: list[str] = []
    for key, camera in names.items():
        view = bench.look(camera)
        segments, summary, evidence = search_picture(bench, view.rgb, text_prompt, stack)
        frames += evidence.keyframes
        said.append(f"{camera}: {summary}")
        if segments:
            value[key] = segments[0].mask
            value["scores"].append(segments[0].score)
            clouds.append(_points(bench, view, segments[0]))
    if clouds:
        value["points_3d"] = np.concatenate(clouds)
    status: Status = "OK" if value["scores"] else "NOT_FOUND"
    evidence = Evidence(keyframes=tuple(frames))
    return PrimitiveOutcome(status, value, "; ".join(said), evidence=evidence)


def _points(bench: Workbench, view: View, segment: Segment) -> NDArray[np.float64]:
    cloud = TableCloud.of(view, bench.table_z_m)
    if cloud is None:
        return np.zeros((0, 3))
    return np.asarray(cloud.points[segment.mask & cloud.valid], float)


def _called(bench: Workbench, noun: str) -> str:
    """How the task names a thing: the word before the noun too, when that is a colour."""
    for word in re.findall(rf"(\w+)\s+{noun}s?\b", bench.task_language.lower()):
        if parse(word).colours:
            return f"{word} {noun}"
    return noun


def _handle(number: int) -> Primitive:
    @primitive(
        name=f"get_handle{number}_pos",
        group="perception",
        statuses=("OK", "NOT_FOUND"),
        returns="(3,) metres, base frame",
        tiers=("S1", "S2"),
        profiles=("capx",),
        fits=("arms",),
        frame="base",
        example=f"get_handle{number}_pos()",
    )
    def get_handle_pos(bench: Workbench) -> PrimitiveOutcome:
        """Middle of a handle, by the fixed camera in every tier; handle 0 is on arm 0's side.

        Fewer than two seen raises PrimitiveError with NOT_FOUND.
        """
        view = bench.look(fixed_camera(bench))
        name = _called(bench, "handle")
        segments, summary, evidence = search_picture(bench, view.rgb, name)
        middles = [np.median(p, axis=0) for s in segments if len(p := _points(bench, view, s))]
        if len(middles) < 2:
            why = f"{len(middles)} of two {name}s seen: {summary}"
            return PrimitiveOutcome("NOT_FOUND", None, why, raises=True, evidence=evidence)
        # Arm 0 stands at the larger y.
        chosen = sorted(middles[:2], key=lambda p: -float(p[1]))[number]
        where = "({:.3f}, {:.3f}, {:.3f}) m".format(*chosen)
        return PrimitiveOutcome("OK", chosen, f"{name} {number} at {where}", evidence=evidence)

    return get_handle_pos


@primitive(
    group="perception",
    statuses=("OK", "NOT_FOUND"),
    returns="(position (3,) metres, quaternion wxyz (4,))",
    tiers=("S1",),
    profiles=("capx",),
    fits=("arms",),
    frame="base",
    example="get_hammer_pose()",
)
def get_hammer_pose(bench: Workbench) -> PrimitiveOutcome:
    """Where the hammer is, by the fixed camera in every tier. Not seen raises PrimitiveError."""
    found, frames = find(bench, _called(bench, "hammer"), views_of(bench, None))
    evidence = Evidence(keyframes=frames)
    if isinstance(found, NotFound):
        return PrimitiveOutcome("NOT_FOUND", None, found.reason, raises=True, evidence=evidence)
    where = "({:.3f}, {:.3f}, {:.3f}) m".format(*found.position)
    return PrimitiveOutcome("OK", (found.position, found.wxyz), where, evidence=evidence)


PRIMITIVES: tuple[Primitive, ...] = (
    detect_object_owlvit,
    segment_sam2,
    get_object_3d_points_and_masks_from_language,
    _handle(0),
    _handle(1),
    get_hammer_pose,
)
