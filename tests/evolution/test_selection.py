from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aspire_tui.evolution.selection import ALPHA, ALPHA_NAMED, Named, decide, decide_joined
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


LINE = "goto_pose SLIPPED at line 12"


def named(fixed: int, broken: int, n: int = 32) -> Named:
    """``fixed`` scenes got past the place only with the repair, ``broken`` only without it."""
    before = [False] * fixed + [True] * (n - fixed)
    return Named(LINE, before, [True] * fixed + [i >= broken for i in range(n - fixed)])


def test_half_of_a_repair_is_kept_for_the_failure_it_named() -> None:
    """Ten of 32 pass, thirteen with the repair: another fault lies behind the one it ended."""
    before, after = [True] * 10 + [False] * 22, [True] * 13 + [False] * 19
    assert decide(before, after).status == "pruned"
    kept = decide(before, after, named(11, 0))
    assert kept.status == "kept"
    assert kept.reason.startswith("kept for the failure it names, the whole trial is not proven")
    assert f"past {LINE}: 32/32 against 21/32, fixed 11, broken 0" in kept.reason
    assert decide(before, after, named(6, 0)).status == "pruned"  # p = 0.016: not enough for it
    assert decide(before, after, named(11, 4)).status == "pruned"


def test_a_failure_ended_at_the_cost_of_the_whole_is_not_kept() -> None:
    before, after = [True] * 12 + [False] * 20, [True] * 11 + [False] * 21
    told = decide(before, after, named(14, 0))
    assert told.status == "pruned" and "fixed 14, broken 0" in told.reason


def test_what_is_proven_on_the_whole_needs_no_second_look() -> None:
    before, after = [False] * 8 + [True] * 24, [True] * 32
    assert decide(before, after, named(0, 9)) == decide(before, after)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40), st.data())
def test_naming_a_failure_never_prunes_and_never_saves_what_does_harm(pairs, data) -> None:
    before, after = [b for b, _ in pairs], [a for _, a in pairs]
    flips = st.lists(st.booleans(), min_size=len(pairs), max_size=len(pairs))
    claim = Named(LINE, data.draw(flips), data.draw(flips))
    alone, told = decide(before, after), decide(before, after, claim)
    if alone.status == "kept":
        assert told.status == "kept"
    if told.status == "kept" and alone.status == "pruned":
        assert alone.comparison.fixed >= alone.comparison.broken
        assert paired(claim.before, claim.after).p_value <= ALPHA_NAMED


def test_two_proven_halves_are_joined_when_that_passes_more_than_either() -> None:
    """With a third fault behind both, the second half hardly raises the whole trial by itself."""
    origin = [True] * 8 + [False] * 24
    one, other = [True] * 12 + [False] * 20, [True] * 8 + [False] * 19 + [True] * 5
    joined = [True] * 12 + [False] * 15 + [True] * 5
    assert decide_joined(origin, {2: one, 3: other}, joined).status == "kept"
    same = decide_joined(origin, {2: one, 3: other}, one)
    assert same.status == "pruned" and same.reason.startswith("no better than H2 alone")
    little = decide_joined(origin, {2: origin, 3: origin}, [True] * 12 + [False] * 20)
    assert little.status == "pruned" and little.reason.startswith("not proven")


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans(), st.booleans()), min_size=1))
def test_what_is_joined_is_never_worse_than_a_branch(rows) -> None:
    origin, one, other, joined = (list(c) for c in zip(*rows, strict=True))
    decision = decide_joined(origin, {2: one, 3: other}, joined)
    if decision.status == "kept":
        assert sum(joined) > max(sum(one), sum(other))
        assert paired(origin, joined).p_value <= ALPHA
