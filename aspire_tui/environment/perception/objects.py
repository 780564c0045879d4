"""Where a thing is, from one or more cameras, each judged alone before they are joined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from aspire_tui.environment.perception.boxfit import COVERED_SD_M, measure
from aspire_tui.environment.perception.cloud import TableCloud
from aspire_tui.environment.perception.estimate import NotFound, ObjectEstimate
from aspire_tui.environment.perception.picture import Picture
from aspire_tui.environment.perception.prompt import Prompt, parse
from aspire_tui.environment.perception.segment import Sighted, search
from aspire_tui.environment.perception.whereabouts import Where, holds, where
from aspire_tui.environment.perception.without_depth import blind, locate_by_outlines

__all__ = ["NotFound", "ObjectEstimate", "fuse", "locate", "locate_in"]

DISAGREE_M = 0.02

Searcher = Callable[[NDArray[np.uint8], Prompt, TableCloud | None], Sighted]
"""Finds segments of what a prompt describes in a picture: a perception stack's ``search``."""


def locate(
    views: Sequence[Picture],
    prompt: str,
    *,
    table_z_m: float | None = None,
    by: Searcher = search,
) -> ObjectEstimate | NotFound:
    """Find a thing in one or more pictures of the same still scene.

    Args:
        table_z_m: Height of the table in the base frame; None takes the largest plane for it, and
            then works only if the pictures are of one camera.
        by: Which perception stack looks.
    """
    asked = parse(prompt)
    if table_z_m is not None and views and all(blind(view) for view in views):
        return locate_by_outlines(views, asked, table_z_m, by)
    found: list[ObjectEstimate] = []
    reasons: list[str] = []
    refused: list[str] = []
    for view in views:
        one = locate_in(view, asked, table_z_m, by)
        if isinstance(one, ObjectEstimate):
            found.append(one)
        else:
            reasons.append(f"{view.camera}: {one.reason}")
            refused += [f"{view.camera}: {line}" for line in one.seen]
    if not found:
        return NotFound("; ".join(reasons) or "no picture to look at", tuple(refused))
    return fuse(found)


def locate_in(
    view: Picture, prompt: Prompt, table_z_m: float | None, by: Searcher = search
) -> ObjectEstimate | NotFound:
    """One camera's own judgement."""
    told = where(prompt.text)
    if told is not None:
        return _placed_so(view, told, table_z_m, by)
    cloud = TableCloud.of(view, table_z_m)
    sighted = by(view.rgb, prompt, cloud)
    if not sighted.segments:
        return NotFound(sighted.reason, sighted.rejected)
    if cloud is None:
        return NotFound(f"{prompt.text!r} is in the picture but there is no depth")
    refused: list[str] = []
    for s in sighted.segments:
        estimate = measure(s, cloud, prompt, view.camera)
        if isinstance(estimate, str):
            refused.append(f"{estimate}, at {s.box}")
            continue
        others = [f"{o.score:.2f}" for o in sighted.segments if o is not s]
        if others:
            extra = f"{len(others)} more fit the words (score {', '.join(others)})"
            return replace(estimate, notes=(*estimate.notes, extra))
        return estimate
    return NotFound(f"{prompt.text!r} {refused[0]}", (*refused, *sighted.rejected))


def _placed_so(
    view: Picture, told: Where, table_z_m: float | None, by: Searcher
) -> ObjectEstimate | NotFound:
    """Of the things that fit, the best one that stands as the prompt says."""
    other = locate_in(view, parse(told.other), table_z_m, by)
    if isinstance(other, NotFound):
        return NotFound(f"{told.other!r} is not found to judge {told.relation!r} by", other.seen)
    asked = parse(told.thing)
    cloud = TableCloud.of(view, table_z_m)
    sighted = by(view.rgb, asked, cloud)
    if not sighted.segments or cloud is None:
        return NotFound(sighted.reason, sighted.rejected)
    refused = []
    for s in sighted.segments:
        estimate = measure(s, cloud, asked, view.camera)
        if isinstance(estimate, str):
            refused.append(f"{estimate}, at {s.box}")
        elif holds(told.relation, estimate, other):
            return estimate
        else:
            refused.append(f"not {told.relation} {told.other}, at {s.box}")
    return NotFound(f"no {told.thing} {told.relation} {told.other}", tuple(refused))


def fuse(found: Sequence[ObjectEstimate]) -> ObjectEstimate:
    """Join what several cameras said; where they disagree, take the surer one and say so."""
    if len(found) == 1:
        return found[0]
    ranked = sorted(found, key=lambda e: (e.fit_sd_m > COVERED_SD_M, -e.score))
    best = ranked[0]
    xy = np.array([e.position[:2] for e in found])
    spread = float(np.max(np.linalg.norm(xy[:, None] - xy[None], axis=2)))
    notes = [f"{e.cameras[0]}: {n}" for e in found for n in e.notes]
    cameras = tuple(e.cameras[0] for e in ranked)
    if spread > DISAGREE_M:
        notes.append(
            f"cameras disagree by {spread * 1000:.0f} mm; took {best.cameras[0]}, not the mean"
        )
        return replace(
            best, cameras=cameras, per_camera=tuple(found), spread_m=spread, notes=tuple(notes)
        )
    weight = np.array([1 / e.sigma_m**2 for e in found])
    weight /= weight.sum()
    top = float(sum(w * e.top_z_m for w, e in zip(weight, found, strict=True)))
    seen_below = [e for e in found if not any("height taken" in n for n in e.notes)] or [best]
    bottom = float(np.mean([e.bottom_z_m for e in seen_below]))
    position = np.append(weight @ xy, (top + bottom) / 2)
    extent = np.array([best.extent[0], best.extent[1], max(top - bottom, 0.001)])
    sigma = float(np.sqrt(np.sum((weight * [e.sigma_m for e in found]) ** 2)))
    return replace(
        best,
        position=position,
        extent=extent,
        points=np.concatenate([e.points for e in found]),
        sigma_m=sigma,
        cameras=cameras,
        per_camera=tuple(found),
        spread_m=spread,
        notes=tuple(notes),
    )
