from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from aspire_tui.tui.screen.lines import Viewport

moves = st.lists(st.integers(-50, 50), max_size=20)


@given(st.integers(1, 40), st.integers(0, 200), moves)
def test_the_view_never_leaves_its_lines(height: int, length: int, by: list[int]) -> None:
    view = Viewport(height=height)
    for step in by:
        view.scroll(step, length, tails=True)
        assert 0 <= view.top <= max(0, length - height)


@given(st.integers(1, 40), st.integers(1, 200), st.data())
def test_a_revealed_line_is_visible(height: int, length: int, data: st.DataObject) -> None:
    view = Viewport(height=height, top=data.draw(st.integers(0, length)))
    index = data.draw(st.integers(0, length - 1))
    view.reveal(index, length)
    assert view.top <= index < view.top + height


def test_a_tail_follows_until_scrolled_up_and_takes_up_again_at_the_end() -> None:
    view = Viewport(height=10, tail=True)
    view.settle(100)
    assert view.top == 90
    view.scroll(-5, 100, tails=True)
    view.settle(120)
    assert view.top == 85 and view.unseen(120) == 20
    view.scroll(1000, 120, tails=True)
    view.settle(130)
    assert view.top <= 129 < view.top + 10 and view.unseen(130) == 0


@given(st.integers(1, 40), st.lists(st.integers(0, 5), max_size=60))
def test_a_tail_shows_its_end_and_stands_still_most_of_the_time(
    height: int, growth: list[int]
) -> None:
    view, length, tops = Viewport(height=height, tail=True), 0, []
    for more in growth:
        length += more
        view.settle(length)
        assert length == 0 or view.top <= length - 1 < view.top + height
        tops.append(view.top)
    moved = sum(a != b for a, b in itertools.pairwise(tops))
    assert moved <= 1 + length // max(1, height // 3)
