from __future__ import annotations

import unicodedata

import pyte
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aspire_tui.tui.screen.safe import LINE_LIMIT, clean, clean_line


@given(st.text(st.characters(codec=None), max_size=200))
@example("\x1b]52;c;ZXZpbA==\x07after")
@example("\x1b[2J\x1b[31mred\x1b[0m")
@example("\x1bP+q544e\x1b\\x")
@example("\x9b31mred")
def test_nothing_that_drives_a_terminal_survives(text: str) -> None:
    kept = clean(text)
    assert all(ch == "\n" or unicodedata.category(ch) not in ("Cc", "Cs") for ch in kept)
    assert not any(ch in kept for ch in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    assert not any(ch in kept for ch in "\u200b\u200d\u200e\u200f\ufeff")


@given(st.text(max_size=100))
def test_a_line_stays_one_line(text: str) -> None:
    assert "\n" not in clean_line(text)


def test_an_escape_is_taken_out_whole() -> None:
    assert clean("a\x1b[31;1mb\x1b[0mc") == "abc"
    assert clean("a\x1b]0;title\x07b") == "ab"
    assert clean("a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\b") == "alinkb"


def test_cleaned_text_leaves_the_rest_of_a_screen_alone() -> None:
    screen = pyte.Screen(40, 3)
    stream = pyte.Stream(screen)
    stream.feed("first\r\n")
    stream.feed(clean("\x1b[2J\x1b[H\x1b[?1049hgot you").replace("\n", "\r\n"))
    assert screen.display[0].startswith("first")


@pytest.mark.parametrize("size", [10_000_000])
def test_a_huge_line_is_cut_before_it_is_looked_at(size: int) -> None:
    assert len(clean_line("x" * size)) == LINE_LIMIT + 1


def test_stacked_marks_do_not_pile_up() -> None:
    assert clean("a" + "\u0301" * 50) == "a\u0301\u0301"


def test_ordinary_text_is_untouched() -> None:
    assert clean("grasp 12 mm → “ok” ✓ 漢字\nnext") == "grasp 12 mm → “ok” ✓ 漢字\nnext"
