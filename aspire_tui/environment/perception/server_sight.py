"""The stack ``server``: masks by a segmentation server, points by a pointing server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aspire_tui.environment.perception.cloud import TableCloud
from aspire_tui.environment.perception.forms import form_of
from aspire_tui.environment.perception.prompt import Prompt
from aspire_tui.environment.perception.segment import LARGEST_SHARE, Segment, Sighted
from aspire_tui.environment.perception.servers import pointed, segmented, segmented_at
from aspire_tui.environment.perception.sight import Pixel, Rgb
from aspire_tui.environment.services import ServiceFailed

LEAST_SCORE: Final = 0.3
LEAST_PIXELS: Final = 12


@dataclass(frozen=True)
class Servers:
    """Where the servers are; an empty address: there is none."""

    segment_url: str = ""
    point_url: str = ""
    point_model: str = ""
    within_s: float = 60.0


class ServerSight:
    """Asks the servers a cell file names. One that is down is a fault, never "not found"."""

    name = "server"

    def __init__(self, servers: Servers) -> None:
        self._section = servers

    def search(self, rgb: Rgb, prompt: Prompt, cloud: TableCloud | None) -> Sighted:
        s = self._section
        if not s.segment_url:
            at = self.point(rgb, prompt, cloud)
            return Sighted(prompt, tuple(self.at(rgb, at, cloud)) if at else (), ())
        kept: list[Segment] = []
        refused: list[str] = []
        for mask, box, score in segmented(s.segment_url, rgb, prompt.text, s.within_s):
            why = implausible(mask, score)
            if why:
                refused.append(f"{why} at {tuple(round(v) for v in box)}")
                continue
            kept.append(segment_of(mask, score, prompt.text, cloud))
        return Sighted(prompt, tuple(kept), tuple(refused[:8]))

    def at(self, rgb: Rgb, pixel: Pixel, cloud: TableCloud | None) -> list[Segment]:
        s = self._section
        if not s.segment_url:
            raise ServiceFailed("FAULT", "the cell file names no [perception] segment_url")
        label = f"({pixel[0]:.0f}, {pixel[1]:.0f})"
        found = segmented_at(s.segment_url, rgb, pixel, s.within_s)
        return [
            segment_of(mask, score, label, cloud)
            for mask, score in found
            if not implausible(mask, score)
        ]

    def point(self, rgb: Rgb, prompt: Prompt, cloud: TableCloud | None) -> Pixel | None:
        s = self._section
        if not s.point_url:
            raise ServiceFailed("FAULT", "the cell file names no [perception] point_url")
        found = pointed(s.point_url, s.point_model, rgb, prompt.text, s.within_s)
        return found[0] if found else None


def segment_of(
    mask: NDArray[np.bool_], score: float, label: str, cloud: TableCloud | None
) -> Segment:
    """A mask as every stack gives it; its box is its own, the last pixels exclusive."""
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = (int(cols[0]), int(rows[0]), int(cols[-1]) + 1, int(rows[-1]) + 1)
    form = None if cloud is None else form_of(mask, cloud)
    return Segment(mask, box, float(np.clip(score, 0.0, 1.0)), label, form)


def implausible(mask: NDArray[np.bool_], score: float) -> str:
    """Why a mask is not taken for a thing, or nothing."""
    if score < LEAST_SCORE:
        return f"score {score:.2f}"
    pixels = int(np.count_nonzero(mask))
    if pixels < LEAST_PIXELS:
        return f"{pixels} pixels"
    return "fills the picture" if pixels > LARGEST_SHARE * mask.size else ""
