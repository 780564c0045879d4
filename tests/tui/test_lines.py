from __future__ import annotations

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
    assert view.top == 120 and view.unseen(130) == 0
