"""Things told apart by what is written on them: ``the white box labelled "SALT"``.

What the other words describe is found first; of each such thing the picture is enlarged and read.
The reader is an extra (``pip install 'aspire-tui[ocr]'``); without it such a prompt is a FAULT that
says so, never "nothing found".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aspire_tui.environment.perception.segment import Segment, Sighted
from aspire_tui.environment.services import ServiceFailed

ALIKE: Final = 0.75
"""Letters are misread: words that share so much are taken for the same."""
MARGIN_PX: Final = 6
READ_AT_PX: Final = 240
"""A thing's picture is enlarged to so many pixels; small letters are not read otherwise."""
MISSING: Final = "what is written on things is read by OCR: pip install 'aspire-tui[ocr]'"

_LABEL = re.compile(
    r"\s*\b(?:labell?ed|marked|lettered|that says|that reads|with the (?:label|text|word))"
    r"\s+(?:[\"'“‘](?P<quoted>[^\"'”’]+)[\"'”’]|(?P<bare>[\w-]+))",
    re.IGNORECASE,
)


class Reader(Protocol):
    """Reads letters out of a picture."""

    def read(self, rgb: NDArray[np.uint8]) -> list[str]:
        """Words and lines as they were read. Raises ServiceFailed when it cannot."""
        ...


@dataclass
class OcrReader:
    """RapidOCR on this machine's processor; its weights come with the package."""

    _engine: Any = field(default=None, repr=False)

    def read(self, rgb: NDArray[np.uint8]) -> list[str]:
        if self._engine is None:
            try:
                # An extra, and half a second to load.
                from rapidocr_onnxruntime import RapidOCR
            except ImportError:
                raise ServiceFailed("FAULT", MISSING) from None
            self._engine = RapidOCR()
        found, _ = self._engine(np.ascontiguousarray(rgb[..., ::-1]))
        return [str(row[1]) for row in found or []]


def label_in(text: str) -> tuple[str, str] | None:
    """The prompt without its label, and the label; None when it asks for none. Pure."""
    found = _LABEL.search(text)
    if found is None:
        return None
    rest = f"{text[: found.start()]} {text[found.end() :]}".strip()
    return rest or "object", found.group("quoted") or found.group("bare")


def lettered(sighted: Sighted, rgb: NDArray[np.uint8], label: str, reader: Reader) -> Sighted:
    """Of the things that were found, those that carry the label, best first."""
    kept: list[Segment] = []
    rejected = list(sighted.rejected)
    for segment in sighted.segments:
        words = reader.read(enlarged(rgb, segment))
        alike = likeness(label, words)
        if alike >= ALIKE:
            kept.append(replace(segment, score=segment.score * alike))
        else:
            told = ", ".join(repr(w) for w in words) or "nothing"
            rejected.append(f"reads {told} at {segment.box}")
    kept.sort(key=lambda s: -s.score)
    return replace(sighted, segments=tuple(kept), rejected=tuple(rejected))


def likeness(label: str, words: list[str]) -> float:
    """How much of a label is among words that were read, 0..1. Pure."""
    wanted = _plain(label)
    read = [_plain(w) for w in words]
    read += [_plain("".join(words)), *(_plain(p) for w in words for p in w.split())]
    return max((SequenceMatcher(None, wanted, r).ratio() for r in read), default=0.0)


def enlarged(rgb: NDArray[np.uint8], segment: Segment) -> NDArray[np.uint8]:
    """The picture round a segment, large enough to be read."""
    rows, cols = np.nonzero(segment.mask)
    y0, x0 = max(0, rows.min() - MARGIN_PX), max(0, cols.min() - MARGIN_PX)
    part = rgb[y0 : rows.max() + 1 + MARGIN_PX, x0 : cols.max() + 1 + MARGIN_PX]
    times = max(1.0, READ_AT_PX / min(part.shape[:2]))
    size = (round(part.shape[1] * times), round(part.shape[0] * times))
    return np.asarray(Image.fromarray(part).resize(size, Image.Resampling.BICUBIC))


def _plain(text: str) -> str:
    return re.sub(r"\W", "", text).casefold()
