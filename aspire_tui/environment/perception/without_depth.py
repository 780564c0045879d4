"""Where a thing is, from pictures without depth: the table's plane and several views.

A camera that measures no depth cannot tell how high something lies. What stands on the table is
found by its outlines; what fits no box on the table (it is held, stacked, or partly hidden) is not
found, and the reason says so. Two cameras of a pair see one still scene at the same time, so all
their outlines are fitted together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aspire_tui.environment.perception.boxfit import CALIBRATION_SD_M, CALIBRATION_SD_RAD
from aspire_tui.environment.perception.camera import yaw_quaternion
from aspire_tui.environment.perception.estimate import NotFound, ObjectEstimate
from aspire_tui.environment.perception.occlusion import touches_border
from aspire_tui.environment.perception.picture import Picture
from aspire_tui.environment.perception.prompt import Prompt, parse
from aspire_tui.environment.perception.segment import Segment, Sighted
from aspire_tui.environment.perception.silhouettes import (
    FittedBox,
    Outline,
    corners_of,
    fit_box,
    shadow,
)
from aspire_tui.environment.perception.whereabouts import holds, where

FloatArray = NDArray[np.float64]

STANDS: Final = "stands on the table: taken for so, no camera here measures depth"
ONE_VIEW: Final = "by one outline: its height and its far side are guesses"
AGREES: Final = 0.72
"""Outlines that share less with the box's are not of a box standing there."""
RAISED_BETTER: Final = 0.05
"""A raised box has to agree so much better than one on the table to be believed."""
LEAST_RAISED_M: Final = 0.015
SAME_PLACE_M: Final = 0.06
"""Shadows of one thing on the table, from two views, have their middles nearer than this."""
MOST_TRIED: Final = 4
ONE_VIEW_SD_M, TWO_VIEWS_SD_M = 0.008, 0.004

Search = Callable[[NDArray[np.uint8], Prompt, None], Sighted]


@dataclass(frozen=True, eq=False)
class _Seen:
    view: Picture
    segment: Segment
    outline: Outline


def blind(view: Picture) -> bool:
    """A picture without any depth reading."""
    return not view.depth_m.any()


def locate_by_outlines(
    views: Sequence[Picture], prompt: Prompt, table_z_m: float, by: Search
) -> ObjectEstimate | NotFound:
    """Find a thing that stands on the table in pictures of one still scene."""
    told = where(prompt.text)
    if told is None:
        found = _candidates(views, prompt, table_z_m, by)
        return found if isinstance(found, NotFound) else found[0]
    other = locate_by_outlines(views, parse(told.other), table_z_m, by)
    if isinstance(other, NotFound):
        return NotFound(f"{told.other!r} is not found to judge {told.relation!r} by", other.seen)
    things = _candidates(views, parse(told.thing), table_z_m, by)
    if isinstance(things, NotFound):
        return things
    for thing in things:
        if holds(told.relation, thing, other):
            return thing
    return NotFound(f"no {told.thing} {told.relation} {told.other}")


def _candidates(
    views: Sequence[Picture], prompt: Prompt, table_z_m: float, by: Search
) -> list[ObjectEstimate] | NotFound:
    """Things that fit the words, best first."""
    seen: list[list[_Seen]] = []
    reasons, refused = [], []
    for view in views:
        sighted = by(view.rgb, prompt, None)
        own = []
        for s in sighted.segments[:MOST_TRIED]:
            if touches_border(s.mask):
                refused.append(f"{view.camera}: cut off by the edge of the picture, at {s.box}")
                continue
            own.append(_Seen(view, s, Outline.of(view.camera, s.mask, view.K, view.T_base_cam)))
        if own:
            seen.append(own)
        else:
            reasons.append(f"{view.camera}: {sighted.reason}")
            refused += [f"{view.camera}: {line}" for line in sighted.rejected]
    if not seen:
        return NotFound("; ".join(reasons) or "no picture to look at", tuple(refused))
    out = []
    even = prompt.shape in ("cube", "ball")
    for first in seen[0]:
        joined = [first]
        for own in seen[1:]:
            near, away_m = _nearest(first, own, table_z_m)
            # With one candidate each it is the one thing, however far apart its shadows fall.
            if away_m < SAME_PLACE_M or len(own) == len(seen[0]) == 1:
                joined.append(near)
        found = _measured(joined, table_z_m, even)
        if isinstance(found, ObjectEstimate):
            out.append(found)
        else:
            refused.append(f"{found}, at {first.segment.box}")
    if out:
        return out
    return NotFound(f"{prompt.text!r} {refused[-1]}", tuple(refused))


