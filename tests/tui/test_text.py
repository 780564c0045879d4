from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aspire_tui.tui.screen.text import (
    clip,
    fit,
    line,
    pad,
    plain,
    spread,
    text_width,
    width,
    wrap,
)

words = st.text(st.sampled_from("ab 漢é✓-"), max_size=60)


@given(words, st.integers(1, 40))
def test_padded_text_has_exactly_its_cells(text: str, cells: int) -> None:
    assert text_width(pad(text, cells)) == cells


@given(words, st.integers(0, 40))
def test_clipped_text_never_takes_more(text: str, cells: int) -> None:
    assert text_width(clip(text, cells)) <= cells


@given(st.lists(words, max_size=5), st.integers(1, 40))
def test_a_fitted_line_never_takes_more(parts: list[str], cells: int) -> None:
    assert width(fit(line(*parts), cells)) <= cells


@given(words, words, st.integers(1, 60))
def test_spread_keeps_the_right_part_at_the_edge(left: str, right: str, cells: int) -> None:
    row = spread(line(left), line(right), cells)
    assert width(row) <= cells
    if text_width(right) <= cells and right:
        assert plain(row).endswith(right) or width(row) == cells


@given(words, st.integers(8, 40))
def test_wrapping_loses_no_letters(text: str, cells: int) -> None:
    rows = wrap(text, cells)
    assert all(width(row) <= cells for row in rows)
    kept = "".join(plain(row) for row in rows).replace(" ", "")
    assert kept == text.replace(" ", "")


def test_a_cut_is_marked() -> None:
    assert clip("grasp the cube", 8) == "grasp t…"
    assert plain(fit(line("grasp ", ("the cube", "dim")), 8)) == "grasp t…"
