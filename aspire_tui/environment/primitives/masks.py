"""Primitives in pixels: masks and points of what words or a pixel name. Nothing here moves.

Whichever perception stack looks, the answer has one shape, with scores, and the picture is kept
with what was found drawn in. These names gave an empty value upstream when they found nothing, and
still do; a server that is down is FAULT in the trace.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aspire_tui.domain import Evidence, Status
from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.outcome import PrimitiveOutcome
from aspire_tui.environment.perception.cloud import TableCloud
from aspire_tui.environment.perception.overlay import draw_masks, draw_point
from aspire_tui.environment.perception.prompt import parse
from aspire_tui.environment.perception.segment import Segment
from aspire_tui.environment.perception.sight import CLASSICAL, inner_pixel
from aspire_tui.environment.primitives.arguments import Key, Pixel, Prompt, Rgb
from aspire_tui.environment.primitives.perception import EVERYWHERE, LOW_LEVEL
from aspire_tui.environment.primitives.registry import Primitive, primitive
from aspire_tui.environment.services import ServiceFailed

NO_DEPTH = "colour only: this picture has no depth here"


def search_picture(
    bench: Workbench, rgb: NDArray[np.uint8], text: str, stack: str | None = None
) -> tuple[tuple[Segment, ...], str, Evidence]:
    """Segments by the named stack or the cell's, one line, and the picture if this trial took it.

    Raises:
        ServiceFailed: What the stack asks is down, or there is no such stack.
    """
    sight = bench.stacks.named(stack)
    view = bench.view_of(rgb)
    cloud = None if view is None else TableCloud.of(view, bench.table_z_m)
    asked = parse(text)
    sighted = sight.search(rgb, asked, cloud)
    parts = []
    if sighted.segments:
        best = sighted.segments[0]
        area = 100 * float(np.mean(best.mask))
        parts.append(f"{len(sighted.segments)} found, best {best.score:.2f}, {area:.1f} %")
    elif sight.name == CLASSICAL:
        parts.append(sighted.reason)
    else:
        parts.append(f"{sight.name} finds no {text!r}")
    if sight.name != CLASSICAL:
        parts.append(f"by {sight.name}")
    elif asked.unknown:
        parts.append(f"could not use: {' '.join(asked.unknown)}")
    if cloud is None:
        parts.append(NO_DEPTH)
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


def _records(segments: Sequence[Segment]) -> list[dict[str, Any]]:
    return [
        {"mask": s.mask, "box": [float(v) for v in s.box], "score": s.score, "label": s.label}
        for s in segments
    ]


@primitive(
    group="perception",
    statuses=("OK", "NOT_FOUND"),
    returns="list of {mask (H,W) bool, box [x1,y1,x2,y2], score, label}, best first; [] if none",
    aliases=("segment_sam3_text_prompt",),
    tiers=LOW_LEVEL,
    profiles=EVERYWHERE,
)
def segment_text_prompt(
    bench: Workbench, rgb: Rgb, text_prompt: Prompt, stack: Key | None = None
) -> PrimitiveOutcome:
    """Masks of what a text such as ``small red cube`` describes.

    Understands colour, size and shape words. A picture from ``get_observation`` is judged with its
    depth; any other by colour alone. ``stack``: classical, server or vlm, not the cell's.
    """
    try:
        segments, summary, evidence = search_picture(bench, rgb, text_prompt, stack)
    except ServiceFailed as failed:
        return _empty(failed, [])
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
def segment_point_prompt(
    bench: Workbench, rgb: Rgb, point_coords: Pixel, stack: Key | None = None
) -> PrimitiveOutcome:
    """Mask of the thing under a pixel (x, y)."""
    view = bench.view_of(rgb)
    at = f"({point_coords[0]:.0f}, {point_coords[1]:.0f})"
    cloud = None if view is None else TableCloud.of(view, bench.table_z_m)
    try:
        found = bench.stacks.named(stack).at(rgb, point_coords, cloud)
    except ServiceFailed as failed:
        return _empty(failed, [])
    if view is None:
        evidence = Evidence(notes=(NO_DEPTH,))
    else:
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
def point_prompt(
    bench: Workbench, image: Rgb, text_prompt: Prompt, stack: Key | None = None
) -> PrimitiveOutcome:
    """A pixel on what a text describes."""
    nothing: dict[str, Any] = {text_prompt: (None, None)}
    try:
        if bench.stacks.named(stack).name != CLASSICAL:
            return _pointed(bench, image, text_prompt, stack)
        segments, summary, evidence = search_picture(bench, image, text_prompt, stack)
    except ServiceFailed as failed:
        return _empty(failed, nothing)
    if not segments:
        return PrimitiveOutcome("NOT_FOUND", nothing, summary, evidence=evidence)
    x, y = inner_pixel(segments[0].mask)
    value = {text_prompt: (float(x), float(y))}
    return PrimitiveOutcome("OK", value, f"({x}, {y}); {summary}", evidence=evidence)


def _pointed(
    bench: Workbench, image: NDArray[np.uint8], text: str, stack: str | None
) -> PrimitiveOutcome:
    """By a stack that points without masks."""
    sight, view = bench.stacks.named(stack), bench.view_of(image)
    cloud = None if view is None else TableCloud.of(view, bench.table_z_m)
    at = sight.point(image, parse(text), cloud)
    evidence = Evidence(notes=(f"by {sight.name}",))
    if view is not None:
        overlay = None if at is None else draw_point(image, at)
        frame = bench.evidence.keyframe(view, overlay)
        evidence = Evidence(keyframes=(frame,), notes=evidence.notes)
    if at is None:
        nothing = {text: (None, None)}
        why = f"{sight.name} points at no {text!r}"
        return PrimitiveOutcome("NOT_FOUND", nothing, why, evidence=evidence)
    told = f"({at[0]:.0f}, {at[1]:.0f}) by {sight.name}"
    return PrimitiveOutcome("OK", {text: (float(at[0]), float(at[1]))}, told, evidence=evidence)


def _empty(failed: ServiceFailed, value: Any) -> PrimitiveOutcome:
    """What a program got upstream when a service was down; the trace says what it was."""
    return PrimitiveOutcome(failed.status, value, str(failed))


PRIMITIVES: tuple[Primitive, ...] = (
    segment_text_prompt,
    segment_point_prompt,
    point_prompt,
)
