from __future__ import annotations

import stat

from hypothesis import given
from hypothesis import strategies as st

from aspire_tui.evolution.seeds import SeedBook, held_out_key

SETS = ("dev", "selection", "held_out", "operator")


@given(st.integers(0, 2**31), st.binary(min_size=1, max_size=64))
def test_the_three_sets_never_share_a_scene(run_seed: int, key: bytes) -> None:
    book = SeedBook("cube_stack", run_seed, key)
    drawn = {which: set(book.take(which, 40)) for which in SETS}
    for a in SETS:
        for b in SETS:
            assert a == b or not drawn[a] & drawn[b]


def test_only_held_out_seeds_depend_on_the_key() -> None:
    one, other = SeedBook("t", 7, b"one"), SeedBook("t", 7, b"other")
    assert one.take("dev", 8) == other.take("dev", 8)
    assert one.take("selection", 8) == other.take("selection", 8)
    assert one.take("held_out", 8) != other.take("held_out", 8)


def test_a_later_slice_continues_the_same_sequence() -> None:
    book = SeedBook("t", 1, b"k")
    assert book.take("dev", 6)[2:] == book.take("dev", 4, start=2)


def test_the_key_is_made_once_and_is_private(tmp_path) -> None:
    path = tmp_path / "workspace" / "key"
    first = held_out_key(path)
    assert held_out_key(path) == first
    assert len(first) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
