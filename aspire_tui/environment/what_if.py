"""A perception call again, on the pictures it used, with another prompt, point or threshold.

Nothing is asked of any cell: the stored pictures, their depth and calibration are all there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aspire_tui.domain import Keyframe
from aspire_tui.environment.bench import View
from aspire_tui.environment.evidence import decode_depth_png, decode_rgb_png
from aspire_tui.environment.perception.cloud import TableCloud
from aspire_tui.environment.perception.objects import NotFound, ObjectEstimate, locate
from aspire_tui.environment.perception.overlay import draw_box, draw_masks
from aspire_tui.environment.perception.prompt import parse
from aspire_tui.environment.perception.segment import Segment, search, segment_point
from aspire_tui.environment.primitives.perception import describe
from drivers.types import Frame

POSES = ("get_object_pose", "look_at_object")
"""Calls that answer where a thing is; all others that look answer masks."""


class CannotLook(ValueError):
    """There is nothing to look at again; the text says what is missing."""


@dataclass(frozen=True)
class Change:
    """What is different this time.

    Attributes:
        prompt: What to look for.
        point: A pixel (x, y) instead of a prompt.
        threshold: Least score, 0..1.
    """

    prompt: str = ""
    point: tuple[float, float] | None = None
    threshold: float = 0.0


@dataclass(frozen=True, eq=False)
class Seen:
    """What came of it.

    Attributes:
        status: OK or NOT_FOUND.
        summary: One line.
        notes: What was refused and why.
        overlay: Shape (H, W, 3): the picture with what was found.
        camera: Whose picture that is.
    """

    status: str
    summary: str
    notes: tuple[str, ...]
    overlay: NDArray[np.uint8]
    camera: str


def view_of(keyframe: Keyframe, rgb_png: bytes, depth_png: bytes | None) -> View:
    """A stored picture as a view. Raises CannotLook when its bytes are no picture any more."""
    try:
        rgb = decode_rgb_png(rgb_png)
        depth = decode_depth_png(depth_png) if depth_png is not None else None
    except (OSError, ValueError, SyntaxError) as error:
        raise CannotLook(f"the stored picture cannot be read: {error}") from None
    T = np.array(keyframe.T_base_cam)
    frame = Frame(
        camera=keyframe.camera,
        seq=0,
        t_s=keyframe.t_s,
        age_s=0.0,
        rgb=rgb,
        depth=depth,
        depth_unit_m=keyframe.depth_unit_m,
        K=np.array(keyframe.K),
        T_mount_cam=T,
        mount="base",
    )
    depth_m = frame.depth_m() if depth is not None else np.zeros(rgb.shape[:2], np.float32)
    return View(frame, T, depth_m)


def look_again(
    primitive: str, views: Sequence[View], change: Change, table_z_m: float | None
) -> Seen:
    """The call again. Raises CannotLook when nothing was asked for."""
    if not views:
        raise CannotLook("this call kept no picture")
    if change.point is not None:
        return _at_point(views[0], change.point, table_z_m)
    if not change.prompt.strip():
        raise CannotLook("say what to look for, or a point")
    if primitive in POSES:
        return _pose(views, change, table_z_m)
    return _masks(views[0], change, table_z_m)


def _pose(views: Sequence[View], change: Change, table_z_m: float | None) -> Seen:
    found = locate(views, change.prompt, table_z_m=table_z_m)
    first = views[0]
    if isinstance(found, NotFound):
        return Seen("NOT_FOUND", found.reason, found.seen, first.rgb, first.camera)
    overlay = draw_box(first.rgb, _own(found, first), first.K, first.T_base_cam)
    if found.score < change.threshold:
        why = f"best score {found.score:.2f} is below {change.threshold:.2f}: {describe(found)}"
        return Seen("NOT_FOUND", why, found.notes, overlay, first.camera)
    return Seen("OK", describe(found), found.notes, overlay, first.camera)


def _own(found: ObjectEstimate, view: View) -> ObjectEstimate:
    """What this camera itself saw, where several were joined."""
    mine = [e for e in found.per_camera or () if e.cameras[0] == view.camera]
    return mine[0] if mine else found


def _masks(view: View, change: Change, table_z_m: float | None) -> Seen:
    cloud = TableCloud.of(view, table_z_m)
    sighted = search(view.rgb, parse(change.prompt), cloud)
    kept = [s for s in sighted.segments if s.score >= change.threshold]
    below = len(sighted.segments) - len(kept)
    notes = sighted.rejected + ((f"{below} below {change.threshold:.2f}",) if below else ())
    return _drawn(view, kept, sighted.reason or "all are below the threshold", notes)


def _at_point(view: View, point: tuple[float, float], table_z_m: float | None) -> Seen:
    found = segment_point(view.rgb, point, view.depth_m, view.K, view.T_base_cam, table_z_m)
    return _drawn(view, found, f"nothing stands out at ({point[0]:.0f}, {point[1]:.0f})", ())


def _drawn(view: View, found: Sequence[Segment], nothing: str, notes: tuple[str, ...]) -> Seen:
    if not found:
        return Seen("NOT_FOUND", nothing, notes, view.rgb, view.camera)
    overlay = draw_masks(
        view.rgb, [s.mask for s in found], [s.box for s in found], [s.score for s in found]
    )
    area = 100 * float(np.mean(found[0].mask))
    text = f"{len(found)} found, best {found[0].score:.2f}, {area:.1f} % of the picture"
    return Seen("OK", text, notes, overlay, view.camera)
