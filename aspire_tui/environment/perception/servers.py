"""The client's side of CaP-X's perception servers: SAM3 for masks, Molmo for points.

``POST /segment`` and ``/segment_point`` take a picture as base64 PNG and answer masks as base64 of
one byte (or one float) per pixel. Pointing is an OpenAI-style ``/chat/completions`` asked to
``Point at …``, whose words hold coordinates in parts of 100 or 1000.
"""

from __future__ import annotations

import base64
import http.client
import io
import re
import urllib.error
import urllib.request
from typing import Any, Final, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aspire_tui.environment.services import ServiceFailed

Rgb = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Shape = TypeVar("Shape")

LARGEST_ANSWER: Final = 64 << 20
MOST_MASKS: Final = 32
MOST_TOKENS: Final = 1024
NUMBER: Final = r"\d+(?:\.\d+)?"

MASK_TYPES: Final = ("bool", "uint8", "float32", "float64", "float16")


class MaskData(msgspec.Struct):
    """One mask of ``/segment``: its bytes row by row, one per pixel."""

    mask_base64: str
    shape: tuple[int, int]
    box: tuple[float, float, float, float]
    score: float
    label: str = ""


class Segmented(msgspec.Struct):
    results: list[MaskData]


class SegmentedPoint(msgspec.Struct):
    """``/segment_point``: all masks in one array of ``masks_shape`` (N, H, W)."""

    scores: list[float]
    masks_base64: str
    masks_shape: tuple[int, int, int]
    masks_dtype: str


class Said(msgspec.Struct):
    content: str | None = None


class Choice(msgspec.Struct):
    message: Said


class Completion(msgspec.Struct):
    choices: list[Choice]


def segmented(
    url: str, rgb: Rgb, text: str, within_s: float
) -> list[tuple[Mask, tuple[float, float, float, float], float]]:
    """Masks, boxes (x1, y1, x2, y2) and scores of what a text names, best first."""
    body = {"image_base64": png_base64(rgb), "text_prompt": text}
    return masks_in(url, _post(f"{url.rstrip('/')}/segment", body, within_s), rgb)


def masks_in(
    url: str, data: bytes, rgb: Rgb
) -> list[tuple[Mask, tuple[float, float, float, float], float]]:
    """What ``/segment`` answered, best first. Raises ServiceFailed, whatever the bytes are."""
    answer = _decoded(url, data, Segmented)
    out = []
    for one in answer.results[:MOST_MASKS]:
        mask = _array(url, one.mask_base64, "uint8", one.shape, rgb) > 0
        if not np.isfinite([*one.box, one.score]).all():
            raise ServiceFailed("INVALID", f"{url}: a box or score is not finite")
        out.append((mask, one.box, float(one.score)))
    return sorted(out, key=lambda found: -found[2])


def segmented_at(
    url: str, rgb: Rgb, pixel: tuple[float, float], within_s: float
) -> list[tuple[Mask, float]]:
    """Masks and scores of what is under a pixel (x, y), best first."""
    body = {"image_base64": png_base64(rgb), "point_coords": [float(v) for v in pixel]}
    return masks_at_in(url, _post(f"{url.rstrip('/')}/segment_point", body, within_s), rgb)


def masks_at_in(url: str, data: bytes, rgb: Rgb) -> list[tuple[Mask, float]]:
    """What ``/segment_point`` answered, best first. Raises ServiceFailed, whatever it is."""
    answer = _decoded(url, data, SegmentedPoint)
    n, *shape = answer.masks_shape
    if not answer.scores or n == 0:
        return []
    if len(answer.scores) != n or n > MOST_MASKS:
        why = f"{len(answer.scores)} scores for {n} masks (at most {MOST_MASKS})"
        raise ServiceFailed("INVALID", f"{url}: {why}")
    dtype = answer.masks_dtype
    masks = _array(url, answer.masks_base64, dtype, (n * shape[0], shape[1]), rgb, n) > 0
    found = [(m, float(s)) for m, s in zip(masks.reshape(n, *shape), answer.scores, strict=True)]
    return sorted(found, key=lambda one: -one[1])


def pointed(
    url: str, model: str, rgb: Rgb, text: str, within_s: float
) -> tuple[tuple[float, float], ...]:
    """Pixels (x, y) that a pointing model names; empty when it names none."""
    picture = {
        "type": "image_url",
        "image_url": {"url": f"data:image/png;base64,{png_base64(rgb)}"},
    }
    body = {
        "model": model,
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": f"Point at {text}"}, picture]}
        ],
        "max_tokens": MOST_TOKENS,
        "temperature": 0.0,
    }
    return pixels_in(url, _post(f"{url.rstrip('/')}/chat/completions", body, within_s), rgb)


