from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aspire_tui.evolution.selection import ALPHA, decide
from aspire_tui.evolution.statistics import paired, rate


def test_wilson_interval_of_a_known_case() -> None:
    r = rate(45, 50)
    assert (round(r.lo, 3), round(r.hi, 3)) == (0.786, 0.957)


def test_nothing_tried_says_nothing() -> None:
    assert rate(0, 0) == (0, 0, 0.0, 1.0)


def test_different_seeds_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match="cannot be paired"):
        paired([True], [True, False])


def test_a_repair_that_fixes_many_and_breaks_none_is_kept() -> None:
    decision = decide([False] * 8 + [True] * 16, [True] * 24)
    assert decision.status == "kept"
    assert "fixed 8, broken 0" in decision.reason


def test_a_lucky_repair_is_not_enough() -> None:
    assert decide([False] * 3 + [True] * 21, [True] * 24).status == "pruned"


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_kept_only_when_more_is_fixed_than_broken_and_proven(pairs) -> None:
    before, after = [b for b, _ in pairs], [a for _, a in pairs]
    decision = decide(before, after)
    c = decision.comparison
    assert c.fixed - c.broken == sum(after) - sum(before)
    assert (decision.status == "kept") == (c.fixed > c.broken and c.p_value <= ALPHA)
