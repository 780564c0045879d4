"""The stack ``vlm``: boxes and points by the model, masks from colour and depth inside them."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from aspire_tui.environment.evidence import encode_rgb_png
from aspire_tui.environment.model import Model
from aspire_tui.environment.perception.cloud import TableCloud
from aspire_tui.environment.perception.prompt import Prompt
from aspire_tui.environment.perception.segment import LARGEST_SHARE, Segment, Sighted, segment_at
from aspire_tui.environment.perception.server_sight import implausible, segment_of
from aspire_tui.environment.perception.sight import Pixel, Rgb
from aspire_tui.environment.services import ServiceFailed

SCALE: Final = 1000.0
MOST_BOXES: Final = 8
LEAST_FILL: Final = 0.15
"""A mask grown from a box's middle that fills less of the box is not what the box is about."""

BOXES: Final = (
    "Find every {text} in the picture. Answer with JSON alone: a list of objects "
    '{{"box": [x1, y1, x2, y2], "score": 0 to 1}}, the best first, coordinates in thousandths of '
    "the picture's width and height from its upper left corner; [] when there is none."
)
POINT: Final = (
    "Point at the {text} in the picture. Answer with JSON alone: [x, y] in thousandths of the "
    "picture's width and height from its upper left corner, or null when there is none."
)


class Boxed(msgspec.Struct):
    """One box of the model's answer, in thousandths."""

    box: tuple[float, float, float, float]
    score: float = 0.5


class ModelSight:
    """Asks the model; what it says is taken as where to look, not as a measurement."""

    name = "vlm"

    def __init__(self, model: Model) -> None:
        self._model = model

    def search(self, rgb: Rgb, prompt: Prompt, cloud: TableCloud | None) -> Sighted:
        answer = self._ask(BOXES.format(text=prompt.text), rgb)
        kept: list[Segment] = []
        refused: list[str] = []
        for one in self._read(answer, list[Boxed])[:MOST_BOXES]:
            x1, y1, x2, y2 = _in_pixels(one.box, rgb)
            mask = mask_in_box(rgb, (x1, y1, x2, y2), cloud)
            why = "too small or too large a box" if mask is None else implausible(mask, one.score)
            if mask is None or why:
                refused.append(f"{why} at {(x1, y1, x2, y2)}")
                continue
            kept.append(segment_of(mask, one.score, prompt.text, cloud))
        kept.sort(key=lambda s: -s.score)
        return Sighted(prompt, tuple(kept), tuple(refused))

    def at(self, rgb: Rgb, pixel: Pixel, cloud: TableCloud | None) -> list[Segment]:
        """Under a pixel there is nothing to ask: grown over like colour and unbroken depth."""
        return segment_at(rgb, pixel, cloud)

    def point(self, rgb: Rgb, prompt: Prompt, cloud: TableCloud | None) -> Pixel | None:
        answer = self._ask(POINT.format(text=prompt.text), rgb)
        found = self._read(answer, tuple[float, float] | None)
        if found is None:
            return None
        x, y = found
        if not (0 <= x <= SCALE and 0 <= y <= SCALE):
            raise ServiceFailed(
                "INVALID", f"{self._model.name} points outside the picture: {found}"
            )
        return x / SCALE * (rgb.shape[1] - 1), y / SCALE * (rgb.shape[0] - 1)

    def _ask(self, question: str, rgb: Rgb) -> str:
        return self._model.ask(question, [("image/png", encode_rgb_png(rgb))], 0.0)

    def _read(self, answer: str, kind: Any) -> Any:
        """The JSON in an answer, whatever stands round it."""
        found = re.search(r"\[.*\]|null", answer, re.DOTALL)
        try:
            return msgspec.json.decode((found.group(0) if found else answer).encode(), type=kind)
        except (msgspec.DecodeError, RecursionError):
            said = " ".join(answer.split())[:120]
            raise ServiceFailed(
                "INVALID", f"{self._model.name} answered no {kind}: {said}"
            ) from None


def _in_pixels(box: tuple[float, float, float, float], rgb: Rgb) -> tuple[int, int, int, int]:
    height, width = rgb.shape[:2]
    x1, x2 = sorted(float(np.clip(v, 0, SCALE)) / SCALE * width for v in (box[0], box[2]))
    y1, y2 = sorted(float(np.clip(v, 0, SCALE)) / SCALE * height for v in (box[1], box[3]))
    return int(x1), int(y1), int(np.ceil(x2)), int(np.ceil(y2))


def mask_in_box(
    rgb: Rgb, box: tuple[int, int, int, int], cloud: TableCloud | None
) -> NDArray[np.bool_] | None:
    """The thing in a box: grown from its middle; else what stands out from the table in it."""
    x1, y1, x2, y2 = box
    if x2 - x1 < 3 or y2 - y1 < 3 or (x2 - x1) * (y2 - y1) > LARGEST_SHARE * rgb[..., 0].size:
        return None
    inside = np.zeros(rgb.shape[:2], bool)
    inside[y1:y2, x1:x2] = True
    least = LEAST_FILL * np.count_nonzero(inside)
    grown = segment_at(rgb, ((x1 + x2) / 2, (y1 + y2) / 2), cloud)
    if grown and np.count_nonzero(grown[0].mask & inside) > max(
        least, 0.5 * np.count_nonzero(grown[0].mask)
    ):
        return np.asarray(grown[0].mask & inside, bool)
    if cloud is None:
        return inside
    labels, count = cloud.components(inside & cloud.above_table())
    if count == 0:
        return inside
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    from scipy import ndimage

    largest = labels == int(sizes.argmax())
    return np.asarray(ndimage.binary_fill_holes(largest), bool)