def pixels_in(url: str, data: bytes, rgb: Rgb) -> tuple[tuple[float, float], ...]:
    """What a pointing model answered. Raises ServiceFailed for what is no answer."""
    answer = _decoded(url, data, Completion)
    words = (answer.choices[0].message.content or "") if answer.choices else ""
    height, width = rgb.shape[:2]
    return tuple((x * width, y * height) for x, y in points_in(words))


def points_in(words: str) -> list[tuple[float, float]]:
    """Points as shares of the picture (0 to 1) out of what a pointing model says.

    Known forms: ``<points coords="1 1 500 250 …">`` in thousandths, ``<point x="50" y="25">`` and
    ``<points x1="50" y1="25" …>`` in hundredths.
    """
    many = re.search(r"<points\s+coords\s*=\s*[\"']([\d.\s]+)[\"']", words, re.IGNORECASE)
    if many:
        words = many.group(1).split()
        if not all(re.fullmatch(NUMBER, word) for word in words):
            return []
        numbers = [float(word) for word in words]
        triples = [numbers[i : i + 3] for i in range(1, len(numbers) - 2, 3)]
        return _inside([(x / 1000, y / 1000) for _, x, y in triples])
    found = []
    for tag in re.findall(r"<points?\b[^>]*>", words, re.IGNORECASE):
        named = dict(re.findall(rf"\b([xy]\d*)\s*=\s*[\"']({NUMBER})[\"']", tag.lower()))
        for key in sorted(k for k in named if k.startswith("x")):
            other = named.get(f"y{key[1:]}")
            if other is not None:
                found.append((float(named[key]) / 100, float(other) / 100))
    return _inside(found)


def _inside(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(x, y) for x, y in points if 0.0 <= x <= 1.0 and 0.0 <= y <= 1.0]


def png_base64(rgb: Rgb) -> str:
    """A picture as these servers take it."""
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(rgb)).save(out, "PNG", compress_level=1)
    return base64.b64encode(out.getvalue()).decode()


def _array(
    url: str, text: str, dtype: str, shape: tuple[int, ...], rgb: Rgb, n: int = 1
) -> NDArray[Any]:
    """Decoded bytes as rows of the picture's size, (n · H, W)."""
    want = (n * rgb.shape[0], rgb.shape[1])
    if tuple(shape) != want:
        raise ServiceFailed("INVALID", f"{url}: a mask of {shape}, the picture has {want}")
    if dtype not in MASK_TYPES:
        raise ServiceFailed("INVALID", f"{url}: masks of type {dtype[:40]!r}")
    try:
        data = base64.b64decode(text, validate=True)
        return np.frombuffer(data, np.dtype(dtype)).reshape(want)
    except ValueError as error:
        raise ServiceFailed("INVALID", f"{url}: a mask cannot be read: {error}") from None


def _post(url: str, body: dict[str, Any], within_s: float) -> bytes:
    request = urllib.request.Request(
        url, msgspec.json.encode(body), {"Content-Type": "application/json"}, method="POST"
    )
    try:
        with _direct.open(request, timeout=within_s) as answer:
            data = answer.read(LARGEST_ANSWER + 1)
    except urllib.error.HTTPError as error:
        raise ServiceFailed("FAULT", f"{url} answered {error.code}: {_detail(error)}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = str(getattr(error, "reason", "") or error) or type(error).__name__
        raise ServiceFailed("FAULT", f"{url} does not answer: {reason[:160]}") from None
    if len(data) > LARGEST_ANSWER:
        raise ServiceFailed("INVALID", f"{url} answered more than {LARGEST_ANSWER >> 20} MB")
    return data


def _detail(error: urllib.error.HTTPError) -> str:
    """The first words of an error's body, as far as it comes."""
    try:
        return " ".join(error.read(400).decode("utf-8", "replace").split())[:160]
    except (OSError, http.client.HTTPException):
        return error.reason


def _decoded(url: str, data: bytes, kind: type[Shape]) -> Shape:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ServiceFailed("INVALID", f"{url} answered what is no answer: {error}") from None


# Perception servers are named by address in the cell file; a proxy is for the world outside.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
