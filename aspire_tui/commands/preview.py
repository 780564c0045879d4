"""A small picture of a picture, for terminals, and where the whole one is."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aspire_tui.commands.person import Person

COLUMNS = 48


def show(person: Person, rgb: NDArray[np.uint8], path: Path) -> None:
    """Save a picture and sketch it where the terminal has colours."""
    from PIL import Image

    picture = Image.fromarray(rgb)
    picture.save(path)
    if sys.stdout.isatty():
        rows = max(2, round(COLUMNS * picture.height / picture.width / 2) * 2)
        for line in _half_cells(np.asarray(picture.resize((COLUMNS, rows)))):
            person.say(line)
    person.say(f"   {path}")


def _half_cells(rgb: NDArray[np.uint8]) -> list[str]:
    lines = []
    for upper, lower in zip(rgb[::2], rgb[1::2], strict=True):
        cells = [
            f"\x1b[38;2;{a[0]};{a[1]};{a[2]};48;2;{b[0]};{b[1]};{b[2]}m▀"
            for a, b in zip(upper, lower, strict=True)
        ]
        lines.append("   " + "".join(cells) + "\x1b[0m")
    return lines
