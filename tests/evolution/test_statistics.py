"""The numbers that decisions rest on, against figures worked out by hand."""

from __future__ import annotations

import pytest

from aspire_tui.evolution.statistics import paired, rate


def test_the_interval_is_wilsons_at_95_per_cent() -> None:
    assert rate(0, 0) == (0, 0, 0.0, 1.0)
    assert rate(50, 50)[2:] == pytest.approx((0.9287, 1.0), abs=1e-4)
    assert rate(20, 32)[2:] == pytest.approx((0.4525, 0.7707), abs=1e-4)


def test_two_programs_are_compared_by_the_scenes_on_which_they_differ() -> None:
    before = [False] * 5 + [True, True, False]
    after = [True] * 5 + [False, True, False]
    compared = paired(before, after)
    assert (compared.fixed, compared.broken) == (5, 1)
    assert compared.p_value == pytest.approx(7 / 64)
    assert paired([True], [True]) == (0, 0, 1.0)
