"""Colour words as soft ranges of hue, saturation and brightness.

Hue and saturation do not change with exposure, so chromatic words lean on them and brightness only
tells apart what hue cannot (brown from orange, white from grey). Every edge is a ramp wide enough
for ±30 % exposure and a white balance that is ±12 % off; neighbouring words overlap on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatImage = NDArray[np.float32]

Ramp = tuple[float, float, float, float]
"""Nothing below the first and above the last number, everything between the middle two."""

ANY: Ramp = (-1.0, -1.0, 9.0, 9.0)
CHROMATIC: Ramp = (0.30, 0.42, 9.0, 9.0)
ACHROMATIC: Ramp = (-1.0, -1.0, 0.18, 0.30)
LIT: Ramp = (0.06, 0.12, 9.0, 9.0)
"""Darker pixels carry no hue."""


@dataclass(frozen=True)
class ColourRange:
    """One word. Hue in degrees on a circle, a ramp that may start below 0."""

    hue_deg: Ramp | None
    saturation: Ramp
    value: Ramp
    family: str
    """Words of one family are shades of one surface under uneven light."""


COLOURS: dict[str, ColourRange] = {
    "red": ColourRange((-22, -14, 12, 20), (0.45, 0.58, 9.0, 9.0), LIT, "red"),
    "orange": ColourRange((10, 17, 38, 47), (0.42, 0.55, 9.0, 9.0), (0.28, 0.45, 9.0, 9.0), "warm"),
    "brown": ColourRange((8, 15, 38, 46), (0.28, 0.38, 0.85, 0.95), (0.06, 0.1, 0.45, 0.6), "warm"),
    "yellow": ColourRange((35, 42, 67, 76), CHROMATIC, LIT, "yellow"),
    "green": ColourRange((66, 78, 160, 172), CHROMATIC, LIT, "green"),
    "cyan": ColourRange((158, 167, 200, 210), CHROMATIC, LIT, "cyan"),
    "blue": ColourRange((197, 206, 252, 262), CHROMATIC, LIT, "blue"),
    "purple": ColourRange((252, 262, 304, 314), CHROMATIC, LIT, "purple"),
    "pink": ColourRange(
        (306, 316, 366, 378), (0.18, 0.26, 0.58, 0.68), (0.3, 0.42, 9.0, 9.0), "red"
    ),
    "magenta": ColourRange((302, 312, 338, 350), CHROMATIC, LIT, "magenta"),
    "white": ColourRange(None, ACHROMATIC, (0.58, 0.75, 9.0, 9.0), "plain"),
    "grey": ColourRange(None, ACHROMATIC, (0.14, 0.24, 0.68, 0.8), "plain"),
    "black": ColourRange(None, ANY, (-1.0, -1.0, 0.17, 0.27), "plain"),
}

SYNONYMS = {"gray": "grey", "violet": "purple", "turquoise": "cyan"}

SHADES = {"pink": ("magenta",)}
"""Words that people also use for another range."""

FAMILIES = tuple(dict.fromkeys(c.family for c in COLOURS.values()))


@dataclass(frozen=True, eq=False)
class Hsv:
    """Hue in degrees 0..360, saturation and value in 0..1, each of shape (H, W), float32."""

    hue_deg: FloatImage
    saturation: FloatImage
    value: FloatImage

    @classmethod
    def of(cls, rgb: NDArray[np.uint8]) -> Hsv:
        """Convert a picture of shape (H, W, 3)."""
        c = rgb.astype(np.float32)
        r, g, b = c[..., 0], c[..., 1], c[..., 2]
        top = np.maximum(np.maximum(r, g), b)
        span = top - np.minimum(np.minimum(r, g), b)
        safe = np.where(span > 0, span, np.float32(1))
        hue = np.where(
            top == r, (g - b) / safe, np.where(top == g, (b - r) / safe + 2, (r - g) / safe + 4)
        )
        hue = (hue * np.float32(60)) % np.float32(360)
        saturation = np.asarray(span / np.maximum(top, np.float32(1)), np.float32)
        value = np.asarray(top / np.float32(255), np.float32)
        return cls(hue, saturation, value)


def ramp(x: FloatImage, edges: Ramp) -> FloatImage:
    """Soft membership of values in a range, 0..1."""
    a, b, c, d = (np.float32(e) for e in edges)
    rise = (x - a) / max(b - a, np.float32(1e-6))
    fall = (d - x) / max(d - c, np.float32(1e-6))
    out: FloatImage = np.clip(np.minimum(rise, fall), 0, 1)
    return out


def membership(hsv: Hsv, word: str) -> FloatImage:
    """How well each pixel fits a colour word, 0..1."""
    colour = COLOURS[word]
    if word == "black":
        # A dark pixel's hue is noise, unless it is clearly coloured.
        tinted = ramp(hsv.saturation, (0.45, 0.7, 9.0, 9.0)) * ramp(hsv.value, (0.06, 0.12, 9, 9))
        return ramp(hsv.value, colour.value) * (1 - tinted)
    fit = np.minimum(ramp(hsv.saturation, colour.saturation), ramp(hsv.value, colour.value))
    if colour.hue_deg is None:
        return fit
    lo, _, _, hi = colour.hue_deg
    middle = np.float32((lo + hi) / 2)
    around = (hsv.hue_deg - middle + np.float32(180)) % np.float32(360) - np.float32(180) + middle
    return np.minimum(fit, ramp(around, colour.hue_deg))


def same_surface(hsv: Hsv, word: str) -> FloatImage:
    """Like :func:`membership`, but of the word's family: shaded sides of a thing count too."""
    family = COLOURS[word].family
    fits = [membership(hsv, w) for w, c in COLOURS.items() if c.family == family]
    widest: FloatImage = np.max(fits, axis=0)
    return widest


def families(hsv: Hsv) -> NDArray[np.int8]:
    """The colour family of each pixel as an index into :data:`FAMILIES`, -1 for none."""
    best = np.full(hsv.value.shape, 0.2, np.float32)
    out = np.full(hsv.value.shape, -1, np.int8)
    for word, colour in COLOURS.items():
        fit = membership(hsv, word)
        better = fit > best
        best = np.where(better, fit, best)
        out[better] = FAMILIES.index(colour.family)
    return out
