"""The primitive that finds things of a known outline: what no box describes. Nothing here moves."""

from __future__ import annotations

import numpy as np

from aspire_tui.domain import Evidence
from aspire_tui.environment.bench import Workbench
from aspire_tui.environment.outcome import PrimitiveOutcome
from aspire_tui.environment.perception.outlines import Patch, fit_outline
from aspire_tui.environment.perception.prompt import parse
from aspire_tui.environment.primitives.arguments import Key, Patches, Prompt, Width
from aspire_tui.environment.primitives.perception import EVERYWHERE, NoSuchCamera, views_of
from aspire_tui.environment.primitives.registry import Primitive, primitive


@primitive(
    group="perception",
    statuses=("OK", "NOT_FOUND"),
    returns="(x, y, yaw): metres and radians, base frame",
    tiers=(),
    profiles=EVERYWHERE,
)
def find_outline(
    bench: Workbench,
    object_name: Prompt,
    rectangles: Patches,
    height_m: Width = 0.0,
    base_m: Width = 0.0,
    camera: Key | None = None,
) -> PrimitiveOutcome:
    """Where a coloured thing whose outline from above is known lies, and which way it is turned.

    ``rectangles`` are rows (x, y, length along x, width) about the thing's own origin; it reaches
    from ``base_m`` to ``base_m + height_m`` above the table. By one camera, the fixed one if not
    named. Not found, or another outline, raises PrimitiveError with NOT_FOUND.
    """
    colours = parse(object_name).colours
    if not colours:
        why = f"no word in {object_name!r} names a colour"
        return PrimitiveOutcome("NOT_FOUND", None, why, raises=True)
    try:
        view = views_of(bench, camera)[0]
    except NoSuchCamera as error:
        return PrimitiveOutcome("INVALID", None, str(error), raises=True)
    patches = [Patch(*(float(v) for v in row)) for row in rectangles]
    low = bench.table_z_m + base_m
    found = fit_outline(view, colours[0], patches, low, low + height_m, bench.table_z_m)
    evidence = Evidence(keyframes=(bench.evidence.keyframe(view, None),))
    if found is None or not found.good:
        why = f"nothing {colours[0]} is in view"
        if found is not None:
            why = (
                f"what is {colours[0]} has another outline: {100 * found.misfit:.0f} % of its area "
                f"disagrees, {100 * found.hidden:.0f} % is hidden"
            )
        return PrimitiveOutcome("NOT_FOUND", None, why, raises=True, evidence=evidence)
    value = np.array([found.x_m, found.y_m, found.yaw_rad])
    summary = (
        f"({found.x_m:.3f}, {found.y_m:.3f}) m, yaw {np.rad2deg(found.yaw_rad):.0f}°, "
        f"{100 * found.misfit:.0f} % of its area disagrees, by {view.camera}"
    )
    return PrimitiveOutcome("OK", value, summary, evidence=evidence)


PRIMITIVES: tuple[Primitive, ...] = (find_outline,)
