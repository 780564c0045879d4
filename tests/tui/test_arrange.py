from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aspire_tui.tui.arrange import PANES, PaneId, all_visible, arrange


@given(
    st.integers(20, 300),
    st.integers(5, 100),
    st.permutations(PANES),
    st.booleans(),
)
def test_panes_never_overlap_and_fill_the_area(
    columns: int, rows: int, order: list[PaneId], zoomed: bool
) -> None:
    places = arrange(columns, rows, tuple(order), zoomed)
    assert order[0] in places
    covered = set()
    for box in places.values():
        cells = {
            (x, y)
            for x in range(box.x, box.x + box.width)
            for y in range(box.y, box.y + box.height)
        }
        assert not covered & cells
        covered |= cells
    assert len(covered) == columns * rows


@pytest.mark.parametrize(
    ("columns", "rows", "visible"),
    [(80, 19, 1), (120, 32, 4), (120, 20, 2), (160, 43, 6), (200, 55, 6)],
)
def test_as_many_panes_as_the_size_carries(columns: int, rows: int, visible: int) -> None:
    assert len(arrange(columns, rows, PANES, False)) == visible
    assert all_visible(columns, rows) == (visible == 6)
