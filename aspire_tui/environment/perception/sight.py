"""A perception stack: one way of finding in a picture what words describe.

Every stack answers with the same segments, so that everything after it (measuring, words of place,
overlays, grasps) is the same whoever looked.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from aspire_tui.environment.perception.cloud import TableCloud
from aspire_tui.environment.perception.lettering import OcrReader, Reader, label_in, lettered
from aspire_tui.environment.perception.prompt import Prompt, parse
from aspire_tui.environment.perception.segment import Segment, Sighted, search, segment_at

Rgb = NDArray[np.uint8]
Pixel = tuple[float, float]

CLASSICAL: Final = "classical"


class Sight(Protocol):
    """One stack. What it cannot do now raises ServiceFailed; finding nothing is no failure."""

    @property
    def name(self) -> str: ...

    def search(self, rgb: Rgb, prompt: Prompt, cloud: TableCloud | None) -> Sighted:
        """What fits the words, best first."""
        ...

    def at(self, rgb: Rgb, pixel: Pixel, cloud: TableCloud | None) -> list[Segment]:
        """What is under a pixel (x, y), best first."""
        ...

    def point(self, rgb: Rgb, prompt: Prompt, cloud: TableCloud | None) -> Pixel | None:
        """A pixel (x, y) on what the words describe."""
        ...


class ClassicalSight:
    """Colour, shape, size and standing out from the table: no weights, no server.

    What is written on a thing is read by ``reader``, which is only asked when the words want it.
    """

    name = CLASSICAL

    def __init__(self, reader: Reader | None = None) -> None:
        self._reader = reader or OcrReader()

    def search(self, rgb: Rgb, prompt: Prompt, cloud: TableCloud | None) -> Sighted:
        wanted = label_in(prompt.text)
        if wanted is None:
            return search(rgb, prompt, cloud)
        rest, label = wanted
        found = replace(search(rgb, parse(rest), cloud), prompt=prompt)
        return lettered(found, rgb, label, self._reader)

    def at(self, rgb: Rgb, pixel: Pixel, cloud: TableCloud | None) -> list[Segment]:
        return segment_at(rgb, pixel, cloud)

    def point(self, rgb: Rgb, prompt: Prompt, cloud: TableCloud | None) -> Pixel | None:
        found = self.search(rgb, prompt, cloud).segments
        return inner_pixel(found[0].mask) if found else None


def inner_pixel(mask: NDArray[np.bool_]) -> tuple[int, int]:
    """The pixel (x, y) of a mask nearest to its middle."""
    rows, cols = np.nonzero(mask)
    middle = np.array([rows.mean(), cols.mean()])
    k = int(np.argmin((rows - middle[0]) ** 2 + (cols - middle[1]) ** 2))
    return int(cols[k]), int(rows[k])
