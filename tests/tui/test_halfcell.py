from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aspire_tui.tui.screen.halfcell import UPPER, fitted, halfcells, palette_256, resize
from aspire_tui.tui.screen.text import Pixel, plain, width

_CUBE = [0, 95, 135, 175, 215, 255]


def _colour(number: int) -> tuple[int, int, int]:
    if number >= 232:
        grey = 8 + 10 * (number - 232)
        return grey, grey, grey
    number -= 16
    return _CUBE[number // 36], _CUBE[number // 6 % 6], _CUBE[number % 6]


@given(st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255)))
def test_no_palette_colour_is_nearer(rgb: tuple[int, int, int]) -> None:
    chosen = int(palette_256(np.array([[rgb]], np.uint8))[0, 0])

    def error(number: int) -> int:
        return sum((a - b) ** 2 for a, b in zip(_colour(number), rgb, strict=True))

    best = min(error(number) for number in range(16, 256))
    assert error(chosen) <= best + 60  # a grey step may lie between two equally near ones


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 30), st.integers(1, 80))
def test_a_picture_fits_its_box(height: int, wide: int, rows: int, cols: int) -> None:
    got_rows, got_cols = fitted(height, wide, rows, cols)
    assert 1 <= got_rows <= rows and 1 <= got_cols <= cols


def test_upper_and_lower_pixel_share_a_cell() -> None:
    rgb = np.zeros((2, 3, 3), np.uint8)
    rgb[0] = 255
    (row,) = halfcells(rgb, 1, 3)
    assert plain(row) == UPPER * 3
    assert row[0].role == Pixel(231, 16)


def test_shrinking_takes_the_mean() -> None:
    rgb = np.zeros((4, 4, 3), np.uint8)
    rgb[:2] = 200
    assert resize(rgb, 2, 1)[:, 0, 0].tolist() == [200, 0]
    assert resize(rgb, 1, 1)[0, 0, 0] == 100


@pytest.mark.parametrize("depth", ["256", "16", "mono"])
def test_every_depth_draws_the_same_shape(depth: str) -> None:
    rgb = np.random.default_rng(1).integers(0, 255, (48, 64, 3), np.uint8)
    rows = halfcells(rgb, 12, 40, depth)  # type: ignore[arg-type]
    assert len(rows) == 12 and all(width(row) == 32 for row in rows)
    if depth == "mono":
        assert all(plain(row).isascii() for row in rows)
