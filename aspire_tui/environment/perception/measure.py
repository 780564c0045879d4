"""Lengths a verifier can judge, each from one camera alone, with its standard deviation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from aspire_tui.environment.perception.camera import deproject_to
from aspire_tui.environment.perception.objects import NotFound, ObjectEstimate, locate
from aspire_tui.environment.perception.picture import Picture
from aspire_tui.environment.perception.segment import segment

HEIGHT_SD_M = 0.002
"""Heights are read against the table in the same picture, so calibration hardly enters them."""

UNSEEN_BOTTOM_SD_M = 0.02
"""A bottom that was assumed rather than seen."""


LEAST_SURFACE_PIXELS = 40
SURFACE_TOP_PERCENT = 95.0
"""Above this share of the surface lie flying pixels."""

Seen = Mapping[str, ObjectEstimate | NotFound]
"""What each camera found when it looked for one thing."""


@dataclass(frozen=True)
class Measurement:
    """One length as one camera measured it; without a value, ``why`` says what was missing."""

    what: str
    camera: str
    value_m: float | None
    sigma_m: float
    why: str = ""


def sightings(views: Iterable[Picture], prompt: str, table_z_m: float) -> Seen:
    """Each camera's own judgement of where a thing is."""
    return {view.camera: locate([view], prompt, table_z_m=table_z_m) for view in views}


def surface_top(view: Picture, prompt: str, table_z_m: float) -> tuple[float, float, float] | None:
    """Middle and highest seen point of a thing's surface, base frame: for things in the gripper.

    What hides the top makes it lower, never higher, so it may prove that a thing is up.
    """
    found = segment(view.rgb, prompt, view.depth_m, view.K, view.T_base_cam, table_z_m)
    if not found:
        return None
    points = deproject_to(view.depth_m, view.K, view.T_base_cam)[found[0].mask]
    seen = points[view.depth_m[found[0].mask] > 0]
    if len(seen) < LEAST_SURFACE_PIXELS:
        return None
    x, y = (float(np.median(seen[:, i])) for i in (0, 1))
    return x, y, float(np.percentile(seen[:, 2], SURFACE_TOP_PERCENT))


def top_height(name: str, seen: Seen, table_z_m: float) -> tuple[Measurement, ...]:
    """Height of the top face above the table, per camera."""
    return tuple(
        _one(f"top of {name}", camera, e, lambda x: x.top_z_m - table_z_m, HEIGHT_SD_M)
        for camera, e in seen.items()
    )


def bottom_height(name: str, seen: Seen, table_z_m: float) -> tuple[Measurement, ...]:
    """Height of the lower end above the table, per camera; unsure where no side was in view."""
    out = []
    for camera, e in seen.items():
        assumed = isinstance(e, ObjectEstimate) and any("height taken" in n for n in e.notes)
        sigma = UNSEEN_BOTTOM_SD_M if assumed else 2 * HEIGHT_SD_M
        out.append(_one(f"bottom of {name}", camera, e, lambda x: x.bottom_z_m - table_z_m, sigma))
    return tuple(out)


def horizontal_offset(
    name_a: str,
    name_b: str,
    a: Seen,
    b: Seen,
) -> tuple[Measurement, ...]:
    """Distance between two things seen from above, per camera.

    Both are displaced alike by a wrong calibration, so only what differs between them remains.
    """
    out = []
    for camera in a:
        one, other = a[camera], b.get(camera, NotFound("not looked for"))
        what = f"{name_a} to {name_b}"
        if isinstance(one, NotFound):
            out.append(Measurement(what, camera, None, np.inf, one.reason))
            continue
        if isinstance(other, NotFound):
            out.append(Measurement(what, camera, None, np.inf, other.reason))
            continue
        apart = float(np.linalg.norm(one.position[:2] - other.position[:2]))
        sigma = float(np.hypot(one.fit_sd_m, other.fit_sd_m))
        out.append(Measurement(what, camera, apart, sigma))
    return tuple(out)


def _one(
    what: str,
    camera: str,
    seen: ObjectEstimate | NotFound,
    value: Callable[[ObjectEstimate], float],
    sigma_m: float,
) -> Measurement:
    if isinstance(seen, NotFound):
        return Measurement(what, camera, None, np.inf, seen.reason)
    return Measurement(what, camera, float(value(seen)), sigma_m)
