"""A region drawn on a picture: pixels to the table plane and back, and what is none."""

from __future__ import annotations

import numpy as np
import pytest

from aspire_tui.commands.region_drawn import NoRegion, gridded, outlined, pixels_of, region_of
from aspire_tui.environment.perception.camera import invert, project, transform

K = np.array([[300.0, 0, 160], [0, 300.0, 120], [0, 0, 1]])
# Above the table, looking straight down, its picture's top towards +y.
T = np.array([[1.0, 0, 0, 0.4], [0, -1, 0, 0.1], [0, 0, -1, 0.8], [0, 0, 0, 1]])


def pixel(x: float, y: float, z: float) -> tuple[float, float]:
    ((u, v),) = project(transform(np.array([[x, y, z]]), invert(T)), K)
    return float(u), float(v)


def test_corners_come_back_to_where_they_are_on_the_table() -> None:
    points = region_of([pixel(0.30, 0.15, 0.02), pixel(0.42, -0.05, 0.02)], K, T, 0.02)
    assert np.allclose(points, [(0.30, -0.05, 0.02), (0.42, 0.15, 0.02)], atol=1e-5)
    picture = np.zeros((240, 320, 3), np.uint8)
    drawn = outlined(picture, points, K, T)
    u, v = pixel(0.30, 0.05, 0.02)
    assert tuple(drawn[round(v), round(u)]) == (255, 0, 255)
    assert gridded(picture).any() and not picture.any()


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("120,80", "1 corners"),
        ("120,80; there", "no pixel"),
        ("120,80; 400,10", "outside the picture"),
        ("; ".join(["1,1"] * 9), "9 corners"),
        ("nan,1; 2,2", "no pixel"),
    ],
)
def test_what_is_no_corner_is_refused(typed: str, says: str) -> None:
    with pytest.raises(NoRegion, match=says):
        pixels_of(typed, (320, 240))


def test_a_pixel_that_shows_no_table_or_a_flat_region_is_refused() -> None:
    level = np.array([[0.0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0.5], [0, 0, 0, 1]])
    with pytest.raises(NoRegion, match="does not look at the table"):
        region_of([(160, 10), (200, 200)], K, level, 0.0)
    with pytest.raises(NoRegion, match="20 mm"):
        region_of([(160, 100), (161, 200)], K, T, 0.0)