def _nearest(first: _Seen, others: list[_Seen], table_z_m: float) -> tuple[_Seen, float]:
    """Of another view's segments the one whose shadow on the table is nearest, and how far off."""

    def middle(s: _Seen) -> FloatArray:
        return np.asarray(np.median(shadow(s.outline, table_z_m + 0.02), axis=0), float)

    here = middle(first)
    away = [float(np.linalg.norm(middle(s) - here)) for s in others]
    k = int(np.argmin(away))
    return others[k], away[k]


def _measured(seen: list[_Seen], table_z_m: float, even: bool) -> ObjectEstimate | str:
    """The box of all outlines, or why it is none."""
    notes = [STANDS]
    outlines = [s.outline for s in seen]
    box = fit_box(outlines, table_z_m, even=even)
    if len(seen) > 1 and box.worst < AGREES:
        raised = fit_box(outlines, table_z_m, even=even, base_m=None)
        above = raised.centre_m[2] - raised.sides_m[2] / 2 - table_z_m
        if raised.mean > box.mean + RAISED_BETTER and above > LEAST_RAISED_M:
            box, notes = raised, [f"ends {1000 * above:.0f} mm above the table, by its outlines"]
    if len(seen) > 1 and box.worst < AGREES:
        apart = max(_nearest(seen[0], [s], table_z_m)[1] for s in seen[1:])
        if apart > SAME_PLACE_M:
            return (
                f"is seen {100 * apart:.0f} cm apart by {len(seen)} cameras, as if on the table: "
                "held, stacked or partly hidden, which no camera without depth can tell"
            )
        # Calibrations are wrong by an angle, which costs more from afar: the nearest camera whose
        # own outline is a box's is believed.
        for s in sorted(seen, key=lambda s: _away(s, box)):
            alone = fit_box([s.outline], table_z_m, even=even)
            if alone.worst >= AGREES:
                others = [o.view.camera for o in seen if o is not s]
                notes.append(f"{', '.join(others)} disagrees and is left out")
                seen, box = [s], alone
                break
    if box.worst < AGREES:
        return (
            f"fits no box that stands on the table ({100 * box.worst:.0f} % of its outline "
            "agrees): held, stacked or partly hidden, which no camera without depth can tell"
        )
    if len(seen) == 1:
        notes.append(ONE_VIEW)
    return _estimate(seen, box, notes)


def _away(seen: _Seen, box: FittedBox) -> float:
    return float(np.linalg.norm(seen.outline.T_base_cam[:3, 3] - np.array(box.centre_m)))


def _estimate(seen: list[_Seen], box: FittedBox, notes: list[str]) -> ObjectEstimate:
    centre, sides = np.array(box.centre_m), np.array(box.sides_m)
    eye = seen[0].outline.T_base_cam[:3, 3]
    distance = float(np.linalg.norm(centre - eye))
    fit_sd = ONE_VIEW_SD_M if len(seen) == 1 else TWO_VIEWS_SD_M
    sigma = float(np.hypot(np.hypot(CALIBRATION_SD_M, CALIBRATION_SD_RAD * distance), fit_sd))
    points = _surface(centre, sides, box.yaw_rad)
    one = ObjectEstimate(
        position=centre,
        wxyz=yaw_quaternion(box.yaw_rad),
        extent=sides,
        yaw_rad=box.yaw_rad,
        points=points,
        mask=seen[0].segment.mask,
        box=seen[0].segment.box,
        score=seen[0].segment.score * box.agreement[0],
        sigma_m=sigma,
        fit_sd_m=fit_sd,
        cameras=tuple(s.view.camera for s in seen),
        notes=tuple(notes),
    )
    if len(seen) == 1:
        return one
    each = tuple(
        replace(one, mask=s.segment.mask, box=s.segment.box, cameras=(s.view.camera,)) for s in seen
    )
    return replace(one, per_camera=each)


def _surface(centre: FloatArray, sides: FloatArray, yaw: float) -> NDArray[np.float32]:
    """Points on the fitted box's top and sides, as a cloud of it would have."""
    u, v = np.meshgrid(np.linspace(-1, 1, 9), np.linspace(-1, 1, 9))
    u, v, one = u.ravel(), v.ravel(), np.ones(81)
    faces = [
        np.stack([u, v, one], axis=1),
        *(np.stack([s * one, u, v], axis=1) for s in (-1, 1)),
        *(np.stack([u, s * one, v], axis=1) for s in (-1, 1)),
    ]
    unit = np.concatenate(faces)
    corner = corners_of(centre, sides, yaw)
    axes = (corner[[4, 2, 1]] - corner[0]) / 2
    return (centre + unit @ axes).astype(np.float32)
