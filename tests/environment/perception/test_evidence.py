"""Pictures are kept to the last bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aspire_tui.environment.evidence import (
    decode_depth_png,
    decode_rgb_png,
    encode_depth_png,
    encode_rgb_png,
)

sizes = st.tuples(st.integers(1, 24), st.integers(1, 24))


@given(sizes.flatmap(lambda s: hnp.arrays(np.uint16, s)))
def test_depth_survives(depth):
    back = decode_depth_png(encode_depth_png(depth))
    assert back.dtype == np.uint16
    assert np.array_equal(back, depth)


@given(sizes.flatmap(lambda s: hnp.arrays(np.uint8, (*s, 3))))
def test_colour_survives(rgb):
    assert np.array_equal(decode_rgb_png(encode_rgb_png(rgb)), rgb)


def test_depth_in_metres_is_refused():
    with pytest.raises(ValueError, match="uint16"):
        encode_depth_png(np.zeros((4, 4), np.float32))
