"""What perception saw, drawn into the picture for people: masks, boxes, grasps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from aspire_tui.environment.perception.camera import invert, project, rotation
from aspire_tui.environment.perception.grasps import GripperShape
from aspire_tui.environment.perception.objects import ObjectEstimate

FloatArray = NDArray[np.float64]
Rgb = NDArray[np.uint8]
Colour = tuple[int, int, int]

PALETTE: tuple[Colour, ...] = (
    (255, 214, 10),
    (10, 220, 255),
    (255, 90, 200),
    (120, 255, 120),
    (255, 150, 60),
)
SHOWN = 5


def draw_masks(
    rgb: Rgb,
    masks: Sequence[NDArray[np.bool_]],
    boxes: Sequence[tuple[int, int, int, int]] = (),
    scores: Sequence[float] = (),
) -> Rgb:
    """Tinted masks with outlines; boxes with scores, the first few only."""
    from scipy import ndimage

    out = rgb.astype(np.float32)
    for i, mask in enumerate(masks[:SHOWN]):
        tint = np.array(PALETTE[i % len(PALETTE)], np.float32)
        out[mask] = 0.65 * out[mask] + 0.35 * tint
        out[mask & ~ndimage.binary_erosion(mask)] = tint
    picture = Image.fromarray(out.astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    for i, (x1, y1, x2, y2) in enumerate(boxes[:SHOWN]):
        colour = PALETTE[i % len(PALETTE)]
        draw.rectangle((x1 - 1, y1 - 1, x2, y2), outline=colour)
        if i < len(scores):
            draw.text((x1, max(0, y1 - 12)), f"{scores[i]:.2f}", fill=colour)
    return np.asarray(picture)


def draw_point(rgb: Rgb, at: tuple[float, float]) -> Rgb:
    """A pixel (x, y) that was pointed at."""
    picture = Image.fromarray(rgb)
    draw = ImageDraw.Draw(picture)
    x, y = at
    draw.ellipse((x - 4, y - 4, x + 4, y + 4), outline=PALETTE[0], width=2)
    draw.point((x, y), fill=PALETTE[1])
    return np.asarray(picture)


def draw_box(rgb: Rgb, thing: ObjectEstimate, K: FloatArray, T_base_cam: FloatArray) -> Rgb:
    """The twelve edges of a measured box over the mask it came from."""
    base = rgb
    if thing.mask.shape == rgb.shape[:2]:
        base = draw_masks(rgb, [thing.mask])
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
    corners = thing.position + (signs * thing.extent / 2) @ rotation(thing.wxyz).T
    picture = Image.fromarray(base)
    draw = ImageDraw.Draw(picture)
    for i in range(8):
        for j in range(i + 1, 8):
            if np.count_nonzero(signs[i] != signs[j]) == 1:
                _line(draw, corners[[i, j]], K, T_base_cam, PALETTE[1])
    return np.asarray(picture)


def draw_grasps(
    rgb: Rgb,
    grasps: Sequence[FloatArray],
    scores: Sequence[float],
    K: FloatArray,
    T_base_cam: FloatArray,
    gripper: GripperShape,
) -> Rgb:
    """Open fingers of each grasp (base-frame poses), the best in full colour, others faint."""
    picture = Image.fromarray(rgb)
    draw = ImageDraw.Draw(picture)
    half, back = gripper.opening_m / 2, -0.03
    local = np.array(
        [
            [0, -half, 0],
            [0, -half, back],
            [0, half, back],
            [0, half, 0],
            [0, 0, back],
            [0, 0, -0.06],
        ]
    )
    order = np.argsort(scores)[-8:]
    for rank, i in enumerate(order):
        T = grasps[i]
        p = local @ T[:3, :3].T + T[:3, 3]
        colour = PALETTE[0] if rank == len(order) - 1 else (150, 150, 150)
        for a, b in ((0, 1), (1, 2), (2, 3), (4, 5)):
            _line(draw, p[[a, b]], K, T_base_cam, colour)
    return np.asarray(picture)


def _line(
    draw: ImageDraw.ImageDraw, ends: FloatArray, K: FloatArray, T: FloatArray, colour: Colour
) -> None:
    inverse = invert(T)
    local = ends @ inverse[:3, :3].T + inverse[:3, 3]
    if np.all(local[:, 2] > 0.01):
        (x1, y1), (x2, y2) = project(local, K)
        draw.line((x1, y1, x2, y2), fill=colour)
